//! Chains of links: how the rows of one partition get to storage exactly once.
//!
//! A link covers the offsets `[head, end)`, where `head` is the end of the link before it, and is
//! *named* `head`. So a committer whose idea of the head is out of date meets a name that is
//! taken, and no two links can overlap, whoever commits, however batches are cut, and whatever
//! becomes of an answer. The first link of a chain is always named 0, even when the log it was
//! made from began later: its metadata has the offset it really began at.

mod batch;
mod commit;
mod error;
mod find;
mod gap;
mod key;
mod link;
mod moved;
mod replays;
mod swap;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use arrow::record_batch::RecordBatch;

pub use batch::Batch;
pub use commit::{Admission, Committed};
pub use error::{ChainError, CommitError};
pub use gap::{Acceptance, Gap};
pub use key::{ChainKey, REBUILD, REPLAYED};
pub use link::Link;
pub use moved::Move;
pub use replays::Replays;
pub use swap::{Swap, Swapping, TURN};

use crate::Store;
use key::Place;

/// Where a chain ends, and what its last link carries for the next one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// The first offset that is not in; 0 for an empty chain.
    pub end: i64,
    /// The state that the last link was given.
    pub state: BTreeMap<String, String>,
    /// Whether the chain has a link.
    pub exists: bool,
    /// What the last link stands for, where that is lost records.
    pub gap: Option<Gap>,
    /// Where the chain goes on, if the last link closed it.
    pub moved: Option<Move>,
}

/// A link to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewLink {
    /// The first offset after it: above the head, and not past the batch.
    pub end: i64,
    /// The rows, of the table's schema; they may be none.
    pub rows: RecordBatch,
    /// What the next link needs to know.
    pub state: BTreeMap<String, String>,
}

/// What to do about a batch that begins above the head of a chain that has links.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gaps {
    /// Refuse it: records are missing.
    Refuse,
    /// Take it: the records between are none of this chain's (`dead_letter`).
    Skip,
}

/// How often and how patiently a chain asks storage that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// How many requests in a row may fail.
    pub attempts: u32,
    /// The pause after the first failure; it doubles with each.
    pub pause: Duration,
}

impl Default for Retry {
    /// About 1.5 s in all: well inside an invocation's deadline.
    fn default() -> Self {
        Self {
            attempts: 6,
            pause: Duration::from_millis(50),
        }
    }
}

/// The chain of one partition, with its head kept warm.
#[derive(Debug)]
pub struct Chain {
    store: Arc<dyn Store>,
    key: ChainKey,
    place: Place,
    retry: Retry,
    turn: Duration,
    head: Option<Head>,
    near: Option<i64>,
}

impl Chain {
    /// The chain `key` in `store`; nothing is asked yet.
    pub fn new(store: Arc<dyn Store>, key: ChainKey) -> Self {
        Self::at(store, key, Place::Table(0))
    }

    /// The chain that the rebuild `id` makes, to become the partition's next `generation`.
    pub fn staged(store: Arc<dyn Store>, key: ChainKey, generation: u32, id: String) -> Self {
        Self::at(store, key, Place::Staged(generation, id))
    }

    fn at(store: Arc<dyn Store>, key: ChainKey, place: Place) -> Self {
        Self {
            store,
            key,
            place,
            retry: Retry::default(),
            turn: TURN,
            head: None,
            near: None,
        }
    }

    /// The same chain, asking a failing store as `retry` says.
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The same chain, working no longer than `turn` at a swap that it meets, but for one step.
    pub fn with_turn(mut self, turn: Duration) -> Self {
        self.turn = turn;
        self
    }

    /// Which chain it is.
    pub fn key(&self) -> &ChainKey {
        &self.key
    }

    /// Says that the head is likely a little above `offset`, which saves requests when it must
    /// be found; a wrong hint costs some and does no harm.
    pub fn expect_near(&mut self, offset: i64) {
        self.near = Some(offset);
    }

    /// The head: as remembered, or found in the store. A chain that was rebuilt is followed to
    /// where it goes on.
    pub async fn head(&mut self) -> Result<&Head, ChainError> {
        let head = match self.head.take() {
            Some(head) => head,
            None => self.follow().await?,
        };
        Ok(self.head.insert(head))
    }

    /// Which generation of the partition's chain this one is: how often it was rebuilt.
    pub async fn generation(&mut self) -> Result<u32, ChainError> {
        self.head().await?;
        Ok(self.place.generation())
    }

    /// The end of this partition's chain in the highest earlier epoch that has one.
    pub async fn predecessor(&self) -> Result<Option<Head>, ChainError> {
        self.find_predecessor().await
    }

    /// Every link that has to do with an offset of `range`, in order, with its rows.
    pub async fn links_overlapping(&self, range: Range<i64>) -> Result<Vec<Link>, ChainError> {
        self.read_overlapping(range).await
    }

    /// Those of `offsets`, which are in order, that are rows. Only the links that may have them are read.
    pub async fn rows_at(&self, offsets: &[i64]) -> Result<BTreeSet<i64>, ChainError> {
        self.find_rows(offsets).await
    }
}
