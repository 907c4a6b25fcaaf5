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

/// Its columns: those of `dead_letter` but for the record's bytes, and the status.
pub(crate) fn columns() -> Vec<Column> {
    let of_letters = Table::DeadLetter.columns().copied();
    let (own, audit): (Vec<Column>, Vec<Column>) = of_letters
        .filter(|column| column.kind != Kind::Bytes)
        .partition(|column| !column.name.starts_with('_'));
    own.into_iter().chain([STATUS]).chain(audit).collect()
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
    let shown = columns().into_iter().map(|column| match column.name {
        of_status if of_status == STATUS.name => lit(status).alias(of_status),
        other => Expr::Column(of(name, other)).alias(other),
    });
    let keys = RECORD.map(|(letter, row)| (of(name, letter), of(ROWS, row)));
    let (left, right): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
    LogicalPlanBuilder::scan(name, provider_as_source(Arc::clone(letters)), None)?
        .join(rows(fed)?, kind, (left, right), None)?
        .project(shown)?
        .build()
}

/// What the records of all rows are called.
const ROWS: &str = "rows";

/// The record of every row of every table that a topic feeds.
fn rows(fed: &[(Table, Arc<dyn TableProvider>)]) -> Result<LogicalPlan> {
    let mut all: Option<LogicalPlanBuilder> = None;
    for (table, links) in fed {
        let record = RECORD.map(|(_, row)| Expr::Column(of(table.name(), row)).alias(row));
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
fn of(relation: &str, column: &str) -> Name {
    Name::new(Some(TableReference::bare(relation)), column)
}
