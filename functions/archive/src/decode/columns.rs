//! Typed columns of an event table, and the values that wait in slots until their row is whole.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Builder, Int64Builder, StringBuilder};
use lake::{Column, Kind};
use wire::Undecodable;

/// The value of one column of a row that is being read.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Slot<'a> {
    #[default]
    Null,
    Text(Cow<'a, str>),
    Int(i64),
    Float(f64),
    /// A value that the column cannot hold, unless another one follows.
    Wrong(Undecodable),
}

/// A column under construction.
pub(super) enum Builder {
    Text(StringBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
}

/// Reasons quote at most this much of a value.
const QUOTED_CHARS: usize = 60;

impl Builder {
    /// `None` for a kind that no event table has.
    pub(super) fn new(kind: Kind, rows: usize) -> Option<Self> {
        match kind {
            Kind::Text => Some(Self::Text(StringBuilder::with_capacity(rows, rows * 16))),
            Kind::Int64 => Some(Self::Int(Int64Builder::with_capacity(rows))),
            Kind::Float64 => Some(Self::Float(Float64Builder::with_capacity(rows))),
            Kind::Int32 | Kind::Decimal(_) | Kind::Micros | Kind::Millis | Kind::Bytes => None,
        }
    }

    /// Takes the value out of `slot`, which has the builder's type or is null.
    pub(super) fn append(&mut self, slot: &mut Slot<'_>) {
        match (self, std::mem::take(slot)) {
            (Self::Text(builder), Slot::Text(text)) => builder.append_value(text),
            (Self::Int(builder), Slot::Int(number)) => builder.append_value(number),
            (Self::Float(builder), Slot::Float(number)) => builder.append_value(number),
            (Self::Text(builder), _) => builder.append_null(),
            (Self::Int(builder), _) => builder.append_null(),
            (Self::Float(builder), _) => builder.append_null(),
        }
    }

    pub(super) fn finish(self) -> ArrayRef {
        match self {
            Self::Text(mut builder) => Arc::new(builder.finish()),
            Self::Int(mut builder) => Arc::new(builder.finish()),
            Self::Float(mut builder) => Arc::new(builder.finish()),
        }
    }
}

/// The value of `column` whose JSON text is `raw`.
pub(super) fn slot<'a>(column: &Column, raw: &'a str) -> Slot<'a> {
    if raw == "null" {
        return Slot::Null;
    }
    let (value, expected) = match column.kind {
        Kind::Int64 => (raw.parse().ok().map(Slot::Int), "an integer"),
        Kind::Float64 => {
            let number = raw.parse().ok().filter(|number: &f64| number.is_finite());
            (number.map(Slot::Float), "a number")
        }
        _ => (text(raw).map(Slot::Text), "a text"),
    };
    value.unwrap_or_else(|| Slot::Wrong(wrong(column, expected, raw)))
}

/// A JSON string's text, or the JSON text of a number or truth value.
fn text(raw: &str) -> Option<Cow<'_, str>> {
    if raw.starts_with(['{', '[']) {
        return None;
    }
    match raw
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    {
        Some(plain) if !plain.contains('\\') => Some(Cow::Borrowed(plain)),
        Some(_) => serde_json::from_str(raw).ok().map(Cow::Owned),
        None => Some(Cow::Borrowed(raw)),
    }
}

fn wrong(column: &Column, expected: &str, raw: &str) -> Undecodable {
    Undecodable::new(format!(
        "{} is not {expected}: `{}`",
        column.name,
        quoted(raw)
    ))
}

/// The beginning of a text that can be of any length.
fn quoted(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(QUOTED_CHARS) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}
