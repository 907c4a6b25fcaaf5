//! The catalog: one table per table of the lake and the views over them, present and empty before the first link.

use std::sync::Arc;

use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider, TableProvider,
};
use datafusion::common::{Column, TableReference};
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::Result;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use lake::Table;
use url::Url;

use crate::views::View;

/// Name of the one catalog.
pub(crate) const CATALOG: &str = "tidemill";
/// Name of the one schema.
pub(crate) const SCHEMA: &str = "lake";

/// A catalog of every table of the lake whose objects are found under `root`, and of the views over them.
pub(crate) fn catalog(root: &Url, runtime: &RuntimeEnv) -> Result<Arc<dyn CatalogProvider>> {
    let schema = MemorySchemaProvider::new();
    for table in Table::all() {
        let links = links(table, root, runtime)?;
        for view in View::all().iter().filter(|view| view.table == table) {
            schema.register_table(view.name.to_owned(), rows_of(view, Arc::clone(&links))?)?;
        }
        schema.register_table(table.name().to_owned(), in_lower_case(table.name(), links)?)?;
    }
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema(SCHEMA, Arc::new(schema))?;
    Ok(Arc::new(catalog))
}

/// Every link of a table. One from before a column was added has nulls in it.
fn links(table: Table, root: &Url, runtime: &RuntimeEnv) -> Result<Arc<dyn TableProvider>> {
    let mut url = root.clone();
    url.set_path(&format!("/{}/", table.name()));
    let name = TableReference::full(CATALOG, SCHEMA, table.name());
    let url = ListingTableUrl::try_new(url, None)?.with_table_ref(name);
    let options =
        ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(".parquet");
    let config = ListingTableConfig::new(url)
        .with_listing_options(options)
        .with_schema(table.schema());
    // Links never change, so what was read of one once holds for good.
    let statistics = runtime.cache_manager.get_file_statistic_cache();
    let links = ListingTable::try_new(config)?.with_cache(statistics);
    Ok(Arc::new(links))
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
