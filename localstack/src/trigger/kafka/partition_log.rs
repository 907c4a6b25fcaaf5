//! One partition's records, through the consumer that all partitions of a trigger share.

use std::sync::Arc;

use async_trait::async_trait;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{CommitMode, Consumer, stream_consumer::StreamPartitionQueue},
};
use stream::{StreamConsumer, Tokens};

use super::{LIMIT, ask};
use crate::{
    broker::Watermark,
    trigger::{
        log::{LogError, PartitionLog},
        record::LogRecord,
    },
};

/// One partition of a trigger's consumer.
pub(in crate::trigger) struct KafkaLog {
    pub(in crate::trigger) topic: String,
    pub(in crate::trigger) partition: i32,
    pub(super) queue: StreamPartitionQueue<Tokens>,
    pub(super) consumer: Arc<StreamConsumer>,
}

#[async_trait]
impl PartitionLog for KafkaLog {
    async fn next(&self) -> Result<LogRecord, LogError> {
        let message = self.queue.recv().await?;
        Ok(LogRecord::encode(&message)?)
    }

    async fn rewind(&self, to: i64) -> Result<(), LogError> {
        let (topic, partition) = (self.topic.clone(), self.partition);
        let ask = ask(&self.consumer, move |consumer| {
            consumer.seek(&topic, partition, Offset::Offset(to), LIMIT)
        });
        Ok(ask.await?)
    }

    async fn commit(&self, next: i64) -> Result<(), LogError> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(&self.topic, self.partition, Offset::Offset(next))?;
        Ok(self.consumer.commit(&list, CommitMode::Async)?)
    }

    async fn bounds(&self) -> Result<Watermark, LogError> {
        let (topic, partition) = (self.topic.clone(), self.partition);
        let ask = ask(&self.consumer, move |consumer| {
            consumer.fetch_watermarks(&topic, partition, LIMIT)
        });
        let (low, high) = ask.await?;
        Ok(Watermark { low, high })
    }
}
