//! Where the numbers are noted: with the lake, so that who finds the one finds the other.

use std::{fs, io, path::PathBuf};

use bytes::Bytes;
use lake::{Created, ObjectPath, Store, StoreError};

use super::Epochs;
use crate::up::replace_file;

/// Folder of the versions in a lake: each is an object that is created once, so of two at once one has to look again.
const FOLDER: &str = "epochs";

/// Where the numbers are noted.
#[derive(Debug)]
pub(in crate::up) enum Notes<'a> {
    /// In a file of the data folder, which one system holds at a time.
    File(PathBuf),
    /// In the lake, which several systems may use.
    Lake(&'a dyn Store),
}

/// Why the numbers cannot be read or noted.
#[derive(Debug, thiserror::Error)]
pub enum NotesError {
    /// They do not say what they should.
    #[error("{place} cannot be understood: mend it, or start with a new lake")]
    Malformed {
        /// The file or object.
        place: String,
        /// Why.
        source: serde_json::Error,
    },
    /// An object that is no version lies among them.
    #[error("{0} is no version of the numbers of lives; take it out of the lake")]
    Foreign(ObjectPath),
    /// The file cannot be read or written.
    #[error("{} cannot be read or written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The lake cannot be read or written.
    #[error("the numbers of lives in the lake cannot be read or written")]
    Lake(#[from] StoreError),
}

impl Notes<'_> {
    /// What is noted, and in which version.
    pub(super) async fn read(&self) -> Result<(Epochs, u64), NotesError> {
        match self {
            Self::File(path) => match fs::read(path) {
                Ok(text) => Ok((understand(&text, path.display())?, 0)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((Epochs::default(), 0)),
                Err(source) => Err(NotesError::Io {
                    path: path.clone(),
                    source,
                }),
            },
            Self::Lake(store) => {
                let Some(last) = store.list(FOLDER, None).await?.pop() else {
                    return Ok((Epochs::default(), 0));
                };
                let version = last.file_name().strip_suffix(".json");
                let version = version.and_then(|version| version.parse().ok());
                let version = version.ok_or_else(|| NotesError::Foreign(last.clone()))?;
                Ok((understand(&store.read(&last).await?, &last)?, version))
            }
        }
    }

    /// Notes what follows `version`; false if another system has noted something since.
    pub(super) async fn write(&self, epochs: &Epochs, version: u64) -> Result<bool, NotesError> {
        let text = serde_json::to_vec_pretty(epochs);
        let malformed = |source| NotesError::Malformed {
            place: FOLDER.to_owned(),
            source,
        };
        let text = text.map_err(malformed)?;
        match self {
            Self::File(path) => {
                replace_file(path, &text).map_err(|source| NotesError::Io {
                    path: path.clone(),
                    source,
                })?;
                Ok(true)
            }
            Self::Lake(store) => {
                let path = ObjectPath::new(format!("{FOLDER}/{:010}.json", version + 1));
                let path = path.map_err(StoreError::from)?;
                Ok(store.create(&path, Bytes::from(text)).await? == Created::New)
            }
        }
    }
}

fn understand(text: &[u8], place: impl ToString) -> Result<Epochs, NotesError> {
    serde_json::from_slice(text).map_err(|source| NotesError::Malformed {
        place: place.to_string(),
        source,
    })
}
