//! The port to object storage, and its adapters.

mod anchor;
mod file;
mod memory;
pub mod s3;

pub use anchor::Anchor;
pub use file::FileStore;
pub use memory::{Fault, MemoryStore, Operation};
pub use s3::S3Store;

use std::error::Error;
use std::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use url::Url;

use crate::ObjectPath;

/// What a chain needs of object storage.
///
/// Every adapter must pass `tests/conformance.rs`. What callers may rely on: an object never
/// shows up in part, changes only by [`replace`](Self::replace), and is seen by every read and
/// list that starts after its creation was answered.
#[async_trait]
pub trait Store: Send + Sync + Debug {
    /// Creates the object if none of that name stands; of racing creators exactly one gets
    /// [`Created::New`]. After an error the object may stand or not.
    async fn create(&self, path: &ObjectPath, body: Bytes) -> Result<Created, StoreError>;

    /// The whole object, or [`StoreError::NotFound`].
    async fn read(&self, path: &ObjectPath) -> Result<Bytes, StoreError>;

    /// Every object in the folder `prefix` (whole segments, no slash at the end) and the folders
    /// in it, by name, only those whose whole path is greater than `after`. However many there are.
    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectPath>, StoreError>;

    /// The names of the folders directly in the folder `prefix`, sorted; a folder is what holds
    /// an object, at whatever depth.
    async fn list_folders(&self, prefix: &str) -> Result<Vec<String>, StoreError>;

    /// Puts the object in the place of the one of that name, if there is one; its name is taken all
    /// the while, and every read sees the one or the other whole.
    ///
    /// Only for links that a closed chain leaves behind: a committer never replaces.
    async fn replace(&self, path: &ObjectPath, body: Bytes) -> Result<(), StoreError>;

    /// Removes the object; that there is none is no error.
    ///
    /// Only for what no chain commits to any more: a link's name that is free again can be taken by
    /// whoever slept.
    async fn delete(&self, path: &ObjectPath) -> Result<(), StoreError>;
}

/// What became of a creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// The object is the caller's.
    New,
    /// An object of that name was there: nothing was written.
    Exists,
}

/// Why storage did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No object of that name.
    #[error("no object {path}")]
    NotFound {
        /// The name asked for.
        path: ObjectPath,
    },
    /// The name cannot be one of an object: something foreign lies in the lake.
    #[error("something foreign lies in the lake")]
    Foreign(#[from] crate::PathError),
    /// The file system failed.
    #[error("cannot {operation} {path}")]
    Io {
        /// What was being done.
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The file system's reason.
        #[source]
        source: std::io::Error,
    },
    /// An object cannot be made of what it should hold.
    #[error("{path} cannot be encoded")]
    Encode {
        /// The object.
        path: ObjectPath,
        /// The encoder's reason.
        #[source]
        source: ::parquet::errors::ParquetError,
    },
    /// The store gave no answer, or one that says to try again.
    #[error("cannot {operation} {object}")]
    Unavailable {
        /// What was being done.
        operation: &'static str,
        /// The object or folder, as a URL.
        object: String,
        /// What was seen.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The store will not do it until somebody mends something.
    #[error("cannot {operation} {object}: {reason}")]
    Refused {
        /// What was being done.
        operation: &'static str,
        /// The object or folder, as a URL.
        object: String,
        /// What is wrong, and what to do.
        reason: String,
        /// What the store said.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Others kept creating the same object at once; this request wrote nothing, and whether one of theirs stands is
    /// not known.
    #[error("others are creating {path} at this moment")]
    Conflict {
        /// The name.
        path: ObjectPath,
    },
    /// A fault that a test asked for.
    #[error("injected fault on {operation:?} of {path}")]
    Injected {
        /// What was being done.
        operation: Operation,
        /// The object or folder.
        path: String,
    },
}

impl StoreError {
    /// Whether the same request may succeed a moment later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::NotFound { .. }
            | Self::Foreign(_)
            | Self::Encode { .. }
            | Self::Refused { .. } => false,
            Self::Io { .. }
            | Self::Unavailable { .. }
            | Self::Conflict { .. }
            | Self::Injected { .. } => true,
        }
    }
}

/// Why a lake cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not a URL at all.
    #[error("LAKE_URL `{url}` is no URL")]
    Url {
        /// The text given.
        url: String,
        /// The parser's reason.
        #[source]
        source: url::ParseError,
    },
    /// A URL of a kind that has no adapter.
    #[error(
        "LAKE_URL `{url}`: `{scheme}://` is not supported, use file:///absolute/path or s3://bucket/prefix"
    )]
    Scheme {
        /// The text given.
        url: String,
        /// Its scheme.
        scheme: String,
    },
    /// A `file:` URL that names no path of this machine.
    #[error("LAKE_URL `{url}` names no absolute path, use file:///absolute/path")]
    Path {
        /// The text given.
        url: String,
    },
    /// An `s3:` URL that names no bucket, or more than a bucket and a prefix.
    #[error(
        "LAKE_URL `{url}` names no bucket and prefix, use s3://bucket/prefix with letters, digits, `.`, `_` and `-`"
    )]
    Bucket {
        /// The text given.
        url: String,
    },
    /// The folder is not there.
    #[error("the lake cannot be opened")]
    Folder(#[source] StoreError),
}

/// Opens the lake at `url`: `file:///absolute/path` of a folder that is there, or `s3://bucket/prefix`, of which nothing
/// is asked yet.
pub fn open(url: &str) -> Result<Arc<dyn Store>, OpenError> {
    let parsed = Url::parse(url).map_err(|source| OpenError::Url {
        url: url.to_owned(),
        source,
    })?;
    match parsed.scheme() {
        "file" => {
            let root = parsed.to_file_path().map_err(|()| OpenError::Path {
                url: url.to_owned(),
            })?;
            Ok(Arc::new(FileStore::open(root).map_err(OpenError::Folder)?))
        }
        "s3" => Ok(Arc::new(S3Store::open(url, s3::Access::Environment)?)),
        scheme => Err(OpenError::Scheme {
            url: url.to_owned(),
            scheme: scheme.to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn open_says_what_is_wrong_with_a_url() {
        assert!(matches!(open("lake"), Err(OpenError::Url { .. })));
        assert!(matches!(
            open("file://elsewhere/lake"),
            Err(OpenError::Path { .. })
        ));
        assert!(matches!(open("s3://"), Err(OpenError::Bucket { .. })));
        let error = open("gs://bucket/prefix").unwrap_err().to_string();
        assert!(error.contains("s3://bucket/prefix"), "{error}");
    }

    #[test]
    fn open_begins_no_lake_where_none_is() {
        let folder = tempfile::tempdir().unwrap();
        open(&format!("file://{}", folder.path().display())).unwrap();
        let none = folder.path().join("lake");
        let refused = open(&format!("file://{}", none.display()));
        assert!(matches!(refused, Err(OpenError::Folder(_))), "{refused:?}");
        assert!(!none.exists());
    }
}
