//! The log of a trigger on a real broker: one consumer, its partitions assigned by hand, the group only for commits.

mod group;
mod partition_log;

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
    time::Duration,
};

use rdkafka::{
    Offset, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{CommitMode, Consumer},
    error::{KafkaError, KafkaResult},
    message::Message,
};
use stream::{Connection, StreamConsumer};
use tokio::task::spawn_blocking;
use tracing::{debug, error, warn};

use super::{TriggerError, log::LogError};
use crate::{broker::Watermark, outage, template::StartingPosition};
use partition_log::KafkaLog;

const LIMIT: Duration = Duration::from_secs(5);
/// How long a broker that answers may take to say where a group stands: the first time, it makes a topic for that.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A topic's partition.
pub(super) type Partition = (String, i32);

/// Where a trigger begins with a partition.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Start {
    /// The offset that is read first.
    pub(super) at: i64,
    /// The first one that was not read before: what the broker has dropped since lies in between.
    pub(super) unread: i64,
}

/// The consumer of one trigger.
pub(super) struct TriggerConsumer {
    consumer: Arc<StreamConsumer>,
    group: String,
}

impl TriggerConsumer {
    /// A consumer that has nothing assigned yet.
    pub(super) fn new(connection: &Connection, group: &str) -> Result<Self, TriggerError> {
        let mut config = connection.client();
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // Records that a retention took are noticed by their offsets; what is left is read.
            .set("auto.offset.reset", "earliest")
            // What a partition may hold in memory beside the batch that is being collected.
            .set("queued.min.messages", "1000")
            .set("queued.max.messages.kbytes", "4096")
            .set("fetch.message.max.bytes", "1048576")
            // The embedded broker answers a fetch that found nothing only when this is over.
            .set("fetch.wait.max.ms", "100")
            .set("reconnect.backoff.max.ms", "1000")
            .set_log_level(RDKafkaLogLevel::Error);
        let consumer = connection
            .consumer(&config)
            .map_err(|source| TriggerError::Consumer {
                group: group.to_owned(),
                source,
            })?;
        Ok(Self {
            consumer: Arc::new(consumer),
            group: group.to_owned(),
        })
    }

    /// Every partition of these topics.
    pub(super) async fn partitions(
        &self,
        topics: &[String],
    ) -> Result<Vec<Partition>, TriggerError> {
        let mut partitions = Vec::new();
        for topic in topics {
            let name = topic.clone();
            let ask = move |consumer: &StreamConsumer| {
                let metadata = consumer.fetch_metadata(Some(&name), START_LIMIT)?;
                let topic = metadata.topics().iter().find(|topic| topic.name() == name);
                Ok(topic.map(|topic| {
                    topic
                        .partitions()
                        .iter()
                        .map(|partition| partition.id())
                        .collect::<Vec<_>>()
                }))
            };
            let ids = self.ask(ask).await.map_err(|source| TriggerError::Topic {
                topic: topic.clone(),
                source,
            })?;
            let ids = ids
                .filter(|ids| !ids.is_empty())
                .ok_or_else(|| TriggerError::NoTopic {
                    topic: topic.clone(),
                })?;
            partitions.extend(ids.into_iter().map(|id| (topic.clone(), id)));
        }
        Ok(partitions)
    }

    /// Where to start: at the committed offset, else at the starting position; never at a record that is gone.
    pub(super) async fn starts(
        &self,
        partitions: &[Partition],
        position: StartingPosition,
    ) -> Result<BTreeMap<Partition, Start>, TriggerError> {
        let asked = partitions.to_vec();
        let ask = move |consumer: &StreamConsumer| {
            let mut list = TopicPartitionList::new();
            for (topic, partition) in &asked {
                list.add_partition(topic, *partition);
            }
            let committed = consumer.committed_offsets(list, START_LIMIT)?;
            let mut starts = Vec::new();
            for element in committed.elements() {
                let (low, high) =
                    consumer.fetch_watermarks(element.topic(), element.partition(), START_LIMIT)?;
                let committed = match element.offset() {
                    Offset::Offset(offset) => Some(offset),
                    _ => None,
                };
                starts.push((
                    (element.topic().to_owned(), element.partition()),
                    committed,
                    Watermark { low, high },
                ));
            }
            Ok(starts)
        };
        let starts = group::settled(START_LIMIT, || self.ask(ask.clone()))
            .await
            .map_err(|source| TriggerError::Offsets {
                group: self.group.clone(),
                source,
            })?;
        let start = |(partition, committed, bounds): (Partition, Option<i64>, Watermark)| {
            let at = match (committed, position) {
                (Some(offset), _) if (bounds.low..=bounds.high).contains(&offset) => offset,
                (Some(offset), _) => {
                    let (group, low, high) = (&self.group, bounds.low, bounds.high);
                    error!(
                        group,
                        ?partition,
                        offset,
                        low,
                        high,
                        "committed offset is not in the log, starting at the oldest record"
                    );
                    bounds.low
                }
                (None, StartingPosition::TrimHorizon) => bounds.low,
                (None, StartingPosition::Latest) => bounds.high,
            };
            let unread = committed.map_or(at, |offset| offset.min(at));
            (partition, Start { at, unread })
        };
        Ok(starts.into_iter().map(start).collect())
    }

