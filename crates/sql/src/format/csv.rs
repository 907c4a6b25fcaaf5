//! CSV by RFC 4180: a header, CR LF, quotes where they are needed; null is an empty field, an empty text is `""`.
//!
//! A text that a spreadsheet would run as a formula gets an apostrophe: docs/adr/0006-csv-cells-that-would-run.md.

use arrow::array::Array;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::{Bounded, FormatError, cell, json};
use crate::Answer;

pub(super) fn write(answer: &Answer, out: &mut Bounded) -> Result<(), FormatError> {
    for (at, field) in answer.schema.fields().iter().enumerate() {
        if at > 0 {
            out.bytes.push(b',');
        }
        push_text(field.name(), &mut out.bytes);
    }
    out.bytes.extend_from_slice(b"\r\n");
    for batch in &answer.batches {
        for row in 0..batch.num_rows() {
            for (at, column) in batch.columns().iter().enumerate() {
                if at > 0 {
                    out.bytes.push(b',');
                }
                push_value(column.as_ref(), row, &mut out.bytes)?;
            }
            out.bytes.extend_from_slice(b"\r\n");
            out.row_done()?;
        }
    }
    Ok(())
}

fn push_value(array: &dyn Array, row: usize, out: &mut Vec<u8>) -> Result<(), ArrowError> {
    if array.is_null(row) || array.data_type() == &DataType::Null {
        return Ok(());
    }
    if let Some(text) = cell::str_at(array, row) {
        push_text(text, out);
    } else if array.data_type().is_nested() || matches!(array.data_type(), DataType::Dictionary(..))
    {
        push_field(&json::json_text(array, row)?, out);
    } else {
        push_field(&cell::text(array, row)?, out);
    }
    Ok(())
}

/// What spreadsheets take for the start of a formula, or skip before they look for one.
const STARTS_FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// A text that others may have made up: inert in a spreadsheet, and still told apart from every other text.
fn push_text(text: &str, out: &mut Vec<u8>) {
    if text.trim_start_matches('\'').starts_with(STARTS_FORMULA) {
        push_field(&format!("'{text}"), out);
    } else {
        push_field(text, out);
    }
}

fn push_field(text: &str, out: &mut Vec<u8>) {
    let quoted = text.is_empty() || text.contains(['"', ',', '\r', '\n']);
    if quoted {
        out.push(b'"');
        out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}
