//! What Apache Kafka keeps in the data folder: its properties, written with every start, and its log, formatted once.

use std::{
    fs,
    net::{Ipv6Addr, TcpListener},
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use super::{ApacheError, ApacheFolders, java};
use crate::child_process::{Spawner, last_words, output};

/// The configuration of its logger, in the data folder.
pub(super) const LOGGING: &str = "log4j2.yaml";

/// Writes the configuration and formats the log's folder if it is new; returns the path of the properties.
pub(super) async fn prepare(
    spawner: &Spawner,
    folders: &ApacheFolders,
    port: u16,
    controller: u16,
) -> Result<PathBuf, ApacheError> {
    let log = folders.data.join("log");
    fs::create_dir_all(&log).map_err(|source| ApacheError::Io {
        path: log.clone(),
        source,
    })?;
    let has_ipv6 = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    let path = folders.data.join("server.properties");
    write(&path, &properties(&log, port, controller, has_ipv6))?;
    write(&folders.data.join(LOGGING), include_str!("log4j2.yaml"))?;
    // Kafka writes it last, and at once.
    if !log.join("meta.properties").exists() {
        format(spawner, folders, &path).await?;
    }
    Ok(path)
}

fn write(path: &Path, text: &str) -> Result<(), ApacheError> {
    fs::write(path, text).map_err(|source| ApacheError::Io {
        path: path.to_owned(),
        source,
    })
}

/// Broker and controller in one process, on the loopback interface alone.
fn properties(log: &Path, port: u16, controller: u16, has_ipv6: bool) -> String {
    let mut listeners = format!("PLAINTEXT://127.0.0.1:{port}");
    if has_ipv6 {
        // `localhost` is either of them, and some clients try only the first that they find.
        listeners.push_str(&format!(",IPV6://[::1]:{port}"));
    }
    // A backslash would begin an escape in a file of properties.
    let log = log.display().to_string().replace('\\', "\\\\");
    format!(
        "process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners={listeners},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={listeners}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,IPV6:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={log}
auto.create.topics.enable=false
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=8
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
# One that was killed is waited for by the controller before it may come back; unless set, for nine seconds.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
# Groups are read and committed to by systems that may rest for months.
offsets.retention.minutes=525600
"
    )
}

async fn format(
    spawner: &Spawner,
    folders: &ApacheFolders,
    properties: &Path,
) -> Result<(), ApacheError> {
    let mut command = java::command(&folders.jars);
    let logging = folders.data.join(LOGGING);
    command
        .arg(format!("-Dlog4j2.configurationFile={}", logging.display()))
        .args(["kafka.tools.StorageTool", "format", "-t", &new_id(), "-c"])
        .arg(properties);
    let output = output(spawner, command).await;
    let output = output.map_err(|source| ApacheError::Run {
        program: "java",
        source,
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = last_words(&output);
    Err(ApacheError::Format { said })
}

/// An id for a cluster, as Kafka writes one; it must not look like an option of the command line.
fn new_id() -> String {
    loop {
        let id = URL_SAFE_NO_PAD.encode(Uuid::new_v4().as_bytes());
        if !id.starts_with('-') {
            return id;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_listens_where_localhost_is() {
        let with = properties(Path::new("/d/log"), 9092, 9093, true);
        assert!(
            with.contains("\nadvertised.listeners=PLAINTEXT://127.0.0.1:9092,IPV6://[::1]:9092\n")
        );
        let without = properties(Path::new("/d/log"), 9092, 9093, false);
        assert!(
            without
                .contains("\nlisteners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093\n")
        );
    }

    #[test]
    fn ids_are_sixteen_bytes_and_no_option() {
        for _ in 0..200 {
            let id = new_id();
            assert!(id.len() == 22 && !id.starts_with('-'), "{id}");
        }
    }
}
