//! The session: opened once per process, it keeps what can be kept between statements and nothing that grows stale.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::error::DataFusionError;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::execution::{FunctionRegistry, SessionState};
use datafusion::prelude::{SessionConfig, SessionContext};
use lake::Anchor;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use url::Url;

use crate::joined::Joins;
use crate::relation::Relation;
use crate::swaps::Swaps;
use crate::threads::{Runaway, Threads};
use crate::{Limits, OpenError, SqlError, bucket, catalog, functions, sums, type_name};

/// Where DataFusion finds the lake; no other store is registered, so no other file or address can be reached.
const STORE: &str = "lake://tidemill";

/// What a session may keep between statements.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Bytes of Parquet footers.
    pub metadata_cache: usize,
    /// Bytes of column statistics.
    pub statistics_cache: usize,
    /// How many parts of a statement run at once.
    pub parallelism: NonZeroUsize,
    /// What is done about a statement that cannot be stopped; nothing by itself.
    pub runaway: Runaway,
}

impl Default for Settings {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let most = NonZeroUsize::MIN.saturating_add(3);
        Self {
            metadata_cache: 128 << 20,
            statistics_cache: 128 << 20,
            parallelism: processors.min(most),
            runaway: |_| {},
        }
    }
}

/// SQL over one lake. Clones share the session.
#[derive(Clone)]
pub struct Sql {
    state: Arc<SessionState>,
    parallelism: NonZeroUsize,
    runaway: Runaway,
    /// The lake's folder, if it is one.
    anchor: Option<Anchor>,
}

impl std::fmt::Debug for Sql {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sql").finish_non_exhaustive()
    }
}

/// A column as a table or view declares it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TableColumn {
    /// The column's name.
    pub name: &'static str,
    /// Its type, see [`type_name`].
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether a row may have no value for it.
    pub nullable: bool,
    /// What it holds.
    #[serde(rename = "description")]
    pub doc: &'static str,
}

