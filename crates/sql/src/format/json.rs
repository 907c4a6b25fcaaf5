//! JSON: numbers as numbers, decimals and times as strings, bytes as base64, nested values as they are.

use std::time::Duration;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::error::ArrowError;

use super::{Bounded, FormatError, cell};
use crate::Answer;

pub(super) fn write(
    answer: &Answer,
    elapsed: Duration,
    out: &mut Bounded,
) -> Result<(), FormatError> {
    out.bytes.extend_from_slice(br#"{"columns":"#);
    push_json(&answer.columns(), &mut out.bytes);
    out.bytes.extend_from_slice(br#","rows":["#);
    let mut first = true;
    each_row(answer, out, |row, out| {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        row(out)
    })?;
    let tail = format!(
        r#"],"row_count":{},"truncated":{},"elapsed_ms":{}}}"#,
        answer.row_count(),
        answer.truncated,
        elapsed.as_millis()
    );
    out.bytes.extend_from_slice(tail.as_bytes());
    out.row_done()
}

pub(super) fn write_lines(answer: &Answer, out: &mut Bounded) -> Result<(), FormatError> {
    each_row(answer, out, |row, out| {
        row(out)?;
        out.push(b'\n');
        Ok(())
    })
}

type WriteRow<'a> = &'a dyn Fn(&mut Vec<u8>) -> Result<(), ArrowError>;

fn each_row(
    answer: &Answer,
    out: &mut Bounded,
    mut place: impl FnMut(WriteRow<'_>, &mut Vec<u8>) -> Result<(), ArrowError>,
) -> Result<(), FormatError> {
    let keys: Vec<Vec<u8>> = answer
        .schema
        .fields()
        .iter()
        .map(|field| key(field.name()))
        .collect();
    for batch in &answer.batches {
        for row in 0..batch.num_rows() {
            let write = |out: &mut Vec<u8>| object(&keys, batch.columns(), row, out);
            place(&write, &mut out.bytes)?;
            out.row_done()?;
        }
    }
    Ok(())
}

fn object(
    keys: &[Vec<u8>],
    columns: &[ArrayRef],
    row: usize,
    out: &mut Vec<u8>,
) -> Result<(), ArrowError> {
    out.push(b'{');
    for (at, (key, column)) in keys.iter().zip(columns).enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(key);
        value(column.as_ref(), row, out)?;
    }
    out.push(b'}');
    Ok(())
}

/// One value as JSON text.
pub fn json_text(array: &dyn Array, row: usize) -> Result<String, ArrowError> {
    let mut out = Vec::new();
    value(array, row, &mut out)?;
    String::from_utf8(out).map_err(|error| ArrowError::ExternalError(Box::new(error)))
}

fn value(array: &dyn Array, row: usize, out: &mut Vec<u8>) -> Result<(), ArrowError> {
    if array.is_null(row) || array.data_type() == &DataType::Null {
        out.extend_from_slice(b"null");
        return Ok(());
    }
    if let Some(text) = cell::str_at(array, row) {
        push_json(text, out);
        return Ok(());
    }
    macro_rules! number {
        ($kind:ty) => {
            push_json(&array.as_primitive::<$kind>().value(row), out)
        };
    }
    match array.data_type() {
        DataType::Boolean => push_json(&array.as_boolean().value(row), out),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
        // NaN and the infinities have no JSON; serde_json writes them as null.
        DataType::Float16 => push_json(
            &f32::from(array.as_primitive::<Float16Type>().value(row)),
            out,
        ),
        DataType::Float32 => number!(Float32Type),
        DataType::Float64 => number!(Float64Type),
        DataType::List(_) => list(&array.as_list::<i32>().value(row), out)?,
        DataType::LargeList(_) => list(&array.as_list::<i64>().value(row), out)?,
        DataType::FixedSizeList(..) => list(&array.as_fixed_size_list().value(row), out)?,
        DataType::ListView(_) => list(&array.as_list_view::<i32>().value(row), out)?,
        DataType::LargeListView(_) => list(&array.as_list_view::<i64>().value(row), out)?,
        DataType::Struct(fields) => {
            let keys: Vec<Vec<u8>> = fields.iter().map(|f| key(f.name())).collect();
            object(&keys, array.as_struct().columns(), row, out)?;
        }
        DataType::Map(..) => map(array, row, out)?,
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let keys = dictionary.normalized_keys();
            value(dictionary.values().as_ref(), keys[row], out)?;
        }
        _ => push_json(&cell::text(array, row)?, out),
    }
    Ok(())
}

fn list(items: &ArrayRef, out: &mut Vec<u8>) -> Result<(), ArrowError> {
    out.push(b'[');
    for at in 0..items.len() {
        if at > 0 {
            out.push(b',');
        }
        value(items.as_ref(), at, out)?;
    }
    out.push(b']');
    Ok(())
}

fn map(array: &dyn Array, row: usize, out: &mut Vec<u8>) -> Result<(), ArrowError> {
    let entries = array.as_map().value(row);
    out.push(b'{');
    for at in 0..entries.len() {
        if at > 0 {
            out.push(b',');
        }
        let name = match cell::str_at(entries.column(0).as_ref(), at) {
            Some(text) => text.to_owned(),
            None => cell::text(entries.column(0).as_ref(), at)?,
        };
        out.extend_from_slice(&key(&name));
        value(entries.column(1).as_ref(), at, out)?;
    }
    out.push(b'}');
    Ok(())
}

fn key(name: &str) -> Vec<u8> {
    let mut key = Vec::new();
    push_json(name, &mut key);
    key.push(b':');
    key
}

fn push_json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    #[expect(clippy::expect_used, reason = "texts and numbers into memory")]
    serde_json::to_writer(out, value).expect("plain values have JSON");
}
