//! Views of the games: what analysts call a table, over the one table of a game's events.

use datafusion::common::{Column as Name, TableReference};
use datafusion::logical_expr::{Expr, lit};
use lake::{Column, Kind, Table};

/// The rows of some event types, under a name of their own.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// Its name in SQL.
    pub(crate) name: &'static str,
    /// The table whose rows it shows.
    pub(crate) table: Table,
    /// What the broker's timestamp is called in its first column.
    time: &'static str,
    events: Events,
    /// The columns that come next; those of [`LAST`] follow, less the ones named here.
    columns: &'static [&'static str],
}

/// Which events a view shows.
#[derive(Debug, PartialEq, Eq)]
enum Events {
    OfTypes(&'static [&'static str]),
    /// Those whose type matches a pattern of LIKE.
    Like(&'static str),
}

/// The columns with which every view ends.
const LAST: [&str; 9] = [
    "Accept",
    "Content-Length",
    "Content-Type",
    "User-Agent",
    "headers",
    "_topic",
    "_partition",
    "_offset",
    "_timestamp",
];

/// The small game's views begin as its table does.
const SMALL: &[&str] = &[
    "Accept",
    "Content-Length",
    "Content-Type",
    "Host",
    "User-Agent",
    "event_type",
];

static VIEWS: [View; 6] = [
    View {
        name: "purchases",
        table: Table::Events,
        time: "timestamp",
        events: Events::Like("% purchased"),
        columns: SMALL,
    },
    View {
        name: "join_guild",
        table: Table::Events,
        time: "timestamp",
        events: Events::OfTypes(&["join_guild"]),
        columns: SMALL,
    },
    View {
        name: "purchase_events",
        table: Table::GameEvents,
        time: "event_ts",
        events: Events::OfTypes(&["purchase_sword", "purchase_shield", "purchase_potion"]),
        columns: &[
            "userid",
            "Host",
            "event_type",
            "description",
            "item_type",
            "amount_purchased",
            "price",
        ],
    },
    View {
        name: "character_events",
        table: Table::GameEvents,
        time: "event_ts",
        events: Events::OfTypes(&["find_treasure", "enemy_attack", "defeat_enemy"]),
        columns: &["userid", "Host", "event_type", "description"],
    },
    View {
        name: "character_stats",
        table: Table::GameEvents,
        time: "event_ts",
        events: Events::OfTypes(&["level_up", "take_potion"]),
        columns: &[
            "userid",
            "Host",
            "event_type",
            "description",
            "level",
            "attack",
            "defense",
            "health",
        ],
    },
    View {
        name: "guild_events",
        table: Table::GameEvents,
        time: "event_ts",
        events: Events::OfTypes(&["join_guild"]),
        columns: &["userid", "Host", "event_type", "description", "guild_name"],
    },
];

impl View {
    /// Every view.
    pub(crate) fn all() -> &'static [Self] {
        &VIEWS
    }

    /// Its columns, each with the column of the table that it shows.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (Column, &'static Column)> {
        let last = LAST.iter().filter(|name| !self.columns.contains(name));
        let names = self.columns.iter().chain(last);
        let shown = names.filter_map(|name| self.table.columns().find(|c| c.name == *name));
        let time = self.table.columns().find(|c| c.name == "_timestamp");
        let first = time.map(|source| {
            let column = Column {
                name: self.time,
                kind: Kind::Millis,
                required: true,
                doc: "when the broker took the event",
            };
            (column, source)
        });
        first
            .into_iter()
            .chain(shown.map(|source| (*source, source)))
    }

    /// What is true of its rows; `table` is what the scanned table is called.
    pub(crate) fn condition(&self, table: &str) -> Expr {
        let event_type = Expr::Column(Name::new(
            Some(TableReference::bare(table)),
            lake::columns::EVENT_TYPE,
        ));
        match self.events {
            Events::OfTypes(types) => {
                event_type.in_list(types.iter().map(|name| lit(*name)).collect(), false)
            }
            Events::Like(pattern) => event_type.like(lit(pattern)),
        }
    }
}
