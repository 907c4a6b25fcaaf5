//! Why there is no broker to work with.

use std::io;

use rdkafka::error::KafkaError;

use super::{ApacheError, REACH_LIMIT};

/// Why there is no broker to work with.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// Apache Kafka as a child.
    #[error(transparent)]
    Apache(#[from] ApacheError),
    /// `KAFKA` is no list of addresses.
    #[error("KAFKA={setting}: allowed: embedded, apache, or host:port,… of a Kafka that runs")]
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
    /// Nobody answers, or not to us.
    #[error(
        "no Kafka answers us at {brokers} within {} s ({said}); start it, or set KAFKA to one that runs and KAFKA_SECURITY_PROTOCOL to what it wants",
        REACH_LIMIT.as_secs()
    )]
    Unreachable {
        /// The addresses.
        brokers: String,
        /// What the client library said last.
        said: String,
        /// What came of asking.
        source: KafkaError,
    },
    /// A topic is missing and cannot be made.
    #[error(
        "topic {topic} does not exist on {brokers} and cannot be made; let us make topics there, or make it with {partitions} partition(s) and message.timestamp.type=LogAppendTime"
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
