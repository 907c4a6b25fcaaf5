//! The swaps of rebuilt tables that are under way: where the rows of a table are meanwhile.

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::runtime_env::RuntimeEnv;
use futures::TryStreamExt;
use lake::{ObjectPath, REBUILD, Swap};
use object_store::path::Path;
use url::Url;

/// What a statement knows of swaps. It holds for as long as the lake says the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Swaps {
    /// The objects that decide and end swaps, those of long ago included.
    marks: Vec<ObjectPath>,
    under_way: Vec<Swap>,
}

impl Swaps {
    /// What the lake at `root` says now.
    pub(crate) async fn read(root: &Url, runtime: &RuntimeEnv) -> Result<Self> {
        let store = runtime.object_store_registry.get_store(root)?;
        let objects: Vec<Path> = store
            .list(Some(&Path::from(REBUILD)))
            .map_ok(|object| object.location)
            .try_collect()
            .await
            .map_err(|source| DataFusionError::ObjectStore(Box::new(source)))?;
        let mut marks: Vec<ObjectPath> = objects
            .iter()
            .filter_map(|path| ObjectPath::new(path.as_ref()).ok())
            .filter(Swap::is_told_by)
            .collect();
        marks.sort_unstable();
        let under_way = Swap::under_way(&marks);
        Ok(Self { marks, under_way })
    }

    /// Those that have to do with `table`.
    pub(crate) fn of<'a>(&'a self, table: &str) -> impl Iterator<Item = &'a Swap> {
        let folder = format!("{REBUILD}/{table}/");
        self.under_way
            .iter()
            .filter(move |swap| swap.staged.starts_with(&folder))
    }
}
