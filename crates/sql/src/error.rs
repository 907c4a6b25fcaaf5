//! What can be wrong with a statement, told apart as far as its author can do something about it.

use std::time::Duration;

use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use statement::StatementError;

/// The lake could not be opened for SQL.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The lake's URL has a form that is not supported.
    #[error(
        "the lake {url:?} cannot be queried: only file:///an/absolute/path and s3://bucket/prefix can"
    )]
    Unsupported {
        /// The URL as it was given.
        url: String,
    },
    /// The lake's folder cannot be made or read.
    #[error("the lake's folder {path:?} cannot be opened")]
    Folder {
        /// The folder.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The store over the folder cannot be made.
    #[error("the lake's store cannot be opened")]
    Store(#[from] object_store::Error),
    /// The lake's URL is wrong.
    #[error(transparent)]
    Lake(#[from] lake::OpenError),
    /// There is no runtime to send requests from.
    #[error("a lake on S3 can only be opened where requests can be sent from")]
    Runtime(#[from] tokio::runtime::TryCurrentError),
    /// A table cannot be registered.
    #[error("the lake's catalog cannot be made")]
    Catalog(#[from] DataFusionError),
}

/// Why a statement has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The text is no SQL.
    #[error("{message}")]
    Syntax {
        /// What was expected and what was found.
        message: String,
        /// Line of the place, from 1.
        line: u64,
        /// Column of the place in characters, from 1.
        column: u64,
    },
    /// A table that does not exist.
    #[error("there is no table {name:?}")]
    UnknownTable {
        /// The name as the statement has it, folded to lower case.
        name: String,
        /// The tables that exist.
        known: Vec<String>,
    },
    /// A column that does not exist where it is asked for.
    #[error("there is no column {name:?}")]
    UnknownColumn {
        /// The name as the statement has it, folded to lower case.
        name: String,
        /// The columns that exist there.
        known: Vec<String>,
    },
    /// Anything but a question.
    #[error(
        "{what} is not allowed: only SELECT, WITH, VALUES, SHOW TABLES, DESCRIBE and EXPLAIN are"
    )]
    Forbidden {
        /// What the statement wanted to do.
        what: String,
    },
    /// The time limit was reached; what still runs of the statement has no one to answer.
    #[error("the statement took longer than {} s and was stopped", after.as_secs_f64())]
    TimedOut {
        /// The limit.
        after: Duration,
    },
    /// The memory limit was reached.
    #[error("the statement needs more than the {} MiB of memory that it may use", limit >> 20)]
    OutOfMemory {
        /// The limit in bytes.
        limit: usize,
    },
    /// The statement or its answer is too large.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What is.
        what: &'static str,
        /// The limit in bytes.
        limit: usize,
    },
    /// The statement is well formed but makes no sense, such as a sum of texts.
    #[error("{}", plain(.0))]
    Plan(DataFusionError),
    /// The statement failed while it ran, such as by a division by zero.
    #[error("{}", plain(.0))]
    Execution(DataFusionError),
    /// The lake could not be read, or a link in it is damaged: not the statement's fault.
    #[error("the lake could not be read")]
    Storage(#[source] DataFusionError),
    /// The engine itself broke down on the statement.
    #[error("the query engine broke down on this statement: {detail}")]
    Broken {
        /// What is known about it.
        detail: String,
    },
    /// No thread could be had to run the statement on.
    #[error("the statement could not be started")]
    Start(#[source] std::io::Error),
}

/// Refusal of a function whose result would be out of all proportion; carried through DataFusion as an external error.
#[derive(Debug, thiserror::Error)]
#[error("{function} would make about {makes} bytes or comparisons, more than {limit}")]
pub(crate) struct Oversized {
    pub(crate) function: String,
    pub(crate) makes: u64,
    pub(crate) limit: u64,
}

/// A sum of integers that is none of 64 bits; carried through DataFusion as an external error.
#[derive(Debug, thiserror::Error)]
#[error(
    "a sum is past the range of 64-bit integers; SUM(CAST(… AS DECIMAL(38, 0))) and SUM(CAST(… AS DOUBLE)) go further"
)]
pub(crate) struct SumOutOfRange;

/// Whether an error came up while planning or while running.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stage {
    Planning,
    Running,
}

impl From<StatementError> for SqlError {
    fn from(error: StatementError) -> Self {
        match error {
            StatementError::Syntax {
                message,
                line,
                column,
            } => Self::Syntax {
                message,
                line,
                column,
            },
            StatementError::Forbidden { what } => Self::Forbidden { what },
            StatementError::TooLarge { what, limit } => Self::TooLarge { what, limit },
        }
    }
}

impl SqlError {
    /// Sorts an error of the engine.
    pub(crate) fn of_engine(error: DataFusionError, stage: Stage, memory: usize) -> Self {
        match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => Self::OutOfMemory { limit: memory },
            DataFusionError::External(source) if source.is::<Oversized>() => {
                Self::OutOfMemory { limit: memory }
            }
            DataFusionError::SchemaError(schema, _) => match schema.as_ref() {
                SchemaError::FieldNotFound {
                    field,
                    valid_fields,
                } => {
                    let mut known: Vec<String> =
                        valid_fields.iter().map(|c| c.name.clone()).collect();
                    known.sort();
                    known.dedup();
                    Self::UnknownColumn {
                        name: field.name.clone(),
                        known,
                    }
                }
                _ => Self::Plan(error),
            },
            DataFusionError::ArrowError(arrow, _) if is_out_of_memory(arrow) => {
                Self::OutOfMemory { limit: memory }
            }
            DataFusionError::ObjectStore(_) | DataFusionError::IoError(_) => Self::Storage(error),
            DataFusionError::ParquetError(parquet) if is_damage(parquet) => Self::Storage(error),
            DataFusionError::External(source) if source.is::<object_store::Error>() => {
                Self::Storage(error)
            }
            _ => match stage {
                Stage::Planning => Self::Plan(error),
                Stage::Running => Self::Execution(error),
            },
        }
    }
}

/// What the engine says of the cause, without the layers around it and its call for bug reports: most of what it
/// calls internal is a sum of texts or a date that is none.
fn plain(error: &DataFusionError) -> String {
    let text = error.find_root().strip_backtrace();
    let text = text
        .split("\nThis issue was likely")
        .next()
        .unwrap_or_default();
    let mut text = text.trim_end_matches('.');
    let layers = [
        "Error during planning: ",
        "Internal error: ",
        "Execution error: ",
        "Arrow error: ",
        "External error: ",
        "SQL error: ",
    ];
    while let Some(rest) = layers.iter().find_map(|layer| text.strip_prefix(layer)) {
        text = rest;
    }
    if text.contains("non UTF-8 data") {
        return "some of these bytes are no text: TRY_CAST(… AS VARCHAR) is null for those, encode(…, 'hex') shows any".to_owned();
    }
    text.to_owned()
}

fn is_out_of_memory(error: &arrow::error::ArrowError) -> bool {
    matches!(
        error,
        arrow::error::ArrowError::MemoryError(_) | arrow::error::ArrowError::OffsetOverflowError(_)
    )
}

/// A filter that runs inside the Parquet reader fails by the reader's error, but not by its fault.
fn is_damage(error: &parquet::errors::ParquetError) -> bool {
    use parquet::errors::ParquetError;
    match error {
        ParquetError::ArrowError(_) => false,
        ParquetError::External(source) => source.is::<object_store::Error>(),
        _ => true,
    }
}
