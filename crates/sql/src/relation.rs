//! What a name after FROM can mean: a table of the lake, or a view over one.

use lake::{Column, Table};

use crate::views::View;

/// A table or a view.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Relation {
    Table(Table),
    View(&'static View),
}

impl Relation {
    /// Every table, then every view.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let tables = Table::all().into_iter().map(Self::Table);
        tables.chain(View::all().iter().map(Self::View))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Table(table) => table.name(),
            Self::View(view) => view.name,
        }
    }

    pub(crate) fn columns(self) -> Vec<Column> {
        match self {
            Self::Table(table) => table.columns().copied().collect(),
            Self::View(view) => view.columns().map(|(column, _)| column).collect(),
        }
    }
}
