//! The swap: a partition's chain is closed, and a staged one takes its place.
//!
//! What decides is one object, the link that closes the old chain: before it the partition's rows
//! are the old ones, after it they are the staged ones. What follows can be done by anybody, any
//! number of times, and every committer does it before it goes on:
//!
//! 1. `{id}.decided` in the rebuild's workshop tells readers to read the staged chain.
//! 2. The chain of replayed rows is closed, too.
//! 3. The links of both are emptied. Their names stay taken, for a committer that slept since
//!    before the swap would find a name that is free again, and double its rows.
//! 4. The staged links are copied to where the table's readers look.
//! 5. `done` tells readers to look there again, and the workshop is cleared.
//!
//! A chain may be too long for one invocation. So everybody works at it for a while and then says
//! that it is [`ChainError::Unfinished`], and who comes next goes on from there: every so many
//! emptied links are noted in the workshop, and a link that is copied is not copied again.

use std::convert::Infallible;
use std::time::Duration;

use arrow::array::RecordBatch;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::Instant;

use super::find::{AT_ONCE, damaged};
use super::key::{Folder, Place};
use super::{Chain, ChainError, CommitError, Head, Move, link};
use crate::{Created, ObjectPath, StoreError};

/// Tells readers that the staged chain of the id before it is the partition's.
const DECIDED: &str = ".decided";
/// Tells readers that the staged links are in the table's folder.
const DONE: &str = "done";
/// Begins the names that tell how far the old links are emptied; no rebuild's id has a dot.
const EMPTIED: &str = "emptied.";
/// How many links are emptied from one note to the next.
const NOTED: usize = 100;
/// How long one invocation works at what may take longer: well inside its deadline.
pub const TURN: Duration = Duration::from_secs(20);

/// What became of a wish to swap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swapping {
    /// The staged chain is the partition's.
    Swapped,
    /// The staged chain ends before the one that it should replace: it has to be brought up to there first.
    Behind {
        /// The end of the staged chain.
        staged: i64,
        /// The head of the partition's chain.
        head: i64,
    },
    /// Another rebuild has made this generation.
    Overtaken,
}

/// A swap that was decided and is not done: where the partition's rows are meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swap {
    /// The folder of the staged chain, which has the partition's rows.
    pub staged: String,
    /// Folders whose objects are not the partition's any more, or not yet.
    pub hidden: Vec<String>,
}

impl Swap {
    /// Whether the object, one of the folder [`REBUILD`](super::REBUILD), decides or ends a swap.
    pub fn is_told_by(object: &ObjectPath) -> bool {
        let name = object.file_name();
        name == DONE || name.ends_with(DECIDED)
    }

    /// The swaps under way among the objects of the folder [`REBUILD`](super::REBUILD), given in order.
    pub fn under_way(objects: &[ObjectPath]) -> Vec<Self> {
        objects
            .iter()
            .filter_map(|object| {
                let (workshop, name) = object.as_str().rsplit_once('/')?;
                let id = name.strip_suffix(DECIDED)?;
                let done = ObjectPath::new(format!("{workshop}/{DONE}")).ok()?;
                if objects.binary_search(&done).is_ok() {
                    return None;
                }
                let mut parts = workshop.splitn(4, '/');
                let (_, table, life, partition) =
                    (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
                let (epoch, generation) = life.split_once('.')?;
                let before = match generation.parse::<u32>().ok()?.checked_sub(1)? {
                    0 => epoch.to_owned(),
                    earlier => format!("{epoch}.{earlier}"),
                };
                Some(Self {
                    staged: format!("{workshop}/{id}"),
                    hidden: vec![
                        format!("{table}/{before}/{partition}"),
                        format!("{table}/{}/{before}/{partition}", super::REPLAYED),
                        format!("{table}/{life}/{partition}"),
                    ],
                })
            })
            .collect()
    }
}

impl Chain {
    /// Puts the chain that the rebuild `id` staged for `generation` in this one's place.
    ///
    /// After [`Swapping::Swapped`] this chain is the new one. A crash on the way leaves the old
    /// chain or the new one; what is left to do then is done by whoever asks for the head next.
    pub async fn swap(
        &mut self,
        generation: u32,
        id: &str,
    ) -> Result<Swapping, CommitError<Infallible>> {
        let to = Move {
            generation,
            id: id.to_owned(),
        };
        let mut failures = 0;
        loop {
            self.forget();
            let head = self.head().await?.clone();
            let Place::Table(current) = self.place else {
                return Ok(Swapping::Overtaken);
            };
            if current == generation && self.is_made_by(generation, id).await? {
                return Ok(Swapping::Swapped);
            }
            if current.checked_add(1) != Some(generation) {
                return Ok(Swapping::Overtaken);
            }
            let folder = self.key.folder(&Place::Staged(generation, id.to_owned()));
            let staged = self.find_head(&folder, None).await?;
            if !staged.exists || staged.end < head.end {
                let (staged, head) = (staged.end, head.end);
                return Ok(Swapping::Behind { staged, head });
            }
            if let Some(gap) = &head.gap {
                // Whoever comes later follows the new chain and does not meet this gap.
                self.record_gap(gap).await?;
            }
            let created = self.close(&self.folder(), &head, &to).await;
            self.may_look_again(&head, created, &mut failures).await?;
        }
    }

