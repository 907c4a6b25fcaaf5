//! An answer as people read it: cells as text, numbers to the right, and a chart where one suits.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use lambda_kit::Problem;
use serde_json::Value;
use sql::{Answer, Column, json_text};
use tracing::error;

use crate::charts::{self, Series};
use crate::figures;

/// More bars than this are no picture.
const BARS: usize = 40;
/// More lines than this are a tangle.
const LINES: usize = 4;
/// Characters of a cell; downloads have them all.
const LETTERS: usize = 200;

pub(super) struct Shown {
    pub(super) columns: Vec<Head>,
    pub(super) rows: Vec<Vec<Cell>>,
    pub(super) count: String,
    pub(super) truncated: bool,
    pub(super) elapsed: String,
    pub(super) chart: Option<String>,
}

pub(super) struct Head {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) numeric: bool,
}

pub(super) struct Cell {
    pub(super) text: String,
    pub(super) numeric: bool,
    pub(super) null: bool,
}

impl Shown {
    pub(super) fn of(answer: &Answer, elapsed: Duration) -> Result<Self, Problem> {
        let columns = answer.columns();
        let values = values(answer)?;
        let chart = chart(&columns, &values);
        let cell = |(value, column): (&Value, &Column)| Cell {
            text: text(value),
            numeric: is_number(&column.kind),
            null: value.is_null(),
        };
        Ok(Self {
            rows: values
                .iter()
                .map(|row| row.iter().zip(&columns).map(cell).collect())
                .collect(),
            count: figures::count(values.len() as i64),
            truncated: answer.truncated,
            elapsed: figures::count(elapsed.as_millis() as i64),
            chart,
            columns: columns
                .into_iter()
                .map(|column| Head {
                    numeric: is_number(&column.kind),
                    name: column.name,
                    kind: column.kind,
                })
                .collect(),
        })
    }
}

fn values(answer: &Answer) -> Result<Vec<Vec<Value>>, Problem> {
    let mut rows = Vec::with_capacity(answer.row_count());
    for batch in &answer.batches {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|array| {
                let text = json_text(array.as_ref(), row).ok()?;
                serde_json::from_str(&text).ok()
            });
            rows.push(cells.collect::<Option<Vec<Value>>>().ok_or_else(|| {
                error!("a cell of an answer has no JSON");
                Problem::internal()
            })?);
        }
    }
    Ok(rows)
}

fn text(value: &Value) -> String {
    let text = match value {
        Value::Null => "null".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn is_number(kind: &str) -> bool {
    const NUMBERS: [&str; 11] = [
        "tinyint", "smallint", "integer", "bigint", "real", "double", "uint8", "uint16", "uint32",
        "uint64", "float16",
    ];
    NUMBERS.contains(&kind) || kind.starts_with("decimal")
}

fn is_time(kind: &str) -> bool {
    kind == "date" || kind.starts_with("timestamp")
}

/// A chart of a first column of texts and one number, or of times and a few numbers.
fn chart(columns: &[Column], rows: &[Vec<Value>]) -> Option<String> {
    let (first, rest) = columns.split_first()?;
    if rest.is_empty() || rows.len() < 2 || !rest.iter().all(|c| is_number(&c.kind)) {
        return None;
    }
    if first.kind == "text" && rest.len() == 1 && rows.len() <= BARS {
        let bars: Vec<(String, f64)> = rows
            .iter()
            .map(|row| (text(&row[0]), number(&row[1])))
            .collect();
        let title = format!("{} by {}", rest[0].name, first.name);
        return Some(charts::bars_most(&title, &first.name, &rest[0].name, &bars));
    }
    if is_time(&first.kind) && rest.len() <= LINES {
        let series = rest.iter().enumerate().map(|(at, column)| {
            let mut points: Vec<(DateTime<Utc>, f64)> = rows
                .iter()
                .filter_map(|row| Some((time(&row[0])?, number(&row[at + 1]))))
                .filter(|(_, value)| value.is_finite())
                .collect();
            points.sort_by_key(|(at, _)| *at);
            Series {
                name: column.name.clone(),
                points,
            }
        });
        let series: Vec<Series> = series.collect();
        let names: Vec<&str> = rest.iter().map(|c| c.name.as_str()).collect();
        let title = format!("{} over {}", names.join(", "), first.name);
        return Some(charts::lines_most(&title, &names.join(", "), &series));
    }
    None
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        Value::String(decimal) => decimal.parse().unwrap_or(f64::NAN),
        _ => f64::NAN,
    }
}

fn time(value: &Value) -> Option<DateTime<Utc>> {
    let text = value.as_str()?;
    match DateTime::parse_from_rfc3339(text) {
        Ok(time) => Some(time.to_utc()),
        Err(_) => {
            let day: NaiveDate = text.parse().ok()?;
            Some(day.and_time(NaiveTime::MIN).and_utc())
        }
    }
}
