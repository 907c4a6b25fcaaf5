//! The embedded broker: librdkafka's mock cluster on a thread of its own, and a port that does not change.

use std::{net::SocketAddr, sync::mpsc, thread};

use rdkafka::mocking::MockCluster;
use stream::Connection;
use tokio::sync::oneshot;

use super::{BrokerError, TopicSpec, forwarder::Forwarder};

/// A broker in this process. It ends when this is dropped, and its records with it.
#[derive(Debug)]
pub struct EmbeddedBroker {
    connection: Connection,
    forwarder: Forwarder,
    /// The cluster's thread waits until this is dropped.
    _alive: mpsc::Sender<()>,
}

impl EmbeddedBroker {
    /// Starts a cluster of one broker with these topics.
    pub(super) async fn start(port: u16, topics: &[TopicSpec]) -> Result<Self, BrokerError> {
        let (alive, ended) = mpsc::channel();
        let (started, starting) = oneshot::channel();
        let topics = topics.to_vec();
        // The cluster's handle may not leave the thread that made it.
        let run = move || {
            let cluster = match cluster(&topics) {
                Ok(cluster) => cluster,
                Err(error) => return drop(started.send(Err(error))),
            };
            if started.send(Ok(cluster.bootstrap_servers())).is_ok() {
                // Nothing is ever sent: an error says that the other end is gone.
                let _ = ended.recv();
            }
        };
        thread::Builder::new()
            .name("embedded-broker".to_owned())
            .spawn(run)
            .map_err(BrokerError::Thread)?;
        let bootstrap = match starting.await {
            Ok(started) => started?,
            Err(_) => {
                return Err(BrokerError::Thread(std::io::Error::other(
                    "the thread panicked",
                )));
            }
        };
        let forwarder = Forwarder::start(port, &bootstrap)
            .await
            .map_err(|source| BrokerError::Port { port, source })?;
        Ok(Self {
            connection: Connection::plaintext(bootstrap),
            forwarder,
            _alive: alive,
        })
    }

    /// How the cluster itself is reached.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The address on the port that was asked for.
    pub fn address(&self) -> SocketAddr {
        self.forwarder.address()
    }
}

fn cluster(
    topics: &[TopicSpec],
) -> Result<MockCluster<'static, impl rdkafka::ClientContext + use<>>, BrokerError> {
    let cluster = MockCluster::new(1).map_err(BrokerError::Embedded)?;
    for topic in topics {
        cluster
            .create_topic(&topic.name, topic.partitions, 1)
            .map_err(BrokerError::Embedded)?;
    }
    Ok(cluster)
}