    /// Whether the rebuild `id` made this `generation` of the partition's chain.
    pub async fn is_made_by(&self, generation: u32, id: &str) -> Result<bool, ChainError> {
        let Some(before) = generation.checked_sub(1) else {
            return Ok(false);
        };
        let closed = self
            .find_head(&self.key.folder(&Place::Table(before)), None)
            .await?;
        Ok(closed
            .moved
            .is_some_and(|to| to.generation == generation && to.id == id))
    }

    /// The ids of the rebuilds that are staged for the next generation.
    pub async fn rebuilds(&self) -> Result<Vec<String>, ChainError> {
        let workshop = self.key.workshop(self.place.generation().saturating_add(1));
        self.ask(|| self.store.list_folders(&workshop)).await
    }

    /// Tries to close the chain in `folder` on `head`; who finds the name taken looks again.
    async fn close(&self, folder: &Folder, head: &Head, to: &Move) -> Result<Created, StoreError> {
        let path = ObjectPath::new(folder.link_name(head.end))?;
        let empty = RecordBatch::new_empty(self.key.table.schema());
        let body = link::write_move(head, to, &empty).map_err(|source| StoreError::Encode {
            path: path.clone(),
            source,
        })?;
        let created = self.store.create(&path, body).await?;
        if created == Created::New {
            tracing::info!(link = %path, id = to.id, "chain closed");
        }
        Ok(created)
    }

    /// Does what is left to do of a swap that was decided, or a part of it.
    pub(super) async fn finish_swap(&self, from: u32, to: &Move) -> Result<(), ChainError> {
        let workshop = self.key.workshop(to.generation);
        let done = self.path(format!("{workshop}/{DONE}"))?;
        if self.stands(&done).await? {
            return Ok(());
        }
        tracing::info!(chain = %self.key, generation = to.generation, id = to.id, "finishing a swap");
        let until = Instant::now() + self.turn;
        let decided = self.path(format!("{workshop}/{}{DECIDED}", to.id))?;
        self.make(&decided, Bytes::new()).await?;
        let replayed = self.key.folder(&Place::Replayed(from));
        self.close_replays(&replayed, to).await?;
        let notes = self.listed(&workshop).await?;
        let links = self.key.folder(&Place::Table(from));
        for (name, folder) in [("links", links), ("replayed", replayed)] {
            let note = format!("{workshop}/{EMPTIED}{name}.");
            self.empty(&folder, &note, &notes, until).await?;
        }
        if !self.publish(to, &done, until).await? {
            return Ok(());
        }
        self.make(&done, Bytes::new()).await?;
        let left = self.listed(&workshop).await?;
        stream::iter(left.into_iter().filter(|path| *path != done))
            .map(|path| async move { self.ask(|| self.store.delete(&path)).await })
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await
    }

