//! Why a question has no answer, as problem+json.

use lake::holdings::HoldingsError;
use lambda_kit::{Problem, run};
use serde_json::json;
use sql::{FormatError, SqlError};
use tracing::error;

/// The problem that a statement's error is.
pub(crate) fn of_sql(refused: SqlError) -> Problem {
    let detail = refused.to_string();
    match refused {
        SqlError::Syntax { line, column, .. } => {
            let place = format!("syntax error at line {line}, column {column}: {detail}");
            Problem::unprocessable(place)
                .with("line", line)
                .with("column", column)
        }
        SqlError::UnknownTable { known, .. } => {
            Problem::unprocessable(detail).with("tables", known)
        }
        SqlError::UnknownColumn { known, .. } => {
            Problem::unprocessable(detail).with("columns", known).with(
                "hint",
                "text stands in 'single quotes', a name such as \"User-Agent\" in double quotes",
            )
        }
        SqlError::Forbidden { .. } => Problem::forbidden(detail),
        SqlError::TimedOut { after } => {
            Problem::gateway_timeout(detail).with("limit", json!({"seconds": after.as_secs_f64()}))
        }
        SqlError::OutOfMemory { limit } => {
            Problem::unprocessable(detail).with("limit", json!({"memory_bytes": limit}))
        }
        SqlError::TooLarge { what, limit } => {
            Problem::unprocessable(format!("{detail}; ask for less with limit= or LIMIT"))
                .with("limit", json!({"of": what, "bytes": limit}))
        }
        SqlError::Plan(_) | SqlError::Execution(_) => Problem::unprocessable(detail),
        SqlError::Broken { .. } => {
            error!(
                error = run::chain(&refused),
                "engine broke down on a statement"
            );
            Problem::unprocessable(detail)
        }
        SqlError::Start(_) | SqlError::Storage(_) => {
            error!(error = run::chain(&refused), "statement could not be run");
            Problem::unavailable(1, detail)
        }
    }
}

/// The problem that an answer which cannot be written is.
pub(crate) fn of_format(refused: &FormatError) -> Problem {
    match refused {
        FormatError::TooLarge { limit } => Problem::unprocessable(format!(
            "the answer is larger than the {limit} bytes that can be sent; lower limit= or select fewer columns"
        ))
        .with("limit", json!({"of": "the answer", "bytes": limit})),
        FormatError::Parquet(_) => Problem::unprocessable(format!(
            "{refused}: one of its columns is of a type that Parquet cannot hold"
        )),
        FormatError::Value(_) => {
            error!(error = run::chain(refused), "answer could not be written");
            Problem::internal()
        }
    }
}

/// The problem that trouble with holdings is.
pub(crate) fn of_holdings(refused: &HoldingsError) -> Problem {
    error!(error = run::chain(refused), "holdings could not be used");
    match refused {
        HoldingsError::Contended { .. } | HoldingsError::Store(_) => {
            Problem::unavailable(1, refused.to_string())
        }
        _ => Problem::internal(),
    }
}
