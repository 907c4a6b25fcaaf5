//! One value of an array as text.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat, Utc};

/// A decimal column's value at `row` in plain digits, if it is one and not null.
fn decimal(array: &dyn Array, row: usize) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Decimal32(..) => array.as_primitive::<Decimal32Type>().value_as_string(row),
        DataType::Decimal64(..) => array.as_primitive::<Decimal64Type>().value_as_string(row),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Decimal256(..) => array.as_primitive::<Decimal256Type>().value_as_string(row),
        _ => return None,
    })
}

/// The values of a text column, of whichever layout; none of any other.
pub fn texts(array: &dyn Array) -> Vec<Option<&str>> {
    (0..array.len())
        .map(|row| str_at(array, row).filter(|_| array.is_valid(row)))
        .collect()
}

/// The text of a value that is neither null, nor nested, nor text already.
pub(super) fn text(array: &dyn Array, row: usize) -> Result<String, ArrowError> {
    if let Some(decimal) = decimal(array, row) {
        return Ok(decimal);
    }
    if let Some(bytes) = bytes(array, row) {
        return Ok(STANDARD.encode(bytes));
    }
    if let DataType::Timestamp(unit, _) = array.data_type() {
        return Ok(match timestamp(array, *unit, row) {
            Ok(time) => time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            // No calendar has it: one odd row must not hide the others.
            Err(raw) => raw.to_string(),
        });
    }
    let options = FormatOptions::default();
    ArrayFormatter::try_new(array, &options)?
        .value(row)
        .try_to_string()
}

/// A text value, of whichever layout.
pub(super) fn str_at(array: &dyn Array, row: usize) -> Option<&str> {
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Some(array.as_string::<i64>().value(row)),
        DataType::Utf8View => Some(array.as_string_view().value(row)),
        _ => None,
    }
}

fn bytes(array: &dyn Array, row: usize) -> Option<&[u8]> {
    match array.data_type() {
        DataType::Binary => Some(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => Some(array.as_binary::<i64>().value(row)),
        DataType::BinaryView => Some(array.as_binary_view().value(row)),
        DataType::FixedSizeBinary(_) => Some(array.as_fixed_size_binary().value(row)),
        _ => None,
    }
}

/// Timestamps without a zone are UTC too: the session has no other. The raw number is what no calendar has.
fn timestamp(array: &dyn Array, unit: TimeUnit, row: usize) -> Result<DateTime<Utc>, i64> {
    let (raw, time) = match unit {
        TimeUnit::Second => {
            let raw = array.as_primitive::<TimestampSecondType>().value(row);
            (raw, DateTime::from_timestamp(raw, 0))
        }
        TimeUnit::Millisecond => {
            let raw = array.as_primitive::<TimestampMillisecondType>().value(row);
            (raw, DateTime::from_timestamp_millis(raw))
        }
        TimeUnit::Microsecond => {
            let raw = array.as_primitive::<TimestampMicrosecondType>().value(row);
            (raw, DateTime::from_timestamp_micros(raw))
        }
        TimeUnit::Nanosecond => {
            let raw = array.as_primitive::<TimestampNanosecondType>().value(row);
            (raw, Some(DateTime::from_timestamp_nanos(raw)))
        }
    };
    time.ok_or(raw)
}
