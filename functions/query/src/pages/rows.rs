//! Rows of a statement as values of a type of ours.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use lambda_kit::{Problem, run};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use sql::{Format, Limits};
use tracing::error;

use crate::context::Context;
use crate::{refusal, respond};

/// Runs a statement and reads each row; columns are matched by name.
pub(super) async fn read<T: DeserializeOwned>(
    context: &Context,
    query: &str,
) -> Result<Vec<T>, Problem> {
    let limits = Limits {
        rows: Limits::MOST_ROWS,
        ..Limits::default()
    };
    let answer = respond::ask(context, query, limits).await?;
    let lines = Format::Ndjson
        .write(&answer, Duration::ZERO, usize::MAX)
        .map_err(|refused| refusal::of_format(&refused))?;
    lines
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            serde_json::from_slice(line).map_err(|failed| {
                error!(
                    error = run::chain(&failed),
                    query, "row of a page has another form"
                );
                Problem::internal()
            })
        })
        .collect()
}

/// Like [`read`], in the order of a column of times; of more rows than can be read, the oldest are left out.
pub(super) async fn by_time<T: DeserializeOwned>(
    context: &Context,
    query: &str,
    time: &str,
) -> Result<Vec<T>, Problem> {
    let newest_first = format!("{query} ORDER BY {time} DESC, _timestamp DESC, _offset DESC");
    let mut rows = read(context, &newest_first).await?;
    rows.reverse();
    Ok(rows)
}

/// The one row of a statement that always has one.
pub(super) async fn one<T: DeserializeOwned + Default>(
    context: &Context,
    query: &str,
) -> Result<T, Problem> {
    Ok(read(context, query).await?.pop().unwrap_or_default())
}

/// A timestamp of the lake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(pub(super) DateTime<Utc>);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rfc3339;
        impl Visitor<'_> for Rfc3339 {
            type Value = Moment;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time of RFC 3339")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Moment, E> {
                DateTime::parse_from_rfc3339(text)
                    .map(|time| Moment(time.to_utc()))
                    .map_err(E::custom)
            }
        }
        deserializer
            .deserialize_str(Rfc3339)
            .map_err(D::Error::custom)
    }
}

/// A decimal of the lake as a number to draw.
pub(super) fn number(decimal: &str) -> f64 {
    decimal.parse().unwrap_or(f64::NAN)
}

/// A time in SQL.
pub(super) fn literal(time: DateTime<Utc>) -> String {
    let micros = time.timestamp_micros();
    format!("arrow_cast({micros}, 'Timestamp(Microsecond, Some(\"UTC\"))')")
}
