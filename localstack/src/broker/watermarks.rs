//! The lowest and the next offset of partitions.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
};
use stream::{Connection, Tokens};

use super::BrokerError;

const LIMIT: Duration = Duration::from_secs(5);

/// What a partition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermark {
    /// The offset of its oldest record.
    pub low: i64,
    /// The offset that its next record will have.
    pub high: i64,
}

/// Reads watermarks over a connection of its own.
#[derive(Clone)]
pub struct Watermarks {
    consumer: Arc<BaseConsumer<Tokens>>,
}

impl std::fmt::Debug for Watermarks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watermarks").finish_non_exhaustive()
    }
}

impl Watermarks {
    pub(super) fn new(connection: &Connection) -> Result<Self, BrokerError> {
        let unreachable = |source| BrokerError::Unreachable {
            brokers: connection.brokers().to_owned(),
            said: "no client".to_owned(),
            source,
        };
        let consumer = connection.questioner().map_err(unreachable)?;
        Ok(Self {
            consumer: Arc::new(consumer),
        })
    }

    /// The watermarks of these partitions, in their order.
    pub async fn read(&self, partitions: &[(String, i32)]) -> Result<Vec<Watermark>, BrokerError> {
        let (consumer, partitions) = (Arc::clone(&self.consumer), partitions.to_vec());
        let read = move || {
            consumer.context().renew(consumer.client());
            let read = |(topic, partition): (String, i32)| match consumer
                .fetch_watermarks(&topic, partition, LIMIT)
            {
                Ok((low, high)) => Ok(Watermark { low, high }),
                Err(source) => Err(BrokerError::Offsets {
                    topic,
                    partition,
                    source,
                }),
            };
            partitions.into_iter().map(read).collect()
        };
        match tokio::task::spawn_blocking(read).await {
            Ok(read) => read,
            Err(_) => {
                let (topic, partition, source) = (String::new(), 0, KafkaError::Canceled);
                Err(BrokerError::Offsets {
                    topic,
                    partition,
                    source,
                })
            }
        }
    }
}
