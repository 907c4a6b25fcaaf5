//! The rows that a statement answers with.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef, TimeUnit};

/// The rows of one statement, at most as many as its limits allow.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Names as the user wrote them, no two the same.
    pub schema: SchemaRef,
    /// The rows, in the statement's order; every batch has `schema`.
    pub batches: Vec<RecordBatch>,
    /// Whether there were more rows than the limit.
    pub truncated: bool,
}

/// A column of an answer, as the JSON format names it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Column {
    /// The column's name.
    pub name: String,
    /// Its type, see [`type_name`].
    #[serde(rename = "type")]
    pub kind: String,
}

impl Answer {
    /// How many rows there are.
    pub fn row_count(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Names and types, in order.
    pub fn columns(&self) -> Vec<Column> {
        self.schema
            .fields()
            .iter()
            .map(|field| Column {
                name: field.name().clone(),
                kind: type_name(field.data_type()),
            })
            .collect()
    }
}

/// The name of a type as analysts write it: `text`, `bigint`, `decimal(18,2)`, `timestamp(µs, UTC)`.
pub fn type_name(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".to_owned(),
        DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::FixedSizeBinary(_) => "bytes".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Int8 => "tinyint".to_owned(),
        DataType::Int16 => "smallint".to_owned(),
        DataType::Int32 => "integer".to_owned(),
        DataType::Int64 => "bigint".to_owned(),
        DataType::Float32 => "real".to_owned(),
        DataType::Float64 => "double".to_owned(),
        DataType::Date32 | DataType::Date64 => "date".to_owned(),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Timestamp(unit, zone) => match zone {
            Some(zone) if matches!(zone.as_ref(), "UTC" | "+00:00") => {
                format!("timestamp({}, UTC)", unit_name(*unit))
            }
            Some(zone) => format!("timestamp({}, {zone})", unit_name(*unit)),
            None => format!("timestamp({})", unit_name(*unit)),
        },
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::ListView(item)
        | DataType::LargeListView(item)
        | DataType::FixedSizeList(item, _) => format!("list({})", type_name(item.data_type())),
        DataType::Dictionary(_, value) => type_name(value),
        other => other.to_string().to_lowercase(),
    }
}

fn unit_name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "µs",
        TimeUnit::Nanosecond => "ns",
    }
}