    async fn close_replays(&self, folder: &Folder, to: &Move) -> Result<(), ChainError> {
        for look in 1..=self.retry.attempts {
            let head = self.find_head(folder, None).await?;
            if head.moved.is_some() {
                return Ok(());
            }
            let closed = self.ask(|| self.close(folder, &head, to)).await?;
            if closed == Created::Exists {
                // A replay was first, or a listing lags behind.
                self.retry.pause(look).await;
            }
        }
        let chain = self.key.clone();
        Err(ChainError::Hole { chain })
    }

    /// Takes the rows out of the links in `folder`, and leaves their names.
    ///
    /// An object whose name is `note` and a link's head stands for that link and all before it.
    async fn empty(
        &self,
        folder: &Folder,
        note: &str,
        notes: &[ObjectPath],
        until: Instant,
    ) -> Result<(), ChainError> {
        let heads = notes
            .iter()
            .filter_map(|it| it.as_str().strip_prefix(note)?.parse().ok());
        let after = heads.max().map(|head| folder.link_name(head));
        let links = self.ask(|| self.store.list(folder.as_str(), after.as_deref()));
        let links = links.await?;
        let mut parts = links.chunks(NOTED).peekable();
        while let Some(part) = parts.next() {
            stream::iter(part.to_vec())
                .map(|path| async move {
                    let body = self.ask(|| self.store.read(&path)).await?;
                    let emptied = link::emptied(body).map_err(|source| damaged(&path, source))?;
                    match emptied {
                        Some(body) => self.ask(|| self.store.replace(&path, body.clone())).await,
                        None => Ok(()),
                    }
                })
                .buffer_unordered(AT_ONCE)
                .try_collect::<()>()
                .await?;
            // The last ones are soon gone through again.
            if let (Some(last), true) = (part.last(), parts.peek().is_some()) {
                let head = self.head_of(folder, last)?;
                let note = self.path(format!("{note}{head:020}"))?;
                self.make(&note, Bytes::new()).await?;
                self.may_go_on(until)?;
            }
        }
        Ok(())
    }

    /// Copies the staged links to their generation's folder; false if somebody else has finished the swap meanwhile.
    async fn publish(
        &self,
        to: &Move,
        done: &ObjectPath,
        until: Instant,
    ) -> Result<bool, ChainError> {
        let staged = self
            .key
            .folder(&Place::Staged(to.generation, to.id.clone()));
        let target = self.key.folder(&Place::Table(to.generation));
        let there = self.listed(target.as_str()).await?;
        for path in self.listed(staged.as_str()).await? {
            let copy = self.path(format!("{}/{}", target.as_str(), path.file_name()))?;
            if there.binary_search(&copy).is_ok() {
                continue;
            }
            let body = match self.ask(|| self.store.read(&path)).await {
                Ok(body) => body,
                Err(ChainError::Store {
                    source: StoreError::NotFound { .. },
                    ..
                }) if self.stands(done).await? => return Ok(false),
                Err(error) => return Err(error),
            };
            self.make(&copy, body).await?;
            self.may_go_on(until)?;
        }
        // A listing from while the workshop was cleared is not whole.
        Ok(!self.stands(done).await?)
    }

    /// Asked after each step that counts, so that every turn has one.
    fn may_go_on(&self, until: Instant) -> Result<(), ChainError> {
        if Instant::now() < until {
            return Ok(());
        }
        let chain = self.key.clone();
        Err(ChainError::Unfinished { chain })
    }

    async fn make(&self, path: &ObjectPath, body: Bytes) -> Result<(), ChainError> {
        self.ask(|| self.store.create(path, body.clone())).await?;
        Ok(())
    }

    async fn stands(&self, path: &ObjectPath) -> Result<bool, ChainError> {
        match self.ask(|| self.store.read(path)).await {
            Ok(_) => Ok(true),
            Err(ChainError::Store {
                source: StoreError::NotFound { .. },
                ..
            }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn listed(&self, folder: &str) -> Result<Vec<ObjectPath>, ChainError> {
        self.ask(|| self.store.list(folder, None)).await
    }
}