    /// Starts reading, and gives each partition's log.
    pub(super) fn assign(
        &self,
        starts: &BTreeMap<Partition, Start>,
    ) -> Result<Vec<KafkaLog>, TriggerError> {
        let failed = |source| TriggerError::Offsets {
            group: self.group.clone(),
            source,
        };
        let mut logs = Vec::with_capacity(starts.len());
        let mut list = TopicPartitionList::new();
        for ((topic, partition), start) in starts {
            // Before the assignment: a record that is fetched earlier would end up in the consumer's own queue.
            let queue = self.consumer.split_partition_queue(topic, *partition);
            let queue = queue.ok_or_else(|| failed(KafkaError::Canceled))?;
            let consumer = Arc::clone(&self.consumer);
            logs.push(KafkaLog {
                topic: topic.clone(),
                partition: *partition,
                queue,
                consumer,
            });
            list.add_partition_offset(topic, *partition, Offset::Offset(start.at))
                .map_err(failed)?;
        }
        self.consumer.assign(&list).map_err(failed)?;
        Ok(logs)
    }

    /// Serves the consumer's events for as long as it is polled; without it nothing moves.
    pub(super) fn events(&self) -> impl Future<Output = ()> + Send + use<> {
        let (consumer, group) = (Arc::clone(&self.consumer), self.group.clone());
        async move {
            loop {
                match consumer.recv().await {
                    Ok(message) => {
                        let (topic, partition, offset) =
                            (message.topic(), message.partition(), message.offset());
                        error!(
                            group,
                            topic, partition, offset, "record outside of its partition's queue"
                        );
                    }
                    Err(reason) if outage::is_news(&reason.to_string()) => {
                        warn!(group, %reason, "consumer");
                    }
                    Err(reason) => debug!(group, %reason, "consumer"),
                }
            }
        }
    }

    /// What each of these partitions holds now.
    pub(super) async fn bounds(
        &self,
        partitions: &[Partition],
    ) -> Result<Vec<Watermark>, LogError> {
        Ok(bounds(&self.consumer, partitions).await?)
    }

    /// Tells bounds for as long as the consumer lives, without keeping it alive.
    pub(super) fn watch(&self) -> Bounds {
        Bounds(Arc::downgrade(&self.consumer))
    }

    /// Commits these positions and waits until they are kept.
    pub(super) async fn commit(
        &self,
        positions: &BTreeMap<Partition, i64>,
    ) -> Result<(), LogError> {
        let mut list = TopicPartitionList::new();
        for ((topic, partition), position) in positions {
            list.add_partition_offset(topic, *partition, Offset::Offset(*position))?;
        }
        Ok(self
            .ask(move |consumer| consumer.commit(&list, CommitMode::Sync))
            .await?)
    }

    /// Closes the consumer, which blocks, on a thread for such things.
    pub(super) fn close(self) {
        drop(spawn_blocking(move || drop(self)));
    }

    /// Asks the broker something that blocks.
    async fn ask<T, F>(&self, question: F) -> KafkaResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&StreamConsumer) -> KafkaResult<T> + Send + 'static,
    {
        ask(&self.consumer, question).await
    }
}

/// Asks what partitions hold, by a consumer that others may close.
#[derive(Clone)]
pub(super) struct Bounds(Weak<StreamConsumer>);

impl Bounds {
    /// What each of these partitions holds now; `None` when the consumer is closed or the broker does not say.
    pub(super) async fn of(&self, partitions: &[Partition]) -> Option<Vec<Watermark>> {
        let consumer = self.0.upgrade()?;
        bounds(&consumer, partitions).await.ok()
    }
}

async fn bounds(
    consumer: &Arc<StreamConsumer>,
    partitions: &[Partition],
) -> KafkaResult<Vec<Watermark>> {
    let partitions = partitions.to_vec();
    let question = move |consumer: &StreamConsumer| {
        let bounds =
            |(topic, partition): &Partition| consumer.fetch_watermarks(topic, *partition, LIMIT);
        partitions
            .iter()
            .map(bounds)
            .map(|bounds| bounds.map(|(low, high)| Watermark { low, high }))
            .collect()
    };
    ask(consumer, question).await
}

async fn ask<T, F>(consumer: &Arc<StreamConsumer>, question: F) -> KafkaResult<T>
where
    T: Send + 'static,
    F: FnOnce(&StreamConsumer) -> KafkaResult<T> + Send + 'static,
{
    let consumer = Arc::clone(consumer);
    spawn_blocking(move || question(&consumer))
        .await
        .unwrap_or(Err(KafkaError::Canceled))
}
