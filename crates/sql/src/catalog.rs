//! The catalog: one table per table of the lake, present and empty before its first link.

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

/// Name of the one catalog.
pub(crate) const CATALOG: &str = "tidemill";
/// Name of the one schema.
pub(crate) const SCHEMA: &str = "lake";

/// A catalog of every table of the lake whose objects are found under `root`.
pub(crate) fn catalog(root: &Url, runtime: &RuntimeEnv) -> Result<Arc<dyn CatalogProvider>> {
    let schema = MemorySchemaProvider::new();
    for table in Table::all() {
        schema.register_table(table.name().to_owned(), provider(table, root, runtime)?)?;
    }
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema(SCHEMA, Arc::new(schema))?;
    Ok(Arc::new(catalog))
}

fn provider(table: Table, root: &Url, runtime: &RuntimeEnv) -> Result<Arc<dyn TableProvider>> {
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
    in_lower_case(table.name(), Arc::new(links))
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
    let columns = schema.fields().iter().map(|field| {
        let column = Column::new(Some(TableReference::bare(name)), field.name());
        Expr::Column(column).alias(field.name().to_lowercase())
    });
    let plan = LogicalPlanBuilder::scan(name, provider_as_source(links), None)?
        .project(columns)?
        .build()?;
    Ok(Arc::new(ViewTable::new(plan, None)))
}
