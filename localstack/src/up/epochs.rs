//! Which life of the logs this is: `epochs.json` in the data folder.
//!
//! The embedded broker keeps nothing, so each of its starts is a new life with a new number. A broker outside keeps its
//! logs, so it keeps its number. Numbers are never given twice: chains of two lives must not meet in one folder.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::replace::replace_file;

/// Whose logs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Life<'a> {
    /// A broker that begins with nothing.
    New,
    /// A broker that runs elsewhere, by its addresses.
    Of(&'a str),
}

/// Why there is no number.
#[derive(Debug, thiserror::Error)]
pub enum EpochError {
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
    /// The numbers of brokers outside.
    brokers: BTreeMap<String, u32>,
}

/// The number for this start; it is on disk before anything can use it.
pub(super) fn claim(data: &Path, lake: &Path, life: Life<'_>) -> Result<u32, EpochError> {
    let path = data.join("epochs.json");
    let mut epochs = read(&path)?;
    // The file may have been deleted while the lake was kept.
    epochs.next = epochs.next.max(first_unused(lake)?);
    let epoch = match life {
        Life::New => epochs.take(),
        Life::Of(brokers) => {
            let key = normalised(brokers);
            match epochs.brokers.get(&key) {
                Some(epoch) => *epoch,
                None => {
                    let epoch = epochs.take();
                    epochs.brokers.insert(key, epoch);
                    epoch
                }
            }
        }
    };
    let text = serde_json::to_vec_pretty(&epochs).map_err(|source| EpochError::Malformed {
        path: path.clone(),
        source,
    })?;
    replace_file(&path, &text).map_err(|source| EpochError::Io { path, source })?;
    Ok(epoch)
}

impl Epochs {
    fn take(&mut self) -> u32 {
        let epoch = self.next;
        self.next += 1;
        epoch
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
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn every_life_has_its_own_number_and_a_broker_keeps_its_own() {
        let data = tempfile::tempdir().unwrap();
        let lake = data.path().join("lake");
        let claim = |life| claim(data.path(), &lake, life).unwrap();
        assert_eq!(claim(Life::New), 0);
        assert_eq!(claim(Life::New), 1);
        assert_eq!(claim(Life::Of("b:1, A:2")), 2);
        assert_eq!(claim(Life::New), 3);
        assert_eq!(claim(Life::Of("a:2,b:1")), 2);
        assert_eq!(claim(Life::Of("c:1")), 4);
    }

    #[test]
    fn a_lost_file_does_not_give_a_number_again_that_the_lake_has() {
        let data = tempfile::tempdir().unwrap();
        let lake = data.path().join("lake");
        fs::create_dir_all(lake.join("ticks/7/StockExchange/0")).unwrap();
        fs::create_dir_all(lake.join("holdings/investor-1")).unwrap();
        assert_eq!(claim(data.path(), &lake, Life::New).unwrap(), 8);
    }

    #[test]
    fn a_broken_file_is_an_error_and_stays_as_it_is() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("epochs.json");
        fs::write(&path, "{").unwrap();
        assert!(matches!(
            claim(data.path(), &data.path().join("lake"), Life::New),
            Err(EpochError::Malformed { .. })
        ));
        assert_eq!(fs::read_to_string(path).unwrap(), "{");
    }
}
