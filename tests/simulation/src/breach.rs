//! The commit protocol broken on purpose, in ways that a simulation must find. Nothing of this is in the code that it
//! breaks: two breaches are storage that does as a broken chain would, the third is a chain told to skip gaps.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use lake::{Created, ObjectPath, PathError, Store, StoreError, Table};

/// A way to break the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breach {
    /// A link is named by the first offset of the batch that it was made from, not by the head.
    NamedByFirstOffset,
    /// That a link exists is taken for that it is done.
    ExistsIsDone,
    /// A batch that begins past the head is taken.
    NoGapCheck,
}

/// The first offset of the batch that a process works on, by topic and partition.
pub(crate) type FirstOffsets = Arc<Mutex<BTreeMap<(String, i32), i64>>>;

/// Storage that breaks the protocol of whoever commits through it.
#[derive(Debug)]
pub(crate) struct BrokenStore<S> {
    pub(crate) inner: S,
    pub(crate) breach: Breach,
    pub(crate) firsts: FirstOffsets,
}

impl<S> BrokenStore<S> {
    /// The name that a link at `path` gets.
    fn name(&self, path: &ObjectPath) -> Result<ObjectPath, PathError> {
        let segments: Vec<&str> = path.as_str().split('/').collect();
        let [table, epoch, topic, partition, _] = segments[..] else {
            return Ok(path.clone());
        };
        let number = partition.parse().unwrap_or_default();
        let firsts = self.firsts.lock().unwrap_or_else(PoisonError::into_inner);
        match firsts.get(&(topic.to_owned(), number)) {
            Some(first) if table != Table::DeadLetter.name() => ObjectPath::new(format!(
                "{table}/{epoch}/{topic}/{partition}/{first:020}.parquet"
            )),
            _ => Ok(path.clone()),
        }
    }
}

#[async_trait]
impl<S: Store + fmt::Debug> Store for BrokenStore<S> {
    async fn create(&self, path: &ObjectPath, body: Bytes) -> Result<Created, StoreError> {
        match self.breach {
            Breach::NamedByFirstOffset => self.inner.create(&self.name(path)?, body).await,
            Breach::ExistsIsDone => self.inner.create(path, body).await.map(|_| Created::New),
            Breach::NoGapCheck => self.inner.create(path, body).await,
        }
    }

    async fn read(&self, path: &ObjectPath) -> Result<Bytes, StoreError> {
        self.inner.read(path).await
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectPath>, StoreError> {
        self.inner.list(prefix, after).await
    }

    async fn list_folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.inner.list_folders(prefix).await
    }

    async fn replace(&self, path: &ObjectPath, body: Bytes) -> Result<(), StoreError> {
        self.inner.replace(path, body).await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StoreError> {
        self.inner.delete(path).await
    }
}
