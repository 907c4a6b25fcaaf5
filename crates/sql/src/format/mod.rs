//! The shapes of an answer: JSON, lines of JSON, CSV, the Arrow IPC stream, and Parquet.

mod cell;
mod csv;
mod json;
mod parquet;

use std::str::FromStr;
use std::time::Duration;

use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;

use crate::Answer;

pub use cell::texts;
pub use json::json_text;

/// A shape of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One object with columns, rows and counts.
    Json,
    /// One object per row and line.
    Ndjson,
    /// RFC 4180 with a header.
    Csv,
    /// Arrow's IPC stream.
    Arrow,
    /// A Parquet file.
    Parquet,
}

/// An answer that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// It has more bytes than may be sent.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// A value of a kind that has no text.
    #[error("the answer cannot be written")]
    Value(#[from] ArrowError),
    /// A value of a kind that Parquet has no column for.
    #[error("the answer cannot be written as Parquet")]
    Parquet(#[from] ::parquet::errors::ParquetError),
}

impl Format {
    /// All of them, the default first.
    pub const ALL: [Self; 5] = [
        Self::Json,
        Self::Ndjson,
        Self::Csv,
        Self::Arrow,
        Self::Parquet,
    ];

    /// The name in `?format=`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
        }
    }

    /// The media type of `Accept` and `Content-Type`.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// Whether its bytes are no text.
    pub fn is_binary(self) -> bool {
        matches!(self, Self::Arrow | Self::Parquet)
    }

    /// Writes an answer, as long as it fits `limit` bytes. JSON tells how long it took.
    pub fn write(
        self,
        answer: &Answer,
        elapsed: Duration,
        limit: usize,
    ) -> Result<Vec<u8>, FormatError> {
        let mut out = Bounded {
            bytes: Vec::new(),
            limit,
        };
        match self {
            Self::Json => json::write(answer, elapsed, &mut out)?,
            Self::Ndjson => json::write_lines(answer, &mut out)?,
            Self::Csv => csv::write(answer, &mut out)?,
            Self::Arrow => {
                let mut writer = StreamWriter::try_new(&mut out.bytes, &answer.schema)?;
                for batch in &answer.batches {
                    writer.write(batch)?;
                    if writer.get_ref().len() > limit {
                        return Err(FormatError::TooLarge { limit });
                    }
                }
                writer.finish()?;
                drop(writer);
                out.row_done()?;
            }
            Self::Parquet => parquet::write(answer, &mut out)?,
        }
        Ok(out.bytes)
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

/// A name that no format has.
#[derive(Debug, thiserror::Error)]
#[error("there is no format {0:?}; there are json, ndjson, csv, arrow and parquet")]
pub struct UnknownFormat(String);

/// Bytes that are checked against a limit after each row.
struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
}

impl Bounded {
    fn row_done(&self) -> Result<(), FormatError> {
        if self.bytes.len() > self.limit {
            return Err(FormatError::TooLarge { limit: self.limit });
        }
        Ok(())
    }
}
