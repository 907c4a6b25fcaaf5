//! Which life of the logs this is: `epochs.json` in the data folder, or `epochs/` in a lake that others may use too.
//!
//! The embedded broker keeps nothing, so each of its starts is a new life with a new number. A broker outside keeps its
//! logs, so it keeps its number, by the id of its cluster: one made anew at the same address begins a new life. Numbers
//! are never given twice: chains of two lives must not meet in one folder.

use std::collections::BTreeMap;

use lake::{Store, StoreError};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(super) use notes::Notes;
pub use notes::NotesError;

mod notes;

/// Whose logs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Life<'a> {
    /// A broker that begins with nothing.
    New,
    /// A broker that runs elsewhere.
    Of {
        /// The id of its cluster, if it has one.
        cluster: Option<&'a str>,
        /// Its addresses.
        brokers: &'a str,
    },
}

/// What a start works with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    /// The number of the logs' life.
    pub(super) epoch: u32,
    /// Sets this lake apart from others on the same broker.
    pub(super) folder: String,
}

/// Why there is no number.
#[derive(Debug, thiserror::Error)]
pub enum EpochError {
    /// A number that was asked for belongs to another life.
    #[error(
        "LOG_EPOCH={epoch} is used up, and the embedded broker begins with an empty log: leave LOG_EPOCH out, or set it to {next} or more"
    )]
    Used {
        /// The number.
        epoch: u32,
        /// The first one that is free.
        next: u32,
    },
    /// The numbers cannot be read or noted.
    #[error(transparent)]
    Notes(#[from] NotesError),
    /// The lake cannot be looked into.
    #[error("the lake cannot be searched for numbers that are used up")]
    Lake(#[source] StoreError),
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Epochs {
    /// The next number that nobody has had.
    next: u32,
    /// The numbers of brokers outside, by the cluster's id, or by the addresses of one that has none.
    brokers: BTreeMap<String, u32>,
    /// The lake's own id; of one in a folder, the data folder's.
    #[serde(default)]
    folder: Option<String>,
}

/// The number for this start, `asked` if the user asks for one; it is noted before anything can use it.
pub(super) async fn claim(
    notes: &Notes<'_>,
    lake: &dyn Store,
    life: Life<'_>,
    asked: Option<u32>,
) -> Result<Claim, EpochError> {
    loop {
        let (mut epochs, version) = notes.read().await?;
        // The notes may have been deleted while the lake was kept.
        epochs.next = epochs.next.max(first_unused(lake).await?);
        let claim = epochs.claim(life, asked)?;
        // Two systems that start on one lake must not get the same number.
        if notes.write(&epochs, version).await? {
            return Ok(claim);
        }
    }
}

/// Short enough to be read, long enough that no two folders on one broker get the same.
fn new_id() -> String {
    let mut id = Uuid::new_v4().simple().to_string();
    id.truncate(8);
    id
}

impl Epochs {
    fn claim(&mut self, life: Life<'_>, asked: Option<u32>) -> Result<Claim, EpochError> {
        let epoch = match (life, asked) {
            (Life::New, None) => self.take(),
            (Life::New, Some(epoch)) if epoch >= self.next => epoch,
            (Life::New, Some(epoch)) => {
                let next = self.next;
                return Err(EpochError::Used { epoch, next });
            }
            (Life::Of { cluster, brokers }, asked) => {
                let known = self.of(cluster, brokers);
                let epoch = asked.or(known).unwrap_or_else(|| self.take());
                let key = cluster.map_or_else(|| normalised(brokers), str::to_owned);
                self.brokers.insert(key, epoch);
                epoch
            }
        };
        self.next = self.next.max(epoch.saturating_add(1));
        let folder = self.folder.get_or_insert_with(new_id).clone();
        Ok(Claim { epoch, folder })
    }

    fn take(&mut self) -> u32 {
        let epoch = self.next;
        self.next += 1;
        epoch
    }

    /// The number that a broker has. What is noted by its addresses becomes the number of the first cluster that tells
    /// its id there.
    fn of(&mut self, cluster: Option<&str>, brokers: &str) -> Option<u32> {
        let addresses = normalised(brokers);
        match cluster {
            Some(id) if self.brokers.contains_key(id) => self.brokers.get(id).copied(),
            Some(_) => self.brokers.remove(&addresses),
            None => self.brokers.get(&addresses).copied(),
        }
    }
}

/// One past the highest number among `{lake}/{table}/{epoch}/` and `{lake}/{table}/{epoch}.{generation}/`.
async fn first_unused(lake: &dyn Store) -> Result<u32, EpochError> {
    let mut first = 0;
    for table in lake.list_folders("").await.map_err(EpochError::Lake)? {
        for epoch in lake.list_folders(&table).await.map_err(EpochError::Lake)? {
            let number = epoch.split('.').next().and_then(|epoch| epoch.parse().ok());
            first = first.max(number.map_or(0, |number: u32| number.saturating_add(1)));
        }
    }
    Ok(first)
}

/// The same brokers in another order are the same brokers.
fn normalised(brokers: &str) -> String {
    let mut addresses: Vec<String> = brokers
        .split(',')
        .map(|address| address.trim().to_ascii_lowercase())
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses.join(",")
}

#[cfg(test)]
#[path = "epochs_tests.rs"]
mod tests;
