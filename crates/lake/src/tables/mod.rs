//! The tables of the lake: their names, the topics that feed them, and their columns.

mod audit;
mod events;
mod games;
mod market;

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

pub use events::columns;

/// A table of links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Calls of the Stocks API's help text.
    DefaultCall,
    /// Calls for a stock's figures.
    StockCall,
    /// Stocks bought and sold.
    StockOperation,
    /// Events of the small game.
    Events,
    /// Events of the large game.
    GameEvents,
    /// Prices from the exchanges.
    Ticks,
    /// Portfolios valued, by window.
    Evaluations,
    /// Records that could not be decoded.
    DeadLetter,
    /// Records that are lost, as somebody accepted.
    Gaps,
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name, as SQL sees it.
    pub name: &'static str,
    /// The type of its values.
    pub kind: Kind,
    /// Whether every row has a value.
    pub required: bool,
    /// What it holds.
    pub doc: &'static str,
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// A 32-bit integer.
    Int32,
    /// A 64-bit integer.
    Int64,
    /// A double.
    Float64,
    /// An exact decimal with two digits after the point, of at most this many in all.
    Decimal(u8),
    /// Microseconds since the epoch, UTC.
    Micros,
    /// Milliseconds since the epoch, UTC.
    Millis,
    /// Bytes as they came.
    Bytes,
}

impl Kind {
    /// The Arrow type.
    pub fn data_type(self) -> DataType {
        let timestamp = |unit| DataType::Timestamp(unit, Some(Arc::from("UTC")));
        match self {
            Self::Text => DataType::Utf8,
            Self::Int32 => DataType::Int32,
            Self::Int64 => DataType::Int64,
            Self::Float64 => DataType::Float64,
            Self::Decimal(precision) => DataType::Decimal128(precision, 2),
            Self::Micros => timestamp(TimeUnit::Microsecond),
            Self::Millis => timestamp(TimeUnit::Millisecond),
            Self::Bytes => DataType::Binary,
        }
    }
}

impl Column {
    const fn required(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self {
            name,
            kind,
            required: true,
            doc,
        }
    }

    const fn optional(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self {
            name,
            kind,
            required: false,
            doc,
        }
    }
}

/// The text names no table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no table `{name}`; there are {}", names())]
pub struct UnknownTable {
    /// The text.
    pub name: String,
}

fn names() -> String {
    Table::all().map(Table::name).join(", ")
}

impl Table {
    /// Every table.
    pub const fn all() -> [Self; 9] {
        [
            Self::DefaultCall,
            Self::StockCall,
            Self::StockOperation,
            Self::Events,
            Self::GameEvents,
            Self::Ticks,
            Self::Evaluations,
            Self::DeadLetter,
            Self::Gaps,
        ]
    }

    /// Its name: of the SQL table and of its folder in the lake.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DefaultCall => "default_call",
            Self::StockCall => "stock_call",
            Self::StockOperation => "stock_operation",
            Self::Events => "events",
            Self::GameEvents => "game_events",
            Self::Ticks => "ticks",
            Self::Evaluations => "evaluations",
            Self::DeadLetter => "dead_letter",
            Self::Gaps => "gaps",
        }
    }

    /// The topic whose records are its rows; none for tables that are made otherwise.
    pub const fn topic(self) -> Option<&'static str> {
        match self {
            Self::DefaultCall => Some(wire::topics::DEFAULT_CALL),
            Self::StockCall => Some(wire::topics::STOCK_CALL),
            Self::StockOperation => Some(wire::topics::STOCK_OPERATION),
            Self::Events => Some(wire::topics::EVENTS),
            Self::GameEvents => Some(wire::topics::GAME_EVENTS),
            Self::Ticks => Some(wire::topics::STOCK_EXCHANGE),
            Self::Evaluations | Self::DeadLetter | Self::Gaps => None,
        }
    }

    /// The table that `topic` feeds.
    pub fn of_topic(topic: &str) -> Option<Self> {
        Self::all()
            .into_iter()
            .find(|table| table.topic() == Some(topic))
    }

    /// Its own columns, then the four that audit every row.
    pub fn columns(self) -> impl Iterator<Item = &'static Column> {
        self.own_columns()
            .iter()
            .flat_map(|group| group.iter())
            .chain(audit::COLUMNS)
    }

    fn own_columns(self) -> &'static [&'static [Column]] {
        match self {
            Self::DefaultCall => events::DEFAULT_CALL,
            Self::StockCall => events::STOCK_CALL,
            Self::StockOperation => events::STOCK_OPERATION,
            Self::Events => games::EVENTS,
            Self::GameEvents => games::GAME_EVENTS,
            Self::Ticks => market::TICKS,
            Self::Evaluations => market::EVALUATIONS,
            Self::DeadLetter => audit::DEAD_LETTER,
            Self::Gaps => audit::GAPS,
        }
    }

    /// The Arrow schema of [`columns`](Self::columns). Every new link of the table has it; a link from before a column
    /// was added lacks that column, and is read as if it had nulls there.
    pub fn schema(self) -> SchemaRef {
        static SCHEMAS: LazyLock<[SchemaRef; 9]> = LazyLock::new(|| {
            Table::all().map(|table| {
                let field = |column: &Column| {
                    Field::new(column.name, column.kind.data_type(), !column.required)
                };
                Arc::new(Schema::new(table.columns().map(field).collect::<Vec<_>>()))
            })
        });
        SCHEMAS[self as usize].clone()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Table {
    type Err = UnknownTable;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::all()
            .into_iter()
            .find(|table| table.name() == name)
            .ok_or_else(|| UnknownTable {
                name: name.to_owned(),
            })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn schemas_belong_to_their_tables() {
        for table in Table::all() {
            let schema = table.schema();
            let names: Vec<_> = schema
                .fields()
                .iter()
                .map(|field| field.name().as_str())
                .collect();
            assert_eq!(
                names,
                table
                    .columns()
                    .map(|column| column.name)
                    .collect::<Vec<_>>()
            );
            assert_eq!(
                names[names.len() - 4..],
                ["_topic", "_partition", "_offset", "_timestamp"]
            );
            let mut unique: Vec<_> = names.iter().map(|name| name.to_lowercase()).collect();
            unique.sort_unstable();
            unique.dedup();
            assert_eq!(unique.len(), names.len(), "{table}: SQL ignores case");
            assert_eq!(table.name().parse(), Ok(table));
        }
        assert_eq!(Table::Ticks.schema().field(0).name(), "tick");
    }

    #[test]
    fn a_topic_feeds_one_table() {
        assert_eq!(Table::of_topic("StockExchange"), Some(Table::Ticks));
        assert_eq!(Table::of_topic("dead_letter"), None);
        let error = "nope".parse::<Table>().unwrap_err().to_string();
        assert!(error.contains("stock_call"), "{error}");
    }
}
