//! Finding links in the store with few requests.

use std::collections::BTreeSet;
use std::future::ready;
use std::ops::Range;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::sleep;

use metrics::counter;

use super::key::{Folder, Place};
use super::{Chain, ChainError, Head, Link, Retry, link};
use crate::metrics::RETRIES;
use crate::{Epoch, ObjectPath, StoreError};

/// How far below a hint the first listing begins, and how much farther each one after it. At one
/// record to a link, the fewest there can be, the first listing is about one page of S3's.
const STEP: i64 = 900;
const STRIDE: i64 = 16;
/// How many objects are asked for at a time.
pub(super) const AT_ONCE: usize = 16;

impl Chain {
    pub(super) async fn find_head(
        &self,
        folder: &Folder,
        near: Option<i64>,
    ) -> Result<Head, ChainError> {
        let Some(last) = self.links_from_before(folder, near).await?.pop() else {
            return Ok(Head::default());
        };
        let path = self.named(folder, last)?;
        let file = self.ask(|| self.store.read(&path)).await?;
        link::read_head(&file).map_err(|source| damaged(&path, source))
    }

    pub(super) async fn find_predecessor(&self) -> Result<Option<Head>, ChainError> {
        let table = self.key.table.name();
        let folders = self.ask(|| self.store.list_folders(table)).await?;
        let mut epochs: Vec<Epoch> = folders
            .iter()
            .filter_map(|name| name.parse().ok())
            .collect();
        epochs.sort_unstable();
        for epoch in epochs
            .into_iter()
            .rev()
            .filter(|&epoch| epoch < self.key.epoch)
        {
            let folder = self.key.in_epoch(epoch).folder(&Place::Table(0));
            let head = self.find_head(&folder, None).await?;
            if head.exists {
                return Ok(Some(head));
            }
        }
        Ok(None)
    }

    pub(super) async fn read_overlapping(
        &self,
        range: Range<i64>,
    ) -> Result<Vec<Link>, ChainError> {
        let folder = self.folder();
        let names = self.links_from_before(&folder, Some(range.start)).await?;
        // The last link that begins at or below the range may reach into it.
        let from = names
            .partition_point(|&name| name <= range.start)
            .saturating_sub(1);
        let mut links = Vec::new();
        for &name in names[from..].iter().take_while(|&&name| name < range.end) {
            let path = self.named(&folder, name)?;
            let file = self.ask(|| self.store.read(&path)).await?;
            let link = link::read(file).map_err(|source| damaged(&path, source))?;
            if link.range.end > range.start {
                links.push(link);
            }
        }
        Ok(links)
    }

    pub(super) async fn find_rows(&self, offsets: &[i64]) -> Result<BTreeSet<i64>, ChainError> {
        let Some(&first) = offsets.first() else {
            return Ok(BTreeSet::new());
        };
        let names = self.links_from_before(&self.folder(), Some(first)).await?;
        // Only the last link that begins at or below an offset can have it.
        let holder = |offset| names[..names.partition_point(|name| name <= offset)].last();
        let mut holders: Vec<i64> = offsets.iter().filter_map(holder).copied().collect();
        holders.dedup();
        let is_asked = |offset: &i64| offsets.binary_search(offset).is_ok();
        self.read_offsets(holders, is_asked).await
    }

    /// The offsets of rows, as far as `is_asked` says so, in the links of these names.
    pub(super) async fn read_offsets(
        &self,
        names: Vec<i64>,
        is_asked: impl Fn(&i64) -> bool,
    ) -> Result<BTreeSet<i64>, ChainError> {
        let folder = &self.folder();
        stream::iter(names)
            .map(|name| async move {
                let path = self.named(folder, name)?;
                let file = self.ask(|| self.store.read(&path)).await?;
                link::read_offsets(file).map_err(|source| damaged(&path, source))
            })
            .buffer_unordered(AT_ONCE)
            .try_fold(BTreeSet::new(), |mut found, offsets| {
                found.extend(offsets.into_iter().filter(&is_asked));
                ready(Ok(found))
            })
            .await
    }

    /// The names of the links from the last one at or below `near` on, and maybe of some before
    /// it; of all without a hint.
    pub(super) async fn links_from_before(
        &self,
        folder: &Folder,
        near: Option<i64>,
    ) -> Result<Vec<i64>, ChainError> {
        let mut step = STEP;
        loop {
            let from = near.map_or(0, |near| near.saturating_sub(step));
            let after = (from > 0).then(|| folder.link_name(from - 1));
            let paths = self
                .ask(|| self.store.list(folder.as_str(), after.as_deref()))
                .await?;
            let names = paths
                .iter()
                .map(|path| self.head_of(folder, path))
                .collect::<Result<Vec<_>, _>>()?;
            let reaches = names
                .first()
                .is_some_and(|&name| near.is_some_and(|near| name <= near));
            if from <= 0 || reaches {
                return Ok(names);
            }
            step = step.saturating_mul(STRIDE);
        }
    }

    /// The head that the link at `path` was made on.
    pub(super) fn head_of(&self, folder: &Folder, path: &ObjectPath) -> Result<i64, ChainError> {
        folder.head_of(path).ok_or_else(|| ChainError::Foreign {
            chain: self.key.clone(),
            path: path.clone(),
        })
    }

    /// The folder of this chain's links.
    pub(super) fn folder(&self) -> Folder {
        self.key.folder(&self.place)
    }

    /// The object of the link on `head`.
    pub(super) fn named(&self, folder: &Folder, head: i64) -> Result<ObjectPath, ChainError> {
        self.path(folder.link_name(head))
    }

    pub(super) fn path(&self, name: String) -> Result<ObjectPath, ChainError> {
        ObjectPath::new(name).map_err(|source| ChainError::Name {
            chain: self.key.clone(),
            source,
        })
    }

    pub(super) async fn ask<T, F>(&self, request: impl FnMut() -> F) -> Result<T, ChainError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let failed = || counter!(RETRIES, "table" => self.key.table.name()).increment(1);
        self.retry
            .until_answered(request, failed)
            .await
            .map_err(|source| ChainError::Store {
                chain: self.key.clone(),
                source,
            })
    }
}

pub(super) fn damaged(
    path: &ObjectPath,
    source: impl std::error::Error + Send + Sync + 'static,
) -> ChainError {
    ChainError::Damaged {
        path: path.clone(),
        source: Box::new(source),
    }
}

impl Retry {
    /// Repeats `request` until it succeeds, cannot succeed, or was tried often enough.
    async fn until_answered<T, F>(
        self,
        mut request: impl FnMut() -> F,
        failed: impl Fn(),
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut failures = 0;
        loop {
            match request().await {
                Err(error) if error.is_retryable() && failures + 1 < self.attempts => {
                    failures += 1;
                    failed();
                    tracing::warn!(?error, failures, "storage failed");
                    self.pause(failures).await;
                }
                answer => return answer,
            }
        }
    }

    /// Waits after so many failures in a row.
    pub(super) async fn pause(self, failures: u32) {
        let pause = self
            .pause
            .saturating_mul(1 << failures.saturating_sub(1).min(10));
        if !pause.is_zero() {
            sleep(pause).await;
        }
    }
}
