//! The JSON object of an event: its own fields, then the headers of its request.

use std::borrow::Cow;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use crate::EventHeaders;

/// The value of an event's own field.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Field<'a> {
    Text(Cow<'a, str>),
    Integer(u32),
    Float(f64),
}

/// A record's value: the event's own fields, then the headers; a header of a field's name is left out.
pub(crate) fn encode(fields: &[(&str, Field<'_>)], headers: &EventHeaders) -> Vec<u8> {
    #[expect(
        clippy::expect_used,
        reason = "text keys, text and numbers are always JSON"
    )]
    serde_json::to_vec(&Encoded { fields, headers }).expect("text and numbers")
}

struct Encoded<'a> {
    fields: &'a [(&'a str, Field<'a>)],
    headers: &'a EventHeaders,
}

impl Serialize for Encoded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, field) in self.fields {
            map.serialize_entry(name, field)?;
        }
        // Canonical spelling makes `Price` of a header `price`, so that a field's name is met in any case.
        let is_field = |header: &str| {
            self.fields
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(header))
        };
        for (name, value) in self.headers.iter().filter(|(name, _)| !is_field(name)) {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
