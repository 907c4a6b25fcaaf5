//! Why there is no lake to work with.

use std::{io, path::PathBuf};

use lake::StoreError;

use super::install::VERSION;
use crate::child_process::ServiceError;

/// Why there is no lake to work with.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// The folder cannot be opened.
    #[error(transparent)]
    Open(#[from] lake::OpenError),
    /// The folder's path is no URL.
    #[error("the lake's folder {} has no URL: choose another folder with TIDEMILL_DATA", .0.display())]
    NoUrl(PathBuf),
    /// The store does not do what it is asked.
    #[error("the lake {url} at {endpoint} cannot be used")]
    Unusable {
        /// The lake.
        url: String,
        /// Where it was looked for.
        endpoint: String,
        /// What was seen.
        source: StoreError,
    },
    /// Two creations of one object both succeeded.
    #[error(
        "the store of the lake {url} at {endpoint} overwrites objects that it was told to create only if they are absent (If-None-Match: *), so rows would be lost: use another store, or a later version of it"
    )]
    Overwrites {
        /// The lake.
        url: String,
        /// Where it is.
        endpoint: String,
    },
    /// `LOCALSTACK_PORT` is taken.
    #[error(
        "port {port} cannot be listened on: stop what listens there, or choose another port with LOCALSTACK_PORT (0 picks a free one)"
    )]
    Port {
        /// The port.
        port: u16,
        /// Why.
        source: io::Error,
    },
    /// There is no Python, or one without what is needed.
    #[error(
        "LAKE=localstack needs Python {oldest} or later with venv and pip (apt-get install python3-venv): {found}; or use LAKE=file"
    )]
    Python {
        /// The oldest that will do.
        oldest: &'static str,
        /// What is there.
        found: String,
    },
    /// Nowhere to install to.
    #[error("no folder to install LocalStack into: set HOME, or LOCALSTACK_HOME to a folder")]
    NoHome,
    /// A folder that is full of something else.
    #[error(
        "LOCALSTACK_HOME={} holds other files: name an empty folder, or one that is not there yet", .0.display()
    )]
    OtherFiles(PathBuf),
    /// pip does not succeed.
    #[error("LocalStack {} cannot be installed by pip: {said}", VERSION)]
    Pip {
        /// Its last words.
        said: String,
    },
    /// A file cannot be read or written.
    #[error("{} cannot be read or written", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nothing can be started.
    #[error("no process can be started")]
    Spawn(#[source] io::Error),
    /// It does not start.
    #[error(transparent)]
    Service(#[from] ServiceError),
}
