//! The settings of `tidemill up` that say which lake.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::lake::{LakeChoice, LakeError, LakeSetting, LocalStackFolders, home};

/// Lake
#[derive(Debug, Clone, Args)]
pub(super) struct LakeSettings {
    /// Where the lake is: `file` (in the data folder), `localstack` (starts LocalStack as a child process, its objects
    /// kept in the data folder), or s3://bucket/prefix, reached as the AWS_* variables say, AWS_ENDPOINT_URL included
    #[arg(long, env = "LAKE", default_value = "file")]
    pub(super) lake: LakeSetting,
    /// Port of LocalStack; 0 picks a free one
    #[arg(long, env = "LOCALSTACK_PORT", default_value_t = 4566)]
    pub(super) localstack_port: u16,
    /// Folder of LocalStack's installation, made once by pip if it is not there [default: in the user's cache]
    #[arg(long, env = "LOCALSTACK_HOME")]
    localstack_home: Option<PathBuf>,
}

impl LakeSettings {
    /// Which lake to open or to start, with what it keeps in the data folder.
    pub(super) fn choice(&self, data: &Path, logs: &Path) -> Result<LakeChoice, LakeError> {
        Ok(match &self.lake {
            LakeSetting::File => LakeChoice::File(data.join("lake")),
            LakeSetting::S3(url) => LakeChoice::S3(url.clone()),
            LakeSetting::LocalStack => {
                let home = match &self.localstack_home {
                    Some(home) => std::path::absolute(home).map_err(|source| LakeError::Io {
                        path: home.clone(),
                        source,
                    })?,
                    None => home(|name| std::env::var(name).ok())?,
                };
                LakeChoice::LocalStack {
                    port: self.localstack_port,
                    folders: LocalStackFolders {
                        home,
                        data: data.join("localstack"),
                        logs: logs.to_owned(),
                    },
                }
            }
        })
    }
}
