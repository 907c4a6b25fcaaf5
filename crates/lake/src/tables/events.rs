//! Tables of events that HTTP calls make: typed and sparse, headers beside the event's own fields.

use super::{Column, Kind};

/// Names of columns that the decoder of events treats by name.
pub mod columns {
    /// JSON text of every key of an event that has no column.
    pub const HEADERS: &str = "headers";
    /// What happened; an event without it is none.
    pub const EVENT_TYPE: &str = "event_type";
}

pub(super) const CALLER: &[Column] = &[
    Column::optional("Accept", Kind::Text, "header of the call"),
    Column::optional("Content-Length", Kind::Text, "header of the call"),
    Column::optional("Content-Type", Kind::Text, "header of the call"),
    Column::optional("Host", Kind::Text, "header of the call"),
    Column::optional("User-Agent", Kind::Text, "header of the call"),
    Column::required(columns::EVENT_TYPE, Kind::Text, "what happened"),
];

const CHECK: &[Column] = &[
    Column::optional("stock_name", Kind::Text, "ticker that was asked for"),
    Column::optional(
        "query_timestamp",
        Kind::Float64,
        "when, in milliseconds since the epoch",
    ),
];

const OPERATION: &[Column] = &[
    Column::optional("stock_name", Kind::Text, "ticker that was bought or sold"),
    Column::optional("quantity", Kind::Int64, "how many shares"),
    Column::optional("price", Kind::Float64, "price of one share"),
    Column::optional("transaction_amount", Kind::Float64, "price x quantity"),
    Column::optional(
        "transaction_timestamp",
        Kind::Float64,
        "when, in milliseconds since the epoch",
    ),
];

pub(super) const REST: &[Column] = &[Column::optional(
    columns::HEADERS,
    Kind::Text,
    "JSON object of every other key of the event",
)];

pub(super) const DEFAULT_CALL: &[&[Column]] = &[CALLER, REST];
pub(super) const STOCK_CALL: &[&[Column]] = &[CALLER, CHECK, REST];
pub(super) const STOCK_OPERATION: &[&[Column]] = &[CALLER, OPERATION, REST];
