//! What a name after FROM can mean: a table of the lake, or a view over some.

use lake::{Column, Table};

use crate::letters;
use crate::views::View;

/// A table or a view.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Relation {
    Table(Table),
    View(&'static View),
    /// [`letters`].
    Letters,
}

impl Relation {
    /// Every table, then every view.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let tables = Table::all().into_iter().map(Self::Table);
        let views = View::all().iter().map(Self::View);
        tables.chain(views).chain([Self::Letters])
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Table(table) => table.name(),
            Self::View(view) => view.name,
            Self::Letters => letters::NAME,
        }
    }

    pub(crate) fn columns(self) -> Vec<Column> {
        match self {
            Self::Table(table) => table.columns().copied().collect(),
            Self::View(view) => view.columns().map(|(column, _)| column).collect(),
            Self::Letters => letters::columns(),
        }
    }
}
