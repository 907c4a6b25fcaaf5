//! Which life of the logs this is: `epochs.json` in the data folder.
//!
//! The embedded broker keeps nothing, so each of its starts is a new life with a new number. A broker outside keeps its
//! logs, so it keeps its number, by the id of its cluster: one made anew at the same address begins a new life. Numbers
//! are never given twice: chains of two lives must not meet in one folder.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::replace::replace_file;

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
    /// Sets this data folder apart from others on the same broker.
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
    /// The file does not say what it should.
    #[error("{} cannot be understood: mend it, or move the data folder away and start with a new one", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The file or the lake beside it cannot be read or written.
    #[error("{} cannot be read or written", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Epochs {
    /// The next number that nobody has had.
    next: u32,
    /// The numbers of brokers outside, by the cluster's id, or by the addresses of one that has none.
    brokers: BTreeMap<String, u32>,
    /// The folder's own id.
    #[serde(default)]
    folder: Option<String>,
}

/// The number for this start, `asked` if the user asks for one; it is on disk before anything can use it.
pub(super) fn claim(
    data: &Path,
    lake: &Path,
    life: Life<'_>,
    asked: Option<u32>,
) -> Result<Claim, EpochError> {
    let path = data.join("epochs.json");
    let mut epochs = read(&path)?;
    // The file may have been deleted while the lake was kept.
    epochs.next = epochs.next.max(first_unused(lake)?);
    let epoch = match (life, asked) {
        (Life::New, None) => epochs.take(),
        (Life::New, Some(epoch)) if epoch >= epochs.next => epoch,
        (Life::New, Some(epoch)) => {
            let next = epochs.next;
            return Err(EpochError::Used { epoch, next });
        }
        (Life::Of { cluster, brokers }, asked) => {
            let known = epochs.of(cluster, brokers);
            let epoch = asked.or(known).unwrap_or_else(|| epochs.take());
            let key = cluster.map_or_else(|| normalised(brokers), str::to_owned);
            epochs.brokers.insert(key, epoch);
            epoch
        }
    };
    epochs.next = epochs.next.max(epoch.saturating_add(1));
    let folder = epochs.folder.get_or_insert_with(new_id).clone();
    let text = serde_json::to_vec_pretty(&epochs).map_err(|source| EpochError::Malformed {
        path: path.clone(),
        source,
    })?;
    replace_file(&path, &text).map_err(|source| EpochError::Io { path, source })?;
    Ok(Claim { epoch, folder })
}

/// Short enough to be read, long enough that no two folders on one broker get the same.
fn new_id() -> String {
    let mut id = Uuid::new_v4().simple().to_string();
    id.truncate(8);
    id
}

impl Epochs {
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

fn read(path: &Path) -> Result<Epochs, EpochError> {
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).map_err(|source| EpochError::Malformed {
            path: path.to_owned(),
            source,
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Epochs::default()),
        Err(source) => Err(EpochError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

/// One past the highest number among `{lake}/{table}/{epoch}/`.
fn first_unused(lake: &Path) -> Result<u32, EpochError> {
    let mut first = 0;
    for table in folders(lake)? {
        for epoch in folders(&table)? {
            let number = epoch
                .file_name()
                .and_then(|name| name.to_str()?.parse::<u32>().ok());
            first = first.max(number.map_or(0, |number| number.saturating_add(1)));
        }
    }
    Ok(first)
}

fn folders(path: &Path) -> Result<Vec<PathBuf>, EpochError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => {
            return Err(EpochError::Io {
                path: path.to_owned(),
                source,
            });
        }
    };
    let paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<Vec<_>, _>>();
    let paths = paths.map_err(|source| EpochError::Io {
        path: path.to_owned(),
        source,
    })?;
    Ok(paths.into_iter().filter(|path| path.is_dir()).collect())
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
