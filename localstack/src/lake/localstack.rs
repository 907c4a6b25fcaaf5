//! LocalStack as a child process, whose S3 keeps its objects in the data folder (`durable_s3.py`).

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use lake::{S3Store, s3::Access};
use tokio::{process::Command, time::sleep};

use super::{
    LakeError,
    install::{install, python},
};
use crate::{
    child_process::{Service, ServiceSpec, Spawner},
    loopback,
};

/// The lake of a LocalStack of ours.
pub(super) const URL: &str = "s3://tidemill";
/// LocalStack takes any keys; these two put everything into its first account.
const KEY: &str = "test";
const REGION: &str = "us-east-1";
const SCRIPT: &str = include_str!("durable_s3.py");
/// The very first start works out what is then kept beside the installation.
const START: Duration = Duration::from_secs(180);
const PAUSE: Duration = Duration::from_millis(100);

/// Where LocalStack finds what it needs.
#[derive(Debug, Clone)]
pub struct LocalStackFolders {
    /// Its installation, made if it is not there.
    pub home: PathBuf,
    /// What it keeps.
    pub data: PathBuf,
    /// Where its log goes.
    pub logs: PathBuf,
}

/// A LocalStack that answers, with the bucket in it.
pub(super) struct Started {
    pub(super) service: Service,
    pub(super) endpoint: String,
    pub(super) store: S3Store,
}

pub(super) async fn start(folders: &LocalStackFolders, port: u16) -> Result<Started, LakeError> {
    let port = loopback::reserve(port)
        .await
        .map_err(|source| LakeError::Port { port, source })?;
    let spawner = Spawner::start().map_err(LakeError::Spawn)?;
    install(&spawner, &folders.home).await?;
    let script = folders.data.join("durable_s3.py");
    fs::create_dir_all(&folders.data)
        .and_then(|()| fs::write(&script, SCRIPT))
        .map_err(|source| LakeError::Io {
            path: script.clone(),
            source,
        })?;
    let endpoint = format!("http://127.0.0.1:{port}");
    let store = S3Store::open(URL, access(&endpoint))?;
    let (started, ready) = (folders.clone(), store.clone());
    let spec = ServiceSpec {
        name: "LocalStack",
        log: folders.logs.join("localstack.log"),
        command: Box::new(move || command(&started, &script, port)),
        ready: Box::new(move || {
            let store = ready.clone();
            // Its first answer comes when everything that it keeps is back.
            Box::pin(async move {
                while store.make_bucket().await.is_err() {
                    sleep(PAUSE).await;
                }
            })
        }),
        limit: START,
    };
    let service = Service::start(spec).await?;
    Ok(Started {
        service,
        endpoint,
        store,
    })
}

fn command(folders: &LocalStackFolders, script: &Path, port: u16) -> Command {
    let mut command = Command::new(python(&folders.home));
    // It has keys of its own, and no business with the user's.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    command
        .arg(script)
        .arg(folders.data.join("s3"))
        .arg(folders.home.join("cache"))
        .env("GATEWAY_LISTEN", format!("127.0.0.1:{port}"))
        .env("FILESYSTEM_ROOT", folders.data.join("root"))
        .envs([
            ("SERVICES", "s3,sts"),
            ("SKIP_SSL_CERT_DOWNLOAD", "1"),
            ("DISABLE_EVENTS", "1"),
            ("LS_LOG", "warning"),
        ]);
    command
}

fn access(endpoint: &str) -> Access {
    Access::Given {
        endpoint: endpoint.to_owned(),
        region: REGION.to_owned(),
        access_key_id: KEY.to_owned(),
        secret_access_key: KEY.to_owned(),
    }
}

/// What functions need to find it, whatever else the user's environment says: real keys stay out of it.
pub(super) fn variables(endpoint: &str) -> BTreeMap<String, String> {
    [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ENDPOINT_URL_S3", endpoint),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false"),
        ("AWS_ACCESS_KEY_ID", KEY),
        ("AWS_SECRET_ACCESS_KEY", KEY),
        ("AWS_SESSION_TOKEN", ""),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
