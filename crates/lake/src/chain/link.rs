//! A link as it stands in the store: rows, range, state, and what tells one log from another.

use std::collections::BTreeMap;
use std::ops::Range;

use arrow::array::{AsArray, PrimitiveArray};
use arrow::datatypes::{ArrowPrimitiveType, Int64Type, TimestampMillisecondType};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::errors::ParquetError;

use super::{Batch, Gap, Head, Move, NewLink};
use crate::parquet::{Metadata, decode, decode_column, encode, metadata};

const FIRST: &str = "tidemill.first";
const END: &str = "tidemill.end";
const WITNESS: &str = "tidemill.witness";
const STATE: &str = "tidemill.state.";
const GAP: &str = "tidemill.gap";
const MOVED: &str = "tidemill.moved";

/// A link that stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The offsets it covers.
    pub range: Range<i64>,
    /// Its rows.
    pub rows: RecordBatch,
    /// What the link after it needed to know.
    pub state: BTreeMap<String, String>,
    /// Set where it stands for records that are lost.
    pub gap: Option<Gap>,
    /// Offset and timestamp of the first record it was made from.
    pub(super) witness: Option<(i64, i64)>,
}

/// Why an object cannot be a link.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    #[error("it is no whole Parquet file")]
    Parquet(#[from] ParquetError),
    #[error("its metadata has no `{0}`")]
    Missing(&'static str),
    #[error("its metadata has a `{0}` that cannot be read")]
    Malformed(&'static str),
}

/// The bytes of a link on `head`, made from `batch`.
pub(super) fn write(head: &Head, batch: &Batch<'_>, link: &NewLink) -> Result<Bytes, ParquetError> {
    let first = head.end.max(batch.offsets.start);
    let mut pairs = range(first, link.end);
    if let Some((offset, timestamp)) = batch.first_from(first) {
        pairs.insert(WITNESS.to_owned(), format!("{offset}@{timestamp}"));
    }
    pairs.extend(written(&link.state));
    encode(&link.rows, &pairs)
}

/// The bytes of a link on `head` that stands for lost records: the state goes on as if they had never been.
pub(super) fn write_gap(
    head: &Head,
    gap: &Gap,
    empty: &RecordBatch,
) -> Result<Bytes, ParquetError> {
    let mut pairs = range(gap.range.start, gap.range.end);
    pairs.insert(GAP.to_owned(), gap.to_text());
    pairs.extend(written(&head.state));
    encode(empty, &pairs)
}

/// The bytes of the link on `head` after which the chain goes on elsewhere.
pub(super) fn write_move(
    head: &Head,
    to: &Move,
    empty: &RecordBatch,
) -> Result<Bytes, ParquetError> {
    let mut pairs = range(head.end, head.end);
    pairs.insert(MOVED.to_owned(), to.to_text());
    encode(empty, &pairs)
}

/// The link in `file` without its rows; none if it has no row.
pub(super) fn emptied(file: Bytes) -> Result<Option<Bytes>, ParquetError> {
    let (rows, pairs) = decode(file)?;
    if rows.num_rows() == 0 {
        return Ok(None);
    }
    encode(&rows.slice(0, 0), &pairs).map(Some)
}

fn range(first: i64, end: i64) -> Metadata {
    Metadata::from([
        (FIRST.to_owned(), first.to_string()),
        (END.to_owned(), end.to_string()),
    ])
}

fn written(state: &BTreeMap<String, String>) -> impl Iterator<Item = (String, String)> {
    state
        .iter()
        .map(|(key, value)| (format!("{STATE}{key}"), value.clone()))
}

/// The head that the link in `file` makes; no row is decoded.
pub(super) fn read_head(file: &Bytes) -> Result<Head, Unreadable> {
    let pairs = metadata(file)?;
    let moved = pairs.get(MOVED).map(|text| Move::from_text(text));
    Ok(Head {
        end: offset(&pairs, END)?,
        state: state(&pairs),
        exists: true,
        gap: gap(&pairs)?,
        moved: moved
            .map(|to| to.ok_or(Unreadable::Malformed(MOVED)))
            .transpose()?,
    })
}

fn gap(pairs: &Metadata) -> Result<Option<Gap>, Unreadable> {
    let Some(text) = pairs.get(GAP) else {
        return Ok(None);
    };
    let range = offset(pairs, FIRST)?..offset(pairs, END)?;
    Gap::from_text(range, text)
        .map(Some)
        .ok_or(Unreadable::Malformed(GAP))
}

/// The link in `file`.
pub(super) fn read(file: Bytes) -> Result<Link, Unreadable> {
    let (rows, pairs) = decode(file)?;
    let witness = pairs.get(WITNESS).and_then(|text| {
        let (offset, timestamp) = text.split_once('@')?;
        Some((offset.parse().ok()?, timestamp.parse().ok()?))
    });
    let range = offset(&pairs, FIRST)?..offset(&pairs, END)?;
    Ok(Link {
        range,
        rows,
        state: state(&pairs),
        gap: gap(&pairs)?,
        witness,
    })
}

/// The offsets of the rows in `file`; nothing else of them is decoded.
pub(super) fn read_offsets(file: Bytes) -> Result<Vec<i64>, ParquetError> {
    let mut offsets = Vec::new();
    for column in decode_column(file, "_offset")? {
        let column = column.as_primitive_opt::<Int64Type>();
        let column =
            column.ok_or_else(|| ParquetError::General("`_offset` is no number".into()))?;
        offsets.extend(column.values());
    }
    Ok(offsets)
}

fn offset(pairs: &Metadata, key: &'static str) -> Result<i64, Unreadable> {
    pairs
        .get(key)
        .and_then(|text| text.parse().ok())
        .ok_or(Unreadable::Missing(key))
}

fn state(pairs: &Metadata) -> BTreeMap<String, String> {
    pairs
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix(STATE)?.to_owned(), value.clone())))
        .collect()
}

impl Link {
    /// The offset of the first record that it was made from; none for a link that stands for no record.
    pub fn first_record(&self) -> Option<i64> {
        self.witness.map(|(offset, _)| offset)
    }

    /// The broker's timestamp of the record at `offset`, if the link still knows it.
    pub(super) fn timestamp_of(&self, offset: i64) -> Option<i64> {
        if let Some((_, timestamp)) = self.witness.filter(|&(at, _)| at == offset) {
            return Some(timestamp);
        }
        let offsets = self.column::<Int64Type>("_offset")?;
        let row = offsets.values().iter().position(|&at| at == offset)?;
        Some(
            self.column::<TimestampMillisecondType>("_timestamp")?
                .value(row),
        )
    }

    fn column<T: ArrowPrimitiveType>(&self, name: &str) -> Option<&PrimitiveArray<T>> {
        self.rows.column_by_name(name)?.as_primitive_opt()
    }
}
