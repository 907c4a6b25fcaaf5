//! The Kafka that the local stack works with: embedded, a child process, or one that runs elsewhere.

mod apache;
mod embedded;
mod error;
mod external;
mod forwarder;
mod watermarks;

use std::{convert::Infallible, num::NonZeroU32, str::FromStr, time::Duration};

use stream::Connection;
pub use stream::TopicSpec;
use tokio::sync::watch;

use crate::template::{OnFailure, Template};

pub use apache::{ApacheBroker, ApacheError, ApacheFolders};
pub use embedded::Valve;
pub use error::BrokerError;
pub use watermarks::{Watermark, Watermarks};

/// How long a broker may take to answer at the start.
const REACH_LIMIT: Duration = Duration::from_secs(5);

/// The topics of the system and their partitions; a topic that only a trigger names has three.
const TOPICS: [(&str, i32); 7] = [
    ("default_call", 3),
    ("stock_call", 3),
    ("stock_operation", 3),
    ("events", 3),
    ("game_events", 3),
    ("StockExchange", 1),
    ("portfolios", 3),
];
const DEFAULT_PARTITIONS: i32 = 3;

pub(crate) use apache::jars_folder;

/// How long topics keep their records unless told otherwise, in hours: a week, as Kafka itself does.
pub const RETENTION_HOURS: NonZeroU32 = NonZeroU32::new(7 * 24).unwrap();

/// What `KAFKA` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KafkaSetting {
    /// `embedded`: a broker in this process.
    Embedded,
    /// `apache`: Apache Kafka as a child process.
    Apache,
    /// `host:port,…`: brokers that run elsewhere.
    External(String),
}

impl FromStr for KafkaSetting {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.trim() {
            "embedded" => Self::Embedded,
            "apache" => Self::Apache,
            brokers => Self::External(brokers.to_owned()),
        })
    }
}

/// The topics of the system, and those that the template's triggers read or give up to; made to keep their records for
/// so many hours.
pub fn topics(template: &Template, retention: NonZeroU32) -> Vec<TopicSpec> {
    let spec = |name: &str, partitions| TopicSpec {
        name: name.to_owned(),
        partitions,
        retention,
    };
    let mut topics: Vec<TopicSpec> = TOPICS
        .iter()
        .map(|(name, partitions)| spec(name, *partitions))
        .collect();
    let triggers = template
        .functions
        .iter()
        .flat_map(|function| &function.triggers);
    let destinations = triggers.filter_map(|trigger| {
        let destination = trigger.on_failure.as_ref()?;
        let OnFailure::KafkaTopic(topic) = destination;
        Some(topic.as_str())
    });
    for name in template.topics().into_iter().chain(destinations) {
        if !topics.iter().any(|topic| topic.name == name) {
            topics.push(spec(name, DEFAULT_PARTITIONS));
        }
    }
    topics
}

/// A broker that answers, with all topics that the system needs.
#[derive(Debug)]
pub enum Broker {
    /// In this process.
    Embedded(embedded::EmbeddedBroker),
    /// A child process.
    Apache {
        /// The process.
        child: ApacheBroker,
        /// How it is reached.
        connection: Connection,
        /// The cluster's id.
        cluster: Option<String>,
    },
    /// Elsewhere.
    External {
        /// How it is reached.
        connection: Connection,
        /// The cluster's id, if it has one.
        cluster: Option<String>,
    },
}

/// Which broker to start or to reach.
#[derive(Debug, Clone)]
pub enum BrokerChoice {
    /// In this process, on a port of the loopback interface.
    Embedded {
        /// The port, 0 for any free one.
        port: u16,
    },
    /// A child process, on a port of the loopback interface.
    Apache {
        /// The port, 0 for any free one.
        port: u16,
        /// Where it finds what it needs.
        folders: ApacheFolders,
    },
    /// Elsewhere.
    External(Connection),
}

impl Broker {
    /// Starts or reaches the broker, and makes the topics that are missing.
    pub async fn start(choice: &BrokerChoice, topics: &[TopicSpec]) -> Result<Self, BrokerError> {
        match choice {
            BrokerChoice::Embedded { port } => {
                let broker = embedded::EmbeddedBroker::start(*port, topics).await?;
                Ok(Self::Embedded(broker))
            }
            BrokerChoice::Apache { port, folders } => {
                let child = ApacheBroker::start(folders, *port).await?;
                let connection = Connection::plaintext(child.address());
                let cluster = external::prepare(&connection, topics).await?;
                Ok(Self::Apache {
                    child,
                    connection,
                    cluster,
                })
            }
            BrokerChoice::External(connection) => {
                let cluster = external::prepare(connection, topics).await?;
                let connection = connection.clone();
                Ok(Self::External {
                    connection,
                    cluster,
                })
            }
        }
    }

    /// How functions and triggers reach it.
    pub fn connection(&self) -> &Connection {
        match self {
            Self::Embedded(broker) => broker.connection(),
            Self::Apache { connection, .. } | Self::External { connection, .. } => connection,
        }
    }

    /// The address for users: of the embedded broker the one on `KAFKA_PORT`.
    pub fn address(&self) -> String {
        match self {
            Self::Embedded(broker) => broker.address().to_string(),
            Self::Apache { connection, .. } | Self::External { connection, .. } => {
                connection.brokers().to_owned()
            }
        }
    }

    /// The id of a cluster that keeps its log; one made anew at the same addresses has another.
    pub fn cluster(&self) -> Option<&str> {
        match self {
            Self::Embedded(_) => None,
            Self::Apache { cluster, .. } | Self::External { cluster, .. } => cluster.as_deref(),
        }
    }

    /// The process id of a child, whenever that changes.
    pub fn pid(&self) -> Option<watch::Receiver<Option<u32>>> {
        match self {
            Self::Apache { child, .. } => Some(child.pid()),
            Self::Embedded(_) | Self::External { .. } => None,
        }
    }

    /// Ends it if it is ours. A child may take `grace`; one that is killed then has lost nothing.
    pub async fn stop(self, grace: Duration) {
        match self {
            Self::Apache { child, .. } => child.stop(grace).await,
            Self::Embedded(_) | Self::External { .. } => {}
        }
    }

    /// Whether the log starts anew with every start of this broker, so that `LOG_EPOCH` must change.
    pub fn forgets(&self) -> bool {
        matches!(self, Self::Embedded(_))
    }

    /// What closes it to records; `None` for a broker that knows itself when it is full.
    pub fn valve(&self) -> Option<Valve> {
        match self {
            Self::Embedded(broker) => Some(broker.valve()),
            _ => None,
        }
    }

    /// A reader of the lowest and next offsets of its topics.
    pub fn watermarks(&self) -> Result<Watermarks, BrokerError> {
        Watermarks::new(self.connection())
    }
}

#[cfg(test)]
mod tests;
