//! How much there is in each table, and from when to when.

use chrono::{DateTime, Utc};
use lambda_kit::Problem;
use sql::Limits;

use crate::catalogue::Grid;
use crate::context::Context;
use crate::{figures, respond};

/// One table or view.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) name: String,
    /// Whether its rows are another table's.
    pub(super) view: bool,
    pub(super) rows: i64,
    /// The first and the last instant, as they are read; empty where there is no row.
    pub(super) first: String,
    pub(super) last: String,
    /// Whose instants these are.
    pub(super) clock: &'static str,
}

impl Stored {
    /// The rows as they are read.
    pub(super) fn count(&self) -> String {
        figures::count(self.rows)
    }
}

/// Every table and view, by name.
pub(super) async fn stored(context: &Context) -> Result<Vec<Stored>, Problem> {
    let names = context.sql.tables();
    let parts: Vec<String> = names.iter().map(|name| part(name)).collect();
    let query = format!("{} ORDER BY name", parts.join(" UNION ALL "));
    let answer = respond::ask(context, &query, Limits::default()).await?;
    let grid = Grid::of(&answer, names.len())?;
    let instant = |row, column| {
        let time = grid.text(row, column).and_then(|text| text.parse().ok());
        time.map(|time: DateTime<Utc>| figures::time(time))
            .unwrap_or_default()
    };
    let stored = (0..grid.rows.len()).map(|row| {
        let name = grid.text(row, "name").unwrap_or_default();
        Stored {
            name: name.to_owned(),
            view: lake::Table::all().iter().all(|table| table.name() != name),
            rows: grid.number(row, "total").map_or(0, |rows| rows as i64),
            first: instant(row, "first"),
            last: instant(row, "last"),
            clock: clock(name).1,
        }
    });
    Ok(stored.collect())
}

/// The rows of one name. Names are the catalog's, so they need no quotes.
fn part(name: &str) -> String {
    let (column, _) = clock(name);
    let instant =
        |of: &str| format!("arrow_cast({of}({column}), 'Timestamp(Microsecond, Some(\"UTC\"))')");
    format!(
        "SELECT '{name}' AS name, COUNT(*) AS total, {} AS first, {} AS last FROM {name}",
        instant("MIN"),
        instant("MAX")
    )
}

/// The column that tells when, and whose clock it is: ticks may be replayed, events are told as they come.
fn clock(name: &str) -> (&'static str, &'static str) {
    match name {
        "ticks" => ("ts", "the exchange's"),
        "evaluations" => ("window_end", "the window's end"),
        _ => ("_timestamp", "the broker's"),
    }
}
