//! The objects of the simulated store, and a store over them that answers at once: for what is read when all is over.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use lake::{Created, ObjectPath, Store, StoreError};

/// Which version of each investor's holdings one has seen.
pub(crate) type Versions = BTreeMap<u32, u64>;

/// The folder of the holdings.
pub(crate) const HOLDINGS: &str = "holdings";

/// An object that stands.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) body: Bytes,
    /// How many objects stood before it.
    pub(crate) number: usize,
    /// The holdings that its creator knew when it asked for it.
    pub(crate) known: Versions,
}

/// Every object, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Objects(BTreeMap<ObjectPath, Object>);

impl Objects {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn get(&self, path: &ObjectPath) -> Option<&Object> {
        self.0.get(path)
    }

    /// Whether an object of that name stands.
    pub(crate) fn holds(&self, name: &str) -> bool {
        ObjectPath::new(name).is_ok_and(|path| self.0.contains_key(&path))
    }

    pub(crate) fn create(&mut self, path: &ObjectPath, body: Bytes, known: Versions) -> Created {
        if self.0.contains_key(path) {
            return Created::Exists;
        }
        let number = self.0.len();
        let object = Object {
            body,
            number,
            known,
        };
        self.0.insert(path.clone(), object);
        Created::New
    }

    pub(crate) fn read(&self, path: &ObjectPath) -> Option<Bytes> {
        self.0.get(path).map(|object| object.body.clone())
    }

    /// What is in the folder `prefix` and past `after`.
    pub(crate) fn list(&self, prefix: &str, after: Option<&str>) -> Vec<ObjectPath> {
        self.0
            .keys()
            .filter(|path| inside(prefix, path).is_some())
            .filter(|path| after.is_none_or(|after| path.as_str() > after))
            .cloned()
            .collect()
    }

    pub(crate) fn folders(&self, prefix: &str) -> Vec<String> {
        let mut found: Vec<String> = self
            .0
            .keys()
            .filter_map(|path| inside(prefix, path)?.split_once('/'))
            .map(|(folder, _)| folder.to_owned())
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Only the holdings.
    pub(crate) fn holdings(&self) -> Self {
        let kept = self.0.iter();
        Self(
            kept.filter(|(path, _)| inside(HOLDINGS, path).is_some())
                .map(|(path, object)| (path.clone(), object.clone()))
                .collect(),
        )
    }
}

fn inside<'a>(prefix: &str, path: &'a ObjectPath) -> Option<&'a str> {
    path.as_str().strip_prefix(prefix)?.strip_prefix('/')
}

/// The investor and the version that an object of [`HOLDINGS`] is of.
pub(crate) fn version_of(path: &ObjectPath) -> Option<(u32, u64)> {
    let (investor, file) = inside(HOLDINGS, path)?
        .strip_prefix("investor-")?
        .split_once('/')?;
    let version = file.strip_suffix(".json")?;
    Some((investor.parse().ok()?, version.parse().ok()?))
}

/// The last version of each investor among `paths`.
pub(crate) fn versions(paths: &[ObjectPath]) -> Versions {
    paths.iter().filter_map(version_of).collect()
}

/// A store that answers at once and never fails. It can be made to show holdings as somebody saw them once.
pub(crate) struct StillStore(Mutex<(Objects, Option<Versions>)>);

impl StillStore {
    pub(crate) fn new(objects: Objects) -> Self {
        Self(Mutex::new((objects, None)))
    }

    /// From now on lists no holdings past `versions`.
    pub(crate) fn show(&self, versions: &Versions) {
        self.lock().1 = Some(versions.clone());
    }

    pub(crate) fn objects(&self) -> Objects {
        self.lock().0.clone()
    }

    pub(crate) fn into_objects(self) -> Objects {
        self.0
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    fn lock(&self) -> MutexGuard<'_, (Objects, Option<Versions>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for StillStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} objects", self.lock().0.len())
    }
}

#[async_trait]
impl Store for StillStore {
    async fn create(&self, path: &ObjectPath, body: Bytes) -> Result<Created, StoreError> {
        Ok(self.lock().0.create(path, body, Versions::new()))
    }

    async fn read(&self, path: &ObjectPath) -> Result<Bytes, StoreError> {
        let found = self.lock().0.read(path);
        found.ok_or_else(|| StoreError::NotFound { path: path.clone() })
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectPath>, StoreError> {
        let still = self.lock();
        let mut paths = still.0.list(prefix, after);
        if let Some(shown) = &still.1 {
            paths.retain(|path| {
                version_of(path)
                    .is_none_or(|(investor, version)| shown.get(&investor) >= Some(&version))
            });
        }
        Ok(paths)
    }

    async fn list_folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        Ok(self.lock().0.folders(prefix))
    }

    async fn replace(&self, path: &ObjectPath, _: Bytes) -> Result<(), StoreError> {
        unreachable!("a committer never replaces, and {path} was to be")
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StoreError> {
        unreachable!("a committer never deletes, and {path} was to be")
    }
}
