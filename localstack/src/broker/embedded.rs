//! The embedded broker: librdkafka's mock cluster on a thread of its own, and a port that does not change.

use std::{
    net::SocketAddr,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use rdkafka::{
    ClientContext,
    mocking::MockCluster,
    types::{RDKafkaApiKey, RDKafkaRespErr},
};
use stream::Connection;
use tokio::sync::oneshot;

use super::{BrokerError, TopicSpec, forwarder::Forwarder};

/// A broker in this process. It ends when this is dropped, and its records with it.
#[derive(Debug)]
pub struct EmbeddedBroker {
    connection: Connection,
    forwarder: Forwarder,
    /// The cluster's thread waits until this is dropped.
    valve: Valve,
}

/// Lets records in, or none.
#[derive(Debug, Clone)]
pub struct Valve {
    orders: mpsc::Sender<bool>,
}

impl Valve {
    /// While it is closed, the broker refuses every record as one whose disk is full would: nothing of it is kept, and
    /// a producer may try again.
    pub(crate) fn close(&self, closed: bool) {
        // A broker that has ended takes nothing anyway.
        let _ = self.orders.send(closed);
    }
}

/// How often a closed valve is closed anew: the cluster can only be told how many requests it shall refuse.
const RENEW: Duration = Duration::from_millis(250);
/// More requests than come in that time.
const REFUSALS: [RDKafkaRespErr; 1000] =
    [RDKafkaRespErr::RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR; 1000];

/// Keeps the cluster until nobody has the valve any more.
fn keep(cluster: &MockCluster<'_, impl ClientContext>, orders: &mpsc::Receiver<bool>) {
    let mut closed = false;
    loop {
        let order = if closed {
            orders.recv_timeout(RENEW)
        } else {
            orders.recv().map_err(|_| RecvTimeoutError::Disconnected)
        };
        closed = match order {
            Ok(order) => order,
            Err(RecvTimeoutError::Timeout) => closed,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        cluster.clear_request_errors(RDKafkaApiKey::Produce);
        if closed {
            cluster.request_errors(RDKafkaApiKey::Produce, &REFUSALS);
        }
    }
}

impl EmbeddedBroker {
    /// Starts a cluster of one broker with these topics.
    pub(super) async fn start(port: u16, topics: &[TopicSpec]) -> Result<Self, BrokerError> {
        let (orders, taken) = mpsc::channel();
        let (started, starting) = oneshot::channel();
        let topics = topics.to_vec();
        // The cluster's handle may not leave the thread that made it.
        let run = move || {
            let cluster = match cluster(&topics) {
                Ok(cluster) => cluster,
                Err(error) => return drop(started.send(Err(error))),
            };
            if started.send(Ok(cluster.bootstrap_servers())).is_ok() {
                keep(&cluster, &taken);
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
            valve: Valve { orders },
        })
    }

    /// How the cluster itself is reached.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// What lets records in.
    pub(super) fn valve(&self) -> Valve {
        self.valve.clone()
    }

    /// The address on the port that was asked for.
    pub fn address(&self) -> SocketAddr {
        self.forwarder.address()
    }
}

fn cluster(
    topics: &[TopicSpec],
) -> Result<MockCluster<'static, impl ClientContext + use<>>, BrokerError> {
    let cluster = MockCluster::new(1).map_err(BrokerError::Embedded)?;
    for topic in topics {
        cluster
            .create_topic(&topic.name, topic.partitions, 1)
            .map_err(BrokerError::Embedded)?;
    }
    Ok(cluster)
}
