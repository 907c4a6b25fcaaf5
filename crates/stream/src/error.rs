//! What can go wrong with a log, and whether trying again can help.

use std::time::Duration;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use thiserror::Error;

/// Why a record could not be published.
#[derive(Debug, Error)]
pub enum PublishError {
    /// The producer could not be made: its settings are wrong. Nothing was sent.
    #[error("no producer can be made for the brokers {brokers:?}")]
    Producer {
        /// The brokers that it was to be made for.
        brokers: String,
        /// What the client library says.
        #[source]
        source: KafkaError,
    },
    /// The brokers did not acknowledge the record. It may be in the log all the same.
    #[error("a record for topic {topic:?} was not acknowledged")]
    NotAcknowledged {
        /// The topic that it was meant for.
        topic: String,
        /// What the client library says.
        #[source]
        source: KafkaError,
    },
}

impl PublishError {
    /// Whether the same record can go through at another time, with nothing else changed.
    pub fn is_retryable(&self) -> bool {
        match self {
            PublishError::Producer { .. } => false,
            PublishError::NotAcknowledged { source, .. } => is_retryable(source),
        }
    }
}

/// Why a log could not be read from its start.
#[derive(Debug, Error)]
pub enum ScanError {
    /// The client library or the brokers refused.
    #[error("partition {partition} of topic {topic:?} could not be read")]
    Read {
        /// The topic that was read.
        topic: String,
        /// The partition that was read.
        partition: i32,
        /// What the client library says.
        #[source]
        source: KafkaError,
    },
    /// The end of the log was not reached in the time given.
    #[error(
        "partition {partition} of topic {topic:?} was read up to offset {reached} of {end} in {limit:?}"
    )]
    TimedOut {
        /// The topic that was read.
        topic: String,
        /// The partition that was read.
        partition: i32,
        /// The first offset that was not read.
        reached: i64,
        /// The log's end when the reading began.
        end: i64,
        /// The time given.
        limit: Duration,
    },
}

impl ScanError {
    /// Whether the same scan can go through at another time, with nothing else changed.
    pub fn is_retryable(&self) -> bool {
        match self {
            ScanError::Read { source, .. } => is_retryable(source),
            ScanError::TimedOut { .. } => true,
        }
    }
}

/// Everything may pass with time but what the record, the settings or the permissions are to blame for.
fn is_retryable(error: &KafkaError) -> bool {
    match error {
        KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_) | KafkaError::Nul(_) => false,
        other => !matches!(
            other.rdkafka_error_code(),
            Some(
                RDKafkaErrorCode::InvalidArgument
                    | RDKafkaErrorCode::MessageSizeTooLarge
                    | RDKafkaErrorCode::MessageBatchTooLarge
                    | RDKafkaErrorCode::InvalidMessage
                    | RDKafkaErrorCode::InvalidRecord
                    | RDKafkaErrorCode::InvalidTopic
                    | RDKafkaErrorCode::TopicAuthorizationFailed
                    | RDKafkaErrorCode::ClusterAuthorizationFailed
                    | RDKafkaErrorCode::SaslAuthenticationFailed
                    | RDKafkaErrorCode::Authentication
            )
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unacknowledged(code: RDKafkaErrorCode) -> PublishError {
        PublishError::NotAcknowledged {
            topic: "t".into(),
            source: KafkaError::MessageProduction(code),
        }
    }

    #[test]
    fn an_absent_broker_and_a_full_queue_can_be_tried_again() {
        for code in [
            RDKafkaErrorCode::MessageTimedOut,
            RDKafkaErrorCode::QueueFull,
            RDKafkaErrorCode::Fatal,
            RDKafkaErrorCode::NotEnoughReplicas,
        ] {
            assert!(unacknowledged(code).is_retryable(), "{code:?}");
        }
    }

    #[test]
    fn a_record_that_no_broker_takes_cannot_be_tried_again() {
        for code in [
            RDKafkaErrorCode::MessageSizeTooLarge,
            RDKafkaErrorCode::TopicAuthorizationFailed,
        ] {
            assert!(!unacknowledged(code).is_retryable(), "{code:?}");
        }
    }
}
