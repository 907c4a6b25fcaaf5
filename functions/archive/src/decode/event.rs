//! JSON events as columns: the table's columns drive the reading, every other key goes to `headers`.
//!
//! Values are borrowed from the record as slices of JSON text and typed by their column; no tree
//! of values and no map is made. They wait in slots, so a record that turns out to be no event
//! half-way leaves no column longer than the others.

use std::borrow::Cow;
use std::fmt;

use arrow::array::{ArrayRef, StringBuilder};
use arrow::error::ArrowError;
use lake::{Column, Table, columns::HEADERS};
use lambda_kit::kafka::KafkaRecord;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use wire::Undecodable;

use super::Decoder;
use super::columns::{Builder, Slot, slot};

/// Reasons quote at most this much of the JSON reader's message, which may hold a whole value.
const REASON_CHARS: usize = 200;

pub(super) struct Events<'a> {
    columns: Vec<&'static Column>,
    builders: Vec<Builder>,
    headers: StringBuilder,
    row: Row<'a>,
    text: Vec<u8>,
}

/// The row that is being read.
#[derive(Default)]
struct Row<'a> {
    slots: Vec<Slot<'a>>,
    others: Vec<(Cow<'a, str>, &'a str)>,
}

impl Events<'_> {
    /// The columns of `table`, an event table, with room for so many rows.
    pub(super) fn new(table: Table, rows: usize) -> Result<Self, ArrowError> {
        let columns: Vec<_> = table
            .columns()
            .take_while(|column| column.name != HEADERS)
            .collect();
        let builders: Option<Vec<_>> = columns
            .iter()
            .map(|column| Builder::new(column.kind, rows))
            .collect();
        let builders = builders
            .filter(|_| table.columns().any(|column| column.name == HEADERS))
            .ok_or_else(|| ArrowError::SchemaError(format!("{table} is no table of events")))?;
        let row = Row {
            slots: vec![Slot::Null; columns.len()],
            ..Row::default()
        };
        let headers = StringBuilder::with_capacity(rows, rows * 16);
        Ok(Self {
            columns,
            builders,
            headers,
            row,
            text: Vec::new(),
        })
    }

    /// The JSON object of the keys without a column, of each key the last value; null for none.
    fn append_headers(&mut self) -> Result<(), Undecodable> {
        let others = &mut self.row.others;
        if others.is_empty() {
            self.headers.append_null();
            return Ok(());
        }
        // The sort is stable: of equal keys the last one given stays last.
        others.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.text.clear();
        let mut before = b'{';
        for (at, (key, value)) in others.iter().enumerate() {
            if others.get(at + 1).is_some_and(|(next, _)| next == key) {
                continue;
            }
            self.text.push(before);
            serde_json::to_writer(&mut self.text, key).map_err(not_an_event)?;
            self.text.push(b':');
            self.text.extend_from_slice(value.as_bytes());
            before = b',';
        }
        self.text.push(b'}');
        let text = std::str::from_utf8(&self.text)
            .map_err(|_| Undecodable::new("the value is not UTF-8"))?;
        self.headers.append_value(text);
        Ok(())
    }
}

impl<'a> Decoder<'a> for Events<'a> {
    fn append(&mut self, record: &'a KafkaRecord) -> Result<(), Undecodable> {
        let value = record
            .value
            .as_deref()
            .ok_or_else(|| Undecodable::new("the record has no value"))?;
        if value.is_empty() {
            return Err(Undecodable::new("the value is empty"));
        }
        let text =
            std::str::from_utf8(value).map_err(|_| Undecodable::new("the value is not UTF-8"))?;
        self.row.slots.fill(Slot::Null);
        self.row.others.clear();
        let mut json = serde_json::Deserializer::from_str(text);
        let read = Event {
            columns: &self.columns,
            row: &mut self.row,
        }
        .deserialize(&mut json);
        read.and_then(|()| json.end()).map_err(not_an_event)?;
        for (column, slot) in self.columns.iter().zip(&self.row.slots) {
            match slot {
                Slot::Wrong(reason) => return Err(reason.clone()),
                Slot::Null if column.required => {
                    return Err(Undecodable::new(format!("{} is missing", column.name)));
                }
                _ => {}
            }
        }
        self.append_headers()?; // the only one that can fail, so before the others
        for (builder, slot) in self.builders.iter_mut().zip(&mut self.row.slots) {
            builder.append(slot);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        let mut columns: Vec<ArrayRef> = self.builders.into_iter().map(Builder::finish).collect();
        columns.push(std::sync::Arc::new(self.headers.finish()));
        Ok(columns)
    }
}

fn not_an_event(error: serde_json::Error) -> Undecodable {
    let message = error.to_string();
    let cut = message
        .char_indices()
        .nth(REASON_CHARS)
        .map_or(message.len(), |(end, _)| end);
    Undecodable::new(format!(
        "the value is not an event in JSON: {}",
        &message[..cut]
    ))
}

/// Reads one object into a row.
struct Event<'r, 'a> {
    columns: &'r [&'static Column],
    row: &'r mut Row<'a>,
}

impl<'a> DeserializeSeed<'a> for Event<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Event<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut object: A) -> Result<(), A::Error> {
        while let Some(key) = object.next_key_seed(Key(self.columns))? {
            let raw = object.next_value::<&'a RawValue>()?.get();
            match key {
                Target::Column(at) => self.row.slots[at] = slot(self.columns[at], raw),
                Target::Other(name) => self.row.others.push((name, raw)),
            }
        }
        Ok(())
    }
}

/// Where the value of a key goes.
enum Target<'a> {
    Column(usize),
    Other(Cow<'a, str>),
}

/// Reads a key and finds its column.
struct Key<'r>(&'r [&'static Column]);

impl Key<'_> {
    fn column(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|column| column.name == name)
    }
}

impl<'a> DeserializeSeed<'a> for Key<'_> {
    type Value = Target<'a>;

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<Target<'a>, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Key<'_> {
    type Value = Target<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, name: &'a str) -> Result<Target<'a>, E> {
        Ok(self
            .column(name)
            .map_or(Target::Other(Cow::Borrowed(name)), Target::Column))
    }

    fn visit_str<E>(self, name: &str) -> Result<Target<'a>, E> {
        Ok(self.column(name).map_or_else(
            || Target::Other(Cow::Owned(name.to_owned())),
            Target::Column,
        ))
    }
}
