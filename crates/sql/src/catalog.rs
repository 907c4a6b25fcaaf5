//! The catalog: one table per table of the lake and the views over them, present and empty before the first link.

use std::sync::Arc;

use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider, TableProvider,
};
use datafusion::common::{Column, TableReference};
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::Result;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use lake::Table;
use url::Url;

use crate::letters;
use crate::links::Links;
use crate::views::View;

/// Name of the one catalog.
pub(crate) const CATALOG: &str = "tidemill";
/// Name of the one schema.
pub(crate) const SCHEMA: &str = "lake";

/// A catalog of every table of the lake whose objects are found under `root`, and of the views over them.
pub(crate) fn catalog(root: &Url, runtime: &RuntimeEnv) -> Result<Arc<dyn CatalogProvider>> {
    let schema = MemorySchemaProvider::new();
    let mut all: Vec<(Table, Arc<dyn TableProvider>)> = Vec::new();
    for table in Table::all() {
        let links: Arc<dyn TableProvider> = Arc::new(Links::new(table, root, runtime)?);
        all.push((table, Arc::clone(&links)));
        for view in View::all().iter().filter(|view| view.table == table) {
            schema.register_table(view.name.to_owned(), rows_of(view, Arc::clone(&links))?)?;
        }
        schema.register_table(table.name().to_owned(), in_lower_case(table.name(), links)?)?;
    }
    let (fed, others): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|(table, _)| table.topic().is_some());
    for (_, dead) in others
        .iter()
        .filter(|(table, _)| *table == Table::DeadLetter)
    {
        schema.register_table(letters::NAME.to_owned(), letters::view(dead, &fed)?)?;
    }
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema(SCHEMA, Arc::new(schema))?;
    Ok(Arc::new(catalog))
}

/// Statements are folded to lower case before they are planned, so a table must offer its columns so.
fn in_lower_case(name: &str, links: Arc<dyn TableProvider>) -> Result<Arc<dyn TableProvider>> {
    let schema = links.schema();
    if schema
        .fields()
        .iter()
        .all(|f| *f.name() == f.name().to_lowercase())
    {
        return Ok(links);
    }
    let columns = schema
        .fields()
        .iter()
        .map(|field| shown(name, field.name(), field.name()));
    let plan = LogicalPlanBuilder::scan(name, provider_as_source(links), None)?
        .project(columns)?
        .build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}

/// The rows that a view shows, under its columns' names in lower case.
fn rows_of(view: &View, links: Arc<dyn TableProvider>) -> Result<Arc<dyn TableProvider>> {
    let name = view.table.name();
    let columns = view
        .columns()
        .map(|(column, source)| shown(name, source.name, column.name));
    let plan = LogicalPlanBuilder::scan(name, provider_as_source(links), None)?
        .filter(view.condition(name))?
        .project(columns)?
        .build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}

fn shown(table: &str, source: &str, name: &str) -> Expr {
    let column = Column::new(Some(TableReference::bare(table)), source);
    Expr::Column(column).alias(name.to_lowercase())
}
