//! What a trigger needs of one partition of a log.

use async_trait::async_trait;
use rdkafka::error::KafkaError;

use super::record::LogRecord;
use crate::broker::Watermark;

/// Why a partition cannot be read or committed to.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The broker or the way to it.
    #[error("kafka")]
    Kafka(#[from] KafkaError),
    /// A record that JSON cannot hold.
    #[error("record cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
}

/// One partition, read from a position on.
#[async_trait]
pub(super) trait PartitionLog: Send + Sync + 'static {
    /// The next record, whenever there is one. Nothing is lost when the future is dropped before it is ready.
    async fn next(&self) -> Result<LogRecord, LogError>;

    /// Goes to a record that was read before, so that it comes next again.
    async fn rewind(&self, to: i64) -> Result<(), LogError>;

    /// Notes for the consumer group that everything before `next` is done. Need not wait until it is kept.
    async fn commit(&self, next: i64) -> Result<(), LogError>;

    /// What the partition holds now.
    async fn bounds(&self) -> Result<Watermark, LogError>;
}
