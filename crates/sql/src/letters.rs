//! The view `dead_letter_status`: which dead letters are rows by now.
//!
//! It asks the tables, not a log of replays: a letter is replayed when a row of its record stands in the table of its
//! topic, whichever way it got there.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::{Column as Name, JoinType, TableReference};
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use lake::{Column, Kind, Table};

/// Its name in SQL.
pub(crate) const NAME: &str = "dead_letter_status";

/// The column that says it.
const STATUS: Column = Column {
    name: "status",
    kind: Kind::Text,
    required: true,
    doc: "`replayed` if the record is a row of its table by now, else `dead`",
};

/// What names a record: in `dead_letter`, and in the table of its topic. The timestamp tells one life of a log from
/// another, whose offsets are the same.
const RECORD: [(&str, &str); 4] = [
    ("topic", "_topic"),
    ("partition", "_partition"),
    ("offset", "_offset"),
    ("timestamp", "_timestamp"),
];

/// Its columns: those of `dead_letter` that are about the record, but for its bytes.
pub(crate) fn columns() -> Vec<Column> {
    let shown = ["topic", "partition", "offset", "timestamp", "reason"];
    let of_letters = Table::DeadLetter.columns().copied();
    let mut columns: Vec<Column> = of_letters
        .filter(|column| shown.contains(&column.name))
        .collect();
    columns.push(STATUS);
    columns
}

/// The view over `letters` and the tables that topics feed.
pub(crate) fn view(
    letters: &Arc<dyn TableProvider>,
    fed: &[(Table, Arc<dyn TableProvider>)],
) -> Result<Arc<dyn TableProvider>> {
    let replayed = joined(letters, fed, JoinType::LeftSemi, "replayed")?;
    let dead = joined(letters, fed, JoinType::LeftAnti, "dead")?;
    let plan = LogicalPlanBuilder::from(replayed).union(dead)?.build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}

fn joined(
    letters: &Arc<dyn TableProvider>,
    fed: &[(Table, Arc<dyn TableProvider>)],
    kind: JoinType,
    status: &str,
) -> Result<LogicalPlan> {
    let name = Table::DeadLetter.name();
    let shown = columns()
        .into_iter()
        .filter(|column| column.name != STATUS.name)
        .map(|column| of(name, column.name).alias(column.name));
    let keys =
        RECORD.map(|(letter, row)| (of(name, letter).into_column(), of(ROWS, row).into_column()));
    let (left, right): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
    LogicalPlanBuilder::scan(name, provider_as_source(Arc::clone(letters)), None)?
        .join(rows(fed)?, kind, (left, right), None)?
        .project(shown.chain([lit(status).alias(STATUS.name)]))?
        .build()
}

/// What the records of all rows are called.
const ROWS: &str = "rows";

/// The record of every row of every table that a topic feeds.
fn rows(fed: &[(Table, Arc<dyn TableProvider>)]) -> Result<LogicalPlan> {
    let mut all: Option<LogicalPlanBuilder> = None;
    for (table, links) in fed {
        let record = RECORD.map(|(_, row)| of(table.name(), row).alias(row));
        let rows =
            LogicalPlanBuilder::scan(table.name(), provider_as_source(Arc::clone(links)), None)?
                .project(record)?;
        all = Some(match all {
            None => rows,
            Some(others) => others.union(rows.build()?)?,
        });
    }
    all.unwrap_or_else(|| LogicalPlanBuilder::empty(false))
        .alias(ROWS)?
        .build()
}

/// A column of a relation, its name as it is written.
fn of(relation: &str, column: &str) -> Qualified {
    Qualified(Name::new(Some(TableReference::bare(relation)), column))
}

struct Qualified(Name);

impl Qualified {
    fn alias(self, name: &str) -> Expr {
        Expr::Column(self.0).alias(name)
    }

    fn into_column(self) -> Name {
        self.0
    }
}
