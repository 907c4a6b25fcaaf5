//! The store in memory, with faults to order: for tests of chains and functions.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use super::{Created, Store, StoreError};
use crate::ObjectPath;

/// A [`Store`] in memory; clones share the objects.
///
/// Every request gives way to other tasks before and after it takes effect, so that concurrent
/// users of one store really interleave. It is never stale.
#[derive(Clone, Default)]
pub struct MemoryStore {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    objects: BTreeMap<ObjectPath, Bytes>,
    faults: Option<Faults>,
    requests: Vec<Operation>,
}

type Faults = Box<dyn FnMut(Operation, &str) -> Fault + Send>;

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// [`Store::create`].
    Create,
    /// [`Store::read`].
    Read,
    /// [`Store::list`] and [`Store::list_folders`].
    List,
    /// [`Store::replace`].
    Replace,
    /// [`Store::delete`].
    Delete,
}

/// What shall happen to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is answered.
    None,
    /// It fails and has no effect.
    Before,
    /// It takes effect, but its answer is lost.
    After,
}

impl MemoryStore {
    /// An empty store without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on asks `faults` about every request, with the path or prefix it is for.
    pub fn with_faults(
        self,
        faults: impl FnMut(Operation, &str) -> Fault + Send + 'static,
    ) -> Self {
        self.lock().faults = Some(Box::new(faults));
        self
    }

    /// The requests since the last call, in order.
    pub fn take_requests(&self) -> Vec<Operation> {
        std::mem::take(&mut self.lock().requests)
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // A panic of a fault script leaves the objects whole.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn request<T>(
        &self,
        operation: Operation,
        path: &str,
        effect: impl FnOnce(&mut BTreeMap<ObjectPath, Bytes>) -> T,
    ) -> Result<T, StoreError> {
        let injected = || StoreError::Injected {
            operation,
            path: path.to_owned(),
        };
        tokio::task::yield_now().await;
        let (fault, outcome) = {
            let mut shared = self.lock();
            shared.requests.push(operation);
            let fault = shared
                .faults
                .as_mut()
                .map_or(Fault::None, |ask| ask(operation, path));
            if fault == Fault::Before {
                return Err(injected());
            }
            (fault, effect(&mut shared.objects))
        };
        tokio::task::yield_now().await;
        match fault {
            Fault::After => Err(injected()),
            Fault::None | Fault::Before => Ok(outcome),
        }
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("objects", &self.lock().objects.len())
            .finish()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn create(&self, path: &ObjectPath, body: Bytes) -> Result<Created, StoreError> {
        self.request(Operation::Create, path.as_str(), |objects| {
            if objects.contains_key(path) {
                return Created::Exists;
            }
            objects.insert(path.clone(), body);
            Created::New
        })
        .await
    }

    async fn read(&self, path: &ObjectPath) -> Result<Bytes, StoreError> {
        self.request(Operation::Read, path.as_str(), |objects| {
            objects.get(path).cloned()
        })
        .await?
        .ok_or_else(|| StoreError::NotFound { path: path.clone() })
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectPath>, StoreError> {
        self.request(Operation::List, prefix, |objects| {
            objects
                .keys()
                .filter(|path| inside(prefix, path).is_some())
                .filter(|path| after.is_none_or(|after| path.as_str() > after))
                .cloned()
                .collect()
        })
        .await
    }

    async fn list_folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.request(Operation::List, prefix, |objects| {
            let mut found: Vec<String> = objects
                .keys()
                .filter_map(|path| inside(prefix, path)?.split_once('/'))
                .map(|(folder, _)| folder.to_owned())
                .collect();
            found.sort_unstable();
            found.dedup();
            found
        })
        .await
    }

    async fn replace(&self, path: &ObjectPath, body: Bytes) -> Result<(), StoreError> {
        self.request(Operation::Replace, path.as_str(), |objects| {
            objects.insert(path.clone(), body);
        })
        .await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StoreError> {
        self.request(Operation::Delete, path.as_str(), |objects| {
            objects.remove(path);
        })
        .await
    }
}

/// The rest of `path` in the folder `prefix`.
fn inside<'a>(prefix: &str, path: &'a ObjectPath) -> Option<&'a str> {
    if prefix.is_empty() {
        return Some(path.as_str());
    }
    path.as_str().strip_prefix(prefix)?.strip_prefix('/')
}
