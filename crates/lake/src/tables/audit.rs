//! Columns that tell where a row came from, and the tables of records that are no rows: could not be decoded, or are lost.

use super::{Column, Kind};

/// Of every table.
pub(super) const COLUMNS: &[Column] = &[
    Column::required(
        "_topic",
        Kind::Text,
        "topic of the record the row was made from",
    ),
    Column::required("_partition", Kind::Int32, "partition of that record"),
    Column::required(
        "_offset",
        Kind::Int64,
        "offset of that record in this life of the log",
    ),
    Column::required(
        "_timestamp",
        Kind::Millis,
        "the broker's timestamp of that record",
    ),
];

pub(super) const DEAD_LETTER: &[&[Column]] = &[&[
    Column::required("topic", Kind::Text, "topic the record came from"),
    Column::required("partition", Kind::Int32, "its partition"),
    Column::required("offset", Kind::Int64, "its offset"),
    Column::required("timestamp", Kind::Millis, "the broker's timestamp of it"),
    Column::optional(
        "key",
        Kind::Bytes,
        "its key as it came; null where it had none",
    ),
    Column::optional(
        "value",
        Kind::Bytes,
        "its value as it came; null for a tombstone",
    ),
    Column::required("reason", Kind::Text, "why it could not be decoded"),
]];

pub(super) const GAPS: &[&[Column]] = &[&[
    Column::required("table_name", Kind::Text, "table whose rows are missing"),
    Column::required("topic", Kind::Text, "topic whose records are lost"),
    Column::required("partition", Kind::Int32, "their partition"),
    Column::required("first", Kind::Int64, "offset of the first lost record"),
    Column::required("end", Kind::Int64, "offset after the last lost record"),
    Column::required("records", Kind::Int64, "how many offsets that are"),
    Column::required("accepted_at", Kind::Millis, "when the loss was accepted"),
    Column::required("reason", Kind::Text, "why, and by whom"),
]];