impl Sql {
    /// Opens the lake at `lake_url`: `file:///…`, whose folder is made if it is not there yet, or `s3://bucket/prefix`,
    /// of which nothing is asked yet; that one must be opened within a tokio runtime, on which its requests will run.
    pub fn open(lake_url: &str, settings: Settings) -> Result<Self, OpenError> {
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(GreedyMemoryPool::new(0)))
            .with_disk_manager_builder(
                DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled),
            )
            // A kept listing would hide links that were committed after it.
            .with_object_list_cache_limit(0)
            .with_metadata_cache_limit(settings.metadata_cache)
            .with_file_statistics_cache_limit(settings.statistics_cache)
            .build()?;
        let store = root();
        let objects: Arc<dyn ObjectStore> = if lake_url.starts_with("s3:") {
            bucket::open(lake_url)?
        } else {
            Arc::new(folder(lake_url)?)
        };
        runtime.register_object_store(&store, objects);
        // The engine registers the machine's whole file system by itself.
        let everything = Url::parse("file:///").map_err(|_| unsupported(lake_url))?;
        runtime.deregister_object_store(&everything)?;
        let local = Url::parse(lake_url)
            .ok()
            .and_then(|url| url.to_file_path().ok());
        let anchor = local.and_then(|folder| Anchor::of(folder).ok());
        let runtime = Arc::new(runtime);
        let catalog = catalog::catalog(&store, &runtime)?;
        let mut state = SessionStateBuilder::new()
            .with_config(config(settings))
            .with_runtime_env(runtime)
            .with_default_features()
            .build();
        state.register_expr_planner(Arc::new(Joins::default()))?;
        let context = SessionContext::new_with_state(state);
        context.register_catalog(catalog::CATALOG, catalog);
        functions::guard(&context)?;
        sums::check(&context);
        Ok(Self {
            state: Arc::new(context.state()),
            parallelism: settings.parallelism,
            runaway: settings.runaway,
            anchor,
        })
    }

    /// The names of all tables and views, sorted.
    pub fn tables(&self) -> Vec<String> {
        let mut names: Vec<String> = Relation::all()
            .map(|relation| relation.name().to_owned())
            .collect();
        names.sort();
        names
    }

    /// The columns of a table or view, its name matched without regard to case.
    pub fn describe(&self, name: &str) -> Result<Vec<TableColumn>, SqlError> {
        let columns = self.relation(name)?.columns();
        let columns = columns.into_iter().map(|column| TableColumn {
            name: column.name,
            kind: type_name(&column.kind.data_type()),
            nullable: !column.required,
            doc: column.doc,
        });
        Ok(columns.collect())
    }

    pub(crate) fn relation(&self, name: &str) -> Result<Relation, SqlError> {
        Relation::all()
            .find(|relation| relation.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| SqlError::UnknownTable {
                name: name.to_owned(),
                known: self.tables(),
            })
    }

    /// A folder that is not there would read as a lake without rows.
    pub(crate) fn reachable(&self) -> Result<(), SqlError> {
        let there = self.anchor.as_ref().map_or(Ok(()), Anchor::check);
        there.map_err(|away| SqlError::Storage(DataFusionError::IoError(away)))
    }

    /// Threads for one statement.
    pub(crate) fn threads(&self, limits: Limits) -> Result<Threads, SqlError> {
        Threads::start(self.parallelism.get(), limits, self.runaway)
    }

    /// What the lake says of swaps now.
    pub(crate) async fn swaps(&self) -> Result<Swaps, SqlError> {
        Swaps::read(&root(), self.state.runtime_env())
            .await
            .map_err(SqlError::Storage)
    }

    /// The session's state with a memory pool of its own: what one statement holds is not taken from another.
    pub(crate) fn state(&self, memory: usize, swaps: Swaps) -> SessionState {
        let runtime = RuntimeEnv {
            memory_pool: Arc::new(GreedyMemoryPool::new(memory)),
            ..self.state.runtime_env().as_ref().clone()
        };
        let config = self.state.config().clone();
        let mut state = SessionStateBuilder::new_from_existing(self.state.as_ref().clone())
            .with_config(config.with_extension(Arc::new(swaps)))
            .with_runtime_env(Arc::new(runtime))
            .build();
        // now() is the statement's time, not the session's.
        state.mark_start_execution();
        state
    }
}

fn config(settings: Settings) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(catalog::CATALOG, catalog::SCHEMA)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(false)
        .with_target_partitions(settings.parallelism.get())
        .with_batch_size(functions::BATCH)
        .with_collect_statistics(true);
    let options = config.options_mut();
    options.sql_parser.enable_ident_normalization = false;
    options.execution.time_zone = Some("UTC".to_owned());
    options.execution.listing_table_ignore_subdirectory = false;
    options.execution.parquet.pushdown_filters = true;
    // A link is one small row group: its footer's statistics say all that more reads could.
    options.execution.parquet.enable_page_index = false;
    options.execution.parquet.bloom_filter_on_read = false;
    config
}

fn root() -> Url {
    #[expect(clippy::expect_used, reason = "a constant that a test opens")]
    Url::parse(STORE).expect("the store's address is a URL")
}

fn folder(lake_url: &str) -> Result<LocalFileSystem, OpenError> {
    let url = Url::parse(lake_url).map_err(|_| unsupported(lake_url))?;
    if url.scheme() != "file" {
        return Err(unsupported(lake_url));
    }
    let path: PathBuf = url.to_file_path().map_err(|()| unsupported(lake_url))?;
    std::fs::create_dir_all(&path).map_err(|source| OpenError::Folder {
        path: path.clone(),
        source,
    })?;
    Ok(LocalFileSystem::new_with_prefix(path)?)
}

fn unsupported(url: &str) -> OpenError {
    OpenError::Unsupported {
        url: url.to_owned(),
    }
}
