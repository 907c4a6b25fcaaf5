//! Lambda's Kafka trigger: polls topics, invokes a function with batches in order, commits what is done.
//!
//! Every partition is polled by itself and has at most one invocation in flight; an event holds records of one
//! partition only, which is one of the cuts that Lambda may make too.

mod answer;
mod backoff;
mod destination;
mod error;
mod invoke;
mod kafka;
mod log;
mod partition;
mod record;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout_at},
};
use tracing::{info, warn};

use crate::{
    cli::say,
    clock::Clock,
    template::{FunctionSpec, KafkaTrigger, OnFailure},
};
use destination::Destination;
use kafka::{Partition, TriggerConsumer};
use partition::{Plan, Poller};
use record::Envelope;

pub use error::TriggerError;
pub use invoke::Invoke;
pub use log::LogError;

/// How long the last commit of a trigger may take beyond the drain's deadline.
const LAST_COMMIT_LIMIT: Duration = Duration::from_secs(2);

/// How far a trigger is in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionLag {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset that comes next; every record before it is done.
    pub position: i64,
    /// The offset that the next record to be written will have.
    pub end: i64,
}

impl PartitionLag {
    /// How many records wait.
    pub fn records(&self) -> i64 {
        (self.end - self.position).max(0)
    }
}

/// Records that a drain left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remaining {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// How many, or `None` when the broker does not say.
    pub records: Option<i64>,
}

/// One trigger at work. Dropping it stops it where it stands: what is not committed comes again.
pub struct Trigger {
    function: String,
    consumer: Option<TriggerConsumer>,
    positions: BTreeMap<Partition, watch::Receiver<i64>>,
    pollers: JoinSet<()>,
    events: JoinSet<()>,
    drain: watch::Sender<bool>,
}

impl std::fmt::Debug for Trigger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trigger")
            .field("function", &self.function)
            .field("positions", &self.positions())
            .finish()
    }
}

impl Trigger {
    /// Starts polling, and returns once every partition is assigned: from then on the trigger is ready.
    ///
    /// `batching_window` replaces the template's.
    pub async fn start(
        function: &FunctionSpec,
        trigger: &KafkaTrigger,
        brokers: &str,
        batching_window: Option<Duration>,
        invoke: Arc<dyn Invoke>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TriggerError> {
        let destination = match &trigger.on_failure {
            Some(OnFailure::KafkaTopic(topic)) => {
                let failed = |source| TriggerError::Destination {
                    topic: topic.clone(),
                    source,
                };
                Some(Destination::new(brokers, topic).map_err(failed)?)
            }
            None => None,
        };
        let plan = Arc::new(Plan {
            function: function.name.clone(),
            batch_size: trigger.batch_size,
            batching_window: batching_window.unwrap_or(trigger.batching_window),
            report_batch_item_failures: trigger.report_batch_item_failures,
            maximum_retry_attempts: trigger.maximum_retry_attempts,
            destination,
            invoke,
            clock,
            tell: Box::new(say),
        });
        let consumer = TriggerConsumer::new(brokers, &trigger.consumer_group)?;
        let partitions = consumer.partitions(&trigger.topics).await?;
        let starts = consumer
            .starts(&partitions, trigger.starting_position)
            .await?;
        let mut events = JoinSet::new();
        events.spawn(consumer.events());
        let (drain, draining) = watch::channel(false);
        let mut pollers = JoinSet::new();
        let mut positions = BTreeMap::new();
        for log in consumer.assign(&starts)? {
            let key = (log.topic.clone(), log.partition);
            let start = starts.get(&key).copied().unwrap_or_default();
            let (position, seen) = watch::channel(start);
            let poller = Poller {
                plan: Arc::clone(&plan),
                name: format!("{}-{}", log.topic, log.partition),
                envelope: Envelope::new(&trigger.source, brokers, &log.topic, log.partition)?,
                log: Box::new(log),
                position,
                read: start,
                carried: None,
                drain: draining.clone(),
            };
            pollers.spawn(poller.run());
            positions.insert(key, seen);
        }
        let (function, group) = (function.name.clone(), &trigger.consumer_group);
        info!(
            function,
            group,
            partitions = positions.len(),
            "trigger ready"
        );
        Ok(Self {
            function,
            consumer: Some(consumer),
            positions,
            pollers,
            events,
            drain,
        })
    }

    /// The function that this trigger invokes.
    pub fn function(&self) -> &str {
        &self.function
    }

    /// How far it is in every partition.
    pub async fn lag(&self) -> Result<Vec<PartitionLag>, LogError> {
        let Some(consumer) = &self.consumer else {
            return Ok(Vec::new());
        };
        let positions = self.positions();
        let partitions: Vec<Partition> = positions.keys().cloned().collect();
        let bounds = consumer.bounds(&partitions).await?;
        let lag = positions.into_iter().zip(bounds);
        let lag = lag.map(|(((topic, partition), position), bounds)| PartitionLag {
            topic,
            partition,
            position,
            end: bounds.high,
        });
        Ok(lag.collect())
    }

    /// Hands over everything that its partitions hold without waiting for batching windows, until all is done or
    /// `limit` is over; commits, and tells what is left.
    pub async fn drain(mut self, limit: Duration) -> Vec<Remaining> {
        let deadline = Instant::now() + limit;
        self.drain.send_replace(true);
        let ended = async {
            let mut clean = true;
            while let Some(ended) = self.pollers.join_next().await {
                clean &= ended.is_ok();
            }
            clean
        };
        let drained = timeout_at(deadline, ended).await.unwrap_or(false);
        self.pollers.shutdown().await;
        let Some(consumer) = self.consumer.take() else {
            return Vec::new();
        };
        let positions = self.positions();
        match timeout_at(deadline + LAST_COMMIT_LIMIT, consumer.commit(&positions)).await {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => {
                let reason: &dyn std::error::Error = &reason;
                warn!(
                    function = self.function,
                    reason, "last offsets not committed"
                );
            }
            Err(_) => warn!(
                function = self.function,
                "last offsets not committed in time"
            ),
        }
        let remaining = if drained {
            Vec::new()
        } else {
            remaining(&consumer, positions).await
        };
        self.events.shutdown().await;
        consumer.close();
        remaining
    }

    fn positions(&self) -> BTreeMap<Partition, i64> {
        self.positions
            .iter()
            .map(|(partition, position)| (partition.clone(), *position.borrow()))
            .collect()
    }
}

/// What is left of each partition that has something left.
async fn remaining(
    consumer: &TriggerConsumer,
    positions: BTreeMap<Partition, i64>,
) -> Vec<Remaining> {
    let partitions: Vec<Partition> = positions.keys().cloned().collect();
    let bounds = match tokio::time::timeout(LAST_COMMIT_LIMIT, consumer.bounds(&partitions)).await {
        Ok(Ok(bounds)) => Some(bounds),
        Ok(Err(_)) | Err(_) => None,
    };
    let left = positions
        .into_iter()
        .enumerate()
        .map(|(index, ((topic, partition), position))| {
            let bounds = bounds.as_ref().and_then(|bounds| bounds.get(index));
            Remaining {
                topic,
                partition,
                records: bounds.map(|bounds| (bounds.high - position).max(0)),
            }
        });
    left.filter(|left| left.records != Some(0)).collect()
}

#[cfg(test)]
mod tests;
