//! How large a question becomes when it is planned: what a WITH names is planned as often as it is used.

use std::collections::HashMap;
use std::ops::ControlFlow;

use sqlparser::ast::{Expr, GroupByExpr, ObjectName, Query, Select, Visit, Visitor};

use crate::StatementError;

/// The most tables that a statement may read, those of a WITH counted as often as its name is used.
const MOST_TABLES: u64 = 100;
/// The most sets that a GROUP BY may stand for: CUBE doubles them with every column.
const MOST_GROUPINGS: u64 = 1000;
/// The most columns that all of its SELECTs may have.
const MOST_COLUMNS: usize = 1000;

/// Refuses a question that a planner would take for ever over.
pub(crate) fn refuse_large(query: &Query) -> Result<(), StatementError> {
    match query.visit(&mut Size::default()) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(message) => Err(StatementError::Syntax {
            message,
            line: 1,
            column: 1,
        }),
    }
}

#[derive(Default)]
struct Size {
    /// What the names of every WITH stand for, in tables.
    named: HashMap<String, u64>,
    /// The names of queries that are about to be visited, by where they are.
    names: HashMap<*const Query, String>,
    /// The tables of each query that is being visited, the innermost last.
    open: Vec<u64>,
    columns: usize,
}

impl Visitor for Size {
    type Break = String;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            let name = cte.alias.name.value.to_lowercase();
            self.names.insert(std::ptr::from_ref(&*cte.query), name);
        }
        self.open.push(0);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        let tables = self.open.pop().unwrap_or_default();
        if let Some(name) = self.names.remove(&std::ptr::from_ref(query)) {
            let known = self.named.entry(name).or_default();
            *known = tables.max(*known);
        }
        self.add(tables)
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Self::Break> {
        self.columns = self.columns.saturating_add(select.projection.len());
        if self.columns > MOST_COLUMNS {
            return ControlFlow::Break(format!(
                "the statement is too large: it selects more than {MOST_COLUMNS} columns"
            ));
        }
        if groupings(&select.group_by) > MOST_GROUPINGS {
            return ControlFlow::Break(format!(
                "the statement is too large: it groups by more than {MOST_GROUPINGS} sets of columns"
            ));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<Self::Break> {
        let name = relation.0.last().and_then(|part| part.as_ident());
        let known = name.and_then(|name| self.named.get(&name.value.to_lowercase()));
        let tables = known.map_or(1, |tables| (*tables).max(1));
        self.add(tables)
    }
}

/// How many sets of columns a GROUP BY stands for.
fn groupings(group_by: &GroupByExpr) -> u64 {
    let GroupByExpr::Expressions(columns, modifiers) = group_by else {
        return 1;
    };
    let sets = columns.iter().map(|column| match column {
        Expr::Cube(columns) => power_of_two(columns.len()),
        Expr::Rollup(columns) => columns.len() as u64 + 1,
        Expr::GroupingSets(sets) => sets.len() as u64,
        _ if !modifiers.is_empty() => 2,
        _ => 1,
    });
    sets.fold(1, u64::saturating_mul)
}

fn power_of_two(exponent: usize) -> u64 {
    u32::try_from(exponent)
        .ok()
        .and_then(|exponent| 1_u64.checked_shl(exponent))
        .unwrap_or(u64::MAX)
}

impl Size {
    /// Counts tables to the query that they stand in.
    fn add(&mut self, tables: u64) -> ControlFlow<String> {
        if let Some(open) = self.open.last_mut() {
            *open = open.saturating_add(tables);
            if *open > MOST_TABLES {
                return ControlFlow::Break(format!(
                    "the statement is too large: it reads more than {MOST_TABLES} tables, those of a WITH counted \
                     as often as its name is used"
                ));
            }
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use crate::parse;

    #[test]
    fn tables_count_as_often_as_they_are_used() {
        let with = |steps: usize| {
            let mut with = "WITH a0 AS (SELECT 1 AS x FROM ticks)".to_owned();
            for step in 1..=steps {
                let before = step - 1;
                let _ = write!(
                    with,
                    ", A{step} AS (SELECT l.x FROM \"a{before}\" l, a{before} r)"
                );
            }
            format!("{with} SELECT COUNT(*) FROM a{steps}")
        };
        for (steps, allowed) in [(0, true), (3, true), (5, true), (6, false), (60, false)] {
            assert_eq!(parse(&with(steps)).is_ok(), allowed, "{steps}");
            let within = format!("SELECT * FROM ({}) t", with(steps));
            assert_eq!(parse(&within).is_ok(), allowed, "{within}");
        }
    }

    #[test]
    fn sets_of_columns_multiply() {
        let grouped =
            |by: &str| parse(&format!("SELECT COUNT(*) FROM ticks GROUP BY {by}")).is_ok();
        let some = |what: &str, n: usize| vec![what; n].join(", ");
        assert!(grouped(&format!("CUBE ({})", some("tick", 9))));
        assert!(!grouped(&format!("CUBE ({})", some("tick", 10))));
        assert!(!grouped(&format!("CUBE ({})", some("tick", 80))));
        assert!(grouped(&some("GROUPING SETS ((tick), (price))", 9)));
        assert!(!grouped(&some("GROUPING SETS ((tick), (price))", 10)));
        assert!(grouped(&some("tick", 200)));
    }

    #[test]
    fn columns_are_counted_over_all_selects() {
        let columns = |n: usize| format!("SELECT {}1 UNION SELECT 1", "1, ".repeat(n));
        assert!(parse(&columns(998)).is_ok());
        let error = parse(&columns(999)).map(|_| ()).map_err(|e| e.to_string());
        assert!(error.is_err_and(|e| e.contains("1000 columns")));
    }
}
