//! The lake that the local stack works with: a folder, the S3 of a LocalStack, or a bucket elsewhere.

mod check;
mod error;
mod install;
mod localstack;

use std::{collections::BTreeMap, fs, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use lake::{FileStore, S3Store, Store, StoreError, s3::Access};
use tokio::sync::watch;
use url::Url;

use crate::child_process::Service;

pub use error::LakeError;
pub(crate) use install::home;
pub use localstack::LocalStackFolders;

/// What `LAKE` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LakeSetting {
    /// `file`: in the data folder.
    File,
    /// `localstack`: in the S3 of a LocalStack that runs as a child process.
    LocalStack,
    /// `s3://bucket/prefix`.
    S3(String),
}

impl FromStr for LakeSetting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "file" => Ok(Self::File),
            "localstack" => Ok(Self::LocalStack),
            url if url.starts_with("s3://") => S3Store::open(url, Access::Environment)
                .map(|_| Self::S3(url.trim_end_matches('/').to_owned()))
                .map_err(|error| error.to_string()),
            _ => Err("it is `file`, `localstack` or s3://bucket/prefix".to_owned()),
        }
    }
}

/// Which lake to work with, and where it finds what it needs.
#[derive(Debug, Clone)]
pub enum LakeChoice {
    /// A folder.
    File(PathBuf),
    /// A LocalStack, on a port of the loopback interface, 0 for any free one.
    LocalStack {
        /// The port.
        port: u16,
        /// Where it finds what it needs.
        folders: LocalStackFolders,
    },
    /// A bucket elsewhere: `s3://bucket/prefix`.
    S3(String),
}

/// A lake that answers.
#[derive(Debug)]
pub struct Lake {
    /// Where it is.
    pub url: String,
    /// What functions need to know beside it.
    pub variables: BTreeMap<String, String>,
    /// Our own way to it.
    pub store: Arc<dyn Store>,
    /// Whether it is on S3, where other systems may use it as well.
    pub is_shared: bool,
    child: Option<(Service, String)>,
}

impl Lake {
    /// Opens or starts the lake, and makes sure that it does what commits rely on.
    pub async fn start(choice: &LakeChoice) -> Result<Self, LakeError> {
        match choice {
            LakeChoice::File(folder) => Self::in_folder(folder.clone()),
            LakeChoice::LocalStack { port, folders } => {
                let started = localstack::start(folders, *port).await?;
                check::check(&started.store, localstack::URL, &started.endpoint).await?;
                Ok(Self {
                    url: localstack::URL.to_owned(),
                    variables: localstack::variables(&started.endpoint),
                    store: Arc::new(started.store),
                    is_shared: true,
                    child: Some((started.service, started.endpoint)),
                })
            }
            LakeChoice::S3(url) => {
                let store = S3Store::open(url, Access::Environment)?;
                check::check(&store, url, &endpoint()).await?;
                Ok(Self {
                    url: url.clone(),
                    // It may come from a profile, and functions are told one in any case.
                    variables: [("AWS_REGION".to_owned(), store.region().await)].into(),
                    store: Arc::new(store),
                    is_shared: true,
                    child: None,
                })
            }
        }
    }

    /// Makes the folder, which only whoever starts the system does.
    fn in_folder(folder: PathBuf) -> Result<Self, LakeError> {
        fs::create_dir_all(&folder).map_err(|source| {
            lake::OpenError::Folder(StoreError::Io {
                operation: "make the folder",
                path: folder.clone(),
                source,
            })
        })?;
        let store = FileStore::open(&folder).map_err(lake::OpenError::Folder)?;
        let url = Url::from_directory_path(&folder).map_err(|()| LakeError::NoUrl(folder))?;
        Ok(Self {
            url: url.as_str().trim_end_matches('/').to_owned(),
            variables: BTreeMap::new(),
            store: Arc::new(store),
            is_shared: false,
            child: None,
        })
    }

    /// Where a LocalStack of ours answers.
    pub fn endpoint(&self) -> Option<&str> {
        self.child.as_ref().map(|(_, endpoint)| endpoint.as_str())
    }

    /// The process id of a child, whenever that changes.
    pub fn pid(&self) -> Option<watch::Receiver<Option<u32>>> {
        self.child.as_ref().map(|(service, _)| service.pid())
    }

    /// Ends it if it is ours. A child may take `grace`; one that is killed then has lost nothing.
    pub async fn stop(self, grace: Duration) {
        if let Some((service, _)) = self.child {
            service.stop(grace).await;
        }
    }
}

/// Where the SDK will look for S3, for people.
fn endpoint() -> String {
    ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|url| !url.is_empty()))
        .unwrap_or_else(|| "AWS".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn settings() {
        assert_eq!("file".parse(), Ok(LakeSetting::File));
        assert_eq!("localstack".parse(), Ok(LakeSetting::LocalStack));
        let bucket = LakeSetting::S3("s3://bucket/a/b".to_owned());
        assert_eq!("s3://bucket/a/b/".parse(), Ok(bucket));
        for bad in [
            "",
            "s3",
            "s3://",
            "s3://bucket/a b",
            "/lake",
            "file:///lake",
        ] {
            assert!(bad.parse::<LakeSetting>().is_err(), "{bad}");
        }
    }
}
