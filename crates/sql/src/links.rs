//! The links of a table as DataFusion scans them.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::TableReference;
use datafusion::datasource::TableType;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::cache::cache_manager::FileStatisticsCache;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::ExecutionPlan;
use futures::TryStreamExt;
use lake::{Swap, Table};
use object_store::path::Path;
use url::Url;

use crate::catalog::{CATALOG, SCHEMA};
use crate::swaps::Swaps;

/// Every link of a table: all objects of its folder, but for a partition whose swap is under way those that the
/// rebuild staged.
#[derive(Debug)]
pub(crate) struct Links {
    table: Table,
    root: Url,
    statistics: Option<Arc<FileStatisticsCache>>,
    whole: ListingTable,
}

impl Links {
    pub(crate) fn new(table: Table, root: &Url, runtime: &RuntimeEnv) -> Result<Self> {
        // Links hardly ever change, so what was read of one once holds for as long as it is the same.
        let statistics = runtime.cache_manager.get_file_statistic_cache();
        let folder = table.name().to_owned();
        let whole = listing(table, root, [folder], statistics.clone())?;
        Ok(Self {
            table,
            root: root.clone(),
            statistics,
            whole,
        })
    }

    /// The table while `swaps` of its partitions are under way.
    async fn swapping(&self, swaps: &[&Swap], runtime: &RuntimeEnv) -> Result<ListingTable> {
        let store = runtime.object_store_registry.get_store(&self.root)?;
        let objects: Vec<Path> = store
            .list(Some(&Path::from(self.table.name())))
            .map_ok(|object| object.location)
            .try_collect()
            .await
            .map_err(|source| DataFusionError::ObjectStore(Box::new(source)))?;
        let hidden: BTreeSet<&str> = swaps
            .iter()
            .flat_map(|swap| swap.hidden.iter().map(String::as_str))
            .collect();
        let mut folders: BTreeSet<String> = objects
            .iter()
            .filter_map(|path| path.as_ref().rsplit_once('/'))
            .map(|(folder, _)| folder)
            .filter(|folder| !hidden.contains(folder))
            .map(str::to_owned)
            .collect();
        folders.extend(swaps.iter().map(|swap| swap.staged.clone()));
        listing(self.table, &self.root, folders, self.statistics.clone())
    }
}

/// The links in some folders. One from before a column was added has nulls in it.
fn listing(
    table: Table,
    root: &Url,
    folders: impl IntoIterator<Item = String>,
    statistics: Option<Arc<FileStatisticsCache>>,
) -> Result<ListingTable> {
    let name = TableReference::full(CATALOG, SCHEMA, table.name());
    let urls = folders.into_iter().map(|folder| {
        let mut url = root.clone();
        url.set_path(&format!("/{folder}/"));
        Ok(ListingTableUrl::try_new(url, None)?.with_table_ref(name.clone()))
    });
    let options =
        ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(".parquet");
    let config = ListingTableConfig::new_with_multi_paths(urls.collect::<Result<_>>()?)
        .with_listing_options(options)
        .with_schema(table.schema());
    Ok(ListingTable::try_new(config)?.with_cache(statistics))
}

#[async_trait]
impl TableProvider for Links {
    fn schema(&self) -> SchemaRef {
        self.whole.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let swaps = state.config().get_extension::<Swaps>().unwrap_or_default();
        let swaps: Vec<&Swap> = swaps.of(self.table.name()).collect();
        if swaps.is_empty() {
            return self.whole.scan(state, projection, filters, limit).await;
        }
        let swapping = self.swapping(&swaps, state.runtime_env()).await?;
        swapping.scan(state, projection, filters, limit).await
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        self.whole.supports_filters_pushdown(filters)
    }
}
