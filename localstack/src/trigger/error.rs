//! What can keep a trigger from starting.

use rdkafka::error::KafkaError;

/// Why a trigger does not start.
#[derive(Debug, thiserror::Error)]
pub enum TriggerError {
    /// The consumer is refused its settings.
    #[error("consumer group {group}: no consumer")]
    Consumer {
        /// The group.
        group: String,
        /// Why.
        source: KafkaError,
    },
    /// The broker cannot be asked about a topic.
    #[error("topic {topic}: its partitions are unknown")]
    Topic {
        /// The topic.
        topic: String,
        /// Why.
        source: KafkaError,
    },
    /// There is no such topic.
    #[error("topic {topic} does not exist")]
    NoTopic {
        /// The topic.
        topic: String,
    },
    /// The group's offsets cannot be read or set.
    #[error("consumer group {group}: its offsets are unknown")]
    Offsets {
        /// The group.
        group: String,
        /// Why.
        source: KafkaError,
    },
    /// The destination of batches that are given up is refused its settings.
    #[error("destination {topic}: no producer")]
    Destination {
        /// The topic.
        topic: String,
        /// Why.
        source: KafkaError,
    },
    /// The event's envelope cannot be written.
    #[error("the event cannot be written as JSON")]
    Envelope(#[from] serde_json::Error),
}
