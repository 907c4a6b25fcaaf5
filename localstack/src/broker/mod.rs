//! The Kafka that the local stack works with: embedded, or one that runs elsewhere.

mod embedded;
mod external;
mod forwarder;
mod watermarks;

use std::{convert::Infallible, io, str::FromStr, time::Duration};

use rdkafka::error::KafkaError;

use crate::template::{OnFailure, Template};

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

/// A topic that must exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// How many partitions it is made with.
    pub partitions: i32,
}

/// The topics of the system, and those that the template's triggers read or give up to.
pub fn topics(template: &Template) -> Vec<TopicSpec> {
    let spec = |name: &str, partitions| TopicSpec {
        name: name.to_owned(),
        partitions,
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

/// Why there is no broker to work with.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// `KAFKA=apache`.
    #[error(
        "KAFKA=apache is not available yet; use KAFKA=embedded, or KAFKA=host:port,… of a Kafka that runs"
    )]
    ApacheNotAvailable,
    /// `KAFKA` is no list of addresses.
    #[error("KAFKA={setting}: allowed: embedded, or host:port,… of a Kafka that runs")]
    Setting {
        /// What it says.
        setting: String,
    },
    /// `KAFKA_PORT` is taken.
    #[error(
        "KAFKA_PORT={port} cannot be listened on; free it, or set KAFKA_PORT to another port or to 0"
    )]
    Port {
        /// The port.
        port: u16,
        /// Why.
        source: io::Error,
    },
    /// The embedded broker does not start.
    #[error("the embedded broker does not start")]
    Embedded(#[source] KafkaError),
    /// The embedded broker's thread does not start.
    #[error("the embedded broker's thread does not start")]
    Thread(#[source] io::Error),
    /// Nobody answers.
    #[error("no Kafka answers at {brokers} within {} s; start it, or set KAFKA to one that runs", REACH_LIMIT.as_secs())]
    Unreachable {
        /// The addresses.
        brokers: String,
        /// What was seen last.
        source: KafkaError,
    },
    /// A topic is missing and cannot be made.
    #[error(
        "topic {topic} does not exist on {brokers} and cannot be made; make it with {partitions} partition(s)"
    )]
    Topic {
        /// The topic.
        topic: String,
        /// How many partitions it should have.
        partitions: i32,
        /// The addresses.
        brokers: String,
        /// Why.
        source: KafkaError,
    },
    /// A topic whose order matters has several partitions.
    #[error(
        "topic {topic} has {found} partitions on {brokers}; its order matters, so it must have one"
    )]
    Partitions {
        /// The topic.
        topic: String,
        /// How many partitions it has.
        found: usize,
        /// The addresses.
        brokers: String,
    },
    /// Offsets cannot be read.
    #[error("offsets of {topic}-{partition} cannot be read")]
    Offsets {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// Why.
        source: KafkaError,
    },
}

/// A broker that answers, with all topics that the system needs.
#[derive(Debug)]
pub enum Broker {
    /// In this process.
    Embedded(embedded::EmbeddedBroker),
    /// Elsewhere.
    External {
        /// Its addresses.
        brokers: String,
        /// The cluster's id, if it has one.
        cluster: Option<String>,
    },
}

impl Broker {
    /// Starts or reaches the broker, and makes the topics that are missing. `port` is where the embedded broker
    /// listens, 0 for any free one.
    pub async fn start(
        setting: &KafkaSetting,
        port: u16,
        topics: &[TopicSpec],
    ) -> Result<Self, BrokerError> {
        match setting {
            KafkaSetting::Embedded => embedded::EmbeddedBroker::start(port, topics)
                .await
                .map(Self::Embedded),
            KafkaSetting::Apache => Err(BrokerError::ApacheNotAvailable),
            KafkaSetting::External(brokers) => {
                let cluster = external::prepare(brokers, topics).await?;
                Ok(Self::External {
                    brokers: brokers.clone(),
                    cluster,
                })
            }
        }
    }

    /// The addresses for functions and triggers (`bootstrap.servers`).
    pub fn bootstrap(&self) -> &str {
        match self {
            Self::Embedded(broker) => broker.bootstrap(),
            Self::External { brokers, .. } => brokers,
        }
    }

    /// The address for users: of the embedded broker the one on `KAFKA_PORT`.
    pub fn address(&self) -> String {
        match self {
            Self::Embedded(broker) => broker.address().to_string(),
            Self::External { brokers, .. } => brokers.clone(),
        }
    }

    /// The id of a cluster that runs elsewhere; one made anew at the same addresses has another.
    pub fn cluster(&self) -> Option<&str> {
        match self {
            Self::Embedded(_) => None,
            Self::External { cluster, .. } => cluster.as_deref(),
        }
    }

    /// Whether the log starts anew with every start of this broker, so that `LOG_EPOCH` must change.
    pub fn forgets(&self) -> bool {
        matches!(self, Self::Embedded(_))
    }

    /// A reader of the lowest and next offsets of its topics.
    pub fn watermarks(&self) -> Result<Watermarks, BrokerError> {
        Watermarks::new(self.bootstrap())
    }
}

#[cfg(test)]
mod tests;
