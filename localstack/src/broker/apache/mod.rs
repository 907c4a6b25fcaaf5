//! Apache Kafka as a child process: one node of KRaft, its log in the data folder, kept over restarts.

mod error;
mod jars;
mod java;
mod storage;

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};

use futures::future::BoxFuture;
use rdkafka::consumer::{BaseConsumer, Consumer};
use stream::Connection;
use tokio::{process::Command, sync::watch};

use crate::{
    child_process::{Service, ServiceSpec, Spawner},
    loopback,
};

pub use error::ApacheError;

pub(crate) use jars::jars_folder;

/// How long a start may take; it takes some four seconds on an idle machine.
const LIMIT: Duration = Duration::from_secs(90);
/// How long one question whether it answers may take.
const ASK: Duration = Duration::from_secs(1);

/// Where Apache Kafka finds what it needs.
#[derive(Debug, Clone)]
pub struct ApacheFolders {
    /// Its jars; fetched into it if it is not there.
    pub jars: PathBuf,
    /// What it keeps.
    pub data: PathBuf,
    /// The file that gets its output.
    pub log: PathBuf,
}

/// Apache Kafka at work. Dropping it kills it.
#[derive(Debug)]
pub struct ApacheBroker {
    service: Service,
    address: String,
}

impl ApacheBroker {
    /// Starts it on `port` of the loopback interface, 0 for any free one, and waits until it answers.
    pub(super) async fn start(folders: &ApacheFolders, port: u16) -> Result<Self, ApacheError> {
        let spawner = Spawner::start().map_err(ApacheError::Thread)?;
        java::check(&spawner).await?;
        jars::fetch(&spawner, &folders.jars).await?;
        let port = loopback::reserve(port)
            .await
            .map_err(|source| ApacheError::Port { port, source })?;
        let controller = loopback::reserve(0)
            .await
            .map_err(|source| ApacheError::Port { port: 0, source })?;
        let properties = storage::prepare(&spawner, folders, port, controller).await?;

        let address = format!("{}:{port}", Ipv4Addr::LOCALHOST);
        let (jars, data) = (folders.jars.clone(), folders.data.clone());
        let (asked, name) = (address.clone(), "Apache Kafka");
        let spec = ServiceSpec {
            name,
            log: folders.log.clone(),
            command: Box::new(move || server(&jars, &data, &properties)),
            ready: Box::new(move || answers(asked.clone())),
            limit: LIMIT,
        };
        let service = Service::start(spec).await?;
        Ok(Self { service, address })
    }

    /// Where it listens; where there is IPv6, on `::1` as well.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its process id, whenever that changes.
    pub(crate) fn pid(&self) -> watch::Receiver<Option<u32>> {
        self.service.pid()
    }

    /// Lets it close its log, for at most `grace`; one that is killed checks its log at the next start.
    pub(super) async fn stop(self, grace: Duration) {
        self.service.stop(grace).await;
    }
}

/// Java with Kafka's jars, for a server on a small machine.
fn server(jars: &Path, data: &Path, properties: &Path) -> Command {
    let mut command = java::command(jars);
    let logging = data.join(storage::LOGGING);
    command
        .args(["-Xmx512m", "-XX:+ExitOnOutOfMemoryError"])
        .arg(format!("-Dlog4j2.configurationFile={}", logging.display()))
        .arg("kafka.Kafka")
        .arg(properties)
        .current_dir(data);
    command
}

/// Waits until a broker there tells its topics.
fn answers(address: String) -> BoxFuture<'static, ()> {
    let ask = move || {
        let client = Connection::plaintext(&address)
            .client()
            .set("reconnect.backoff.max.ms", "200")
            .set_log_level(rdkafka::config::RDKafkaLogLevel::Emerg)
            .create::<BaseConsumer>();
        client.is_ok_and(|client| client.fetch_metadata(None, ASK).is_ok())
    };
    Box::pin(async move {
        while !tokio::task::spawn_blocking(ask.clone())
            .await
            .unwrap_or(false)
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
}
