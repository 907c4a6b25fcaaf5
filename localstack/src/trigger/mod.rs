//! Lambda's Kafka trigger: polls topics, invokes a function with batches in order, commits what is done.
//!
//! Every partition is polled by itself and has at most one invocation in flight; an event holds records of one
//! partition only, which is one of the cuts that Lambda may make too.

mod answer;
mod backoff;
mod destination;
mod drain;
mod error;
mod gauge;
mod invoke;
mod kafka;
mod log;
mod partition;
mod probe;
mod record;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use stream::Connection;
use tokio::{sync::watch, task::JoinSet};
use tracing::info;

use crate::{
    cli::announce,
    clock::Clock,
    template::{FunctionSpec, KafkaTrigger, OnFailure},
};
use destination::Destination;
use gauge::Sizes;
use kafka::{Partition, TriggerConsumer};
use partition::{Plan, Poller};
use probe::{Oldest, Seen};
use record::Envelope;

pub use drain::{Remaining, drain_all};
pub use error::TriggerError;
pub use invoke::Invoke;
pub use log::LogError;
pub(crate) use probe::Probe;
pub(crate) use record::{LogRecord, PAYLOAD_LIMIT};

pub(crate) use gauge::{Gauge, Waiting};

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

/// One trigger at work. Dropping it stops it where it stands: what is not committed comes again.
pub struct Trigger {
    function: String,
    consumer: TriggerConsumer,
    partitions: BTreeMap<Partition, Seen>,
    gauge: Gauge,
    pollers: JoinSet<Poller>,
    /// Those that are done with what their partitions held when the drain was asked for.
    drained: Vec<Poller>,
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
        connection: &Connection,
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
                Some(Destination::new(connection, topic).map_err(failed)?)
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
            tell: Box::new(announce),
        });
        let consumer = TriggerConsumer::new(connection, &trigger.consumer_group)?;
        let assigned = consumer.partitions(&trigger.topics).await?;
        let starts = consumer
            .starts(&assigned, trigger.starting_position)
            .await?;
        let mut events = JoinSet::new();
        events.spawn(consumer.events());
        let (drain, draining) = watch::channel(false);
        let mut pollers = JoinSet::new();
        let mut partitions = BTreeMap::new();
        let mut gauged = BTreeMap::new();
        for log in consumer.assign(&starts)? {
            let key = (log.topic.clone(), log.partition);
            let start = starts.get(&key).copied().unwrap_or_default();
            let (position, seen) = watch::channel(start.at);
            let sizes = Arc::new(Sizes::default());
            gauged.insert(key.clone(), (seen.clone(), Arc::clone(&sizes)));
            let oldest = Oldest::default();
            let seen = Seen {
                position: seen,
                oldest: oldest.clone(),
            };
            let poller = Poller {
                plan: Arc::clone(&plan),
                name: format!("{}-{}", log.topic, log.partition),
                envelope: Envelope::new(
                    &trigger.source,
                    connection.brokers(),
                    &log.topic,
                    log.partition,
                )?,
                log: Box::new(log),
                position,
                oldest,
                sizes,
                read: start.unread,
                carried: None,
                returned_to: None,
                told: None,
                drain: draining.clone(),
            };
            pollers.spawn(poller.run());
            partitions.insert(key, seen);
        }
        let (function, group) = (function.name.clone(), &trigger.consumer_group);
        info!(
            function,
            group,
            partitions = partitions.len(),
            "trigger ready"
        );
        Ok(Self {
            function,
            consumer,
            partitions,
            gauge: Gauge { partitions: gauged },
            pollers,
            drained: Vec::new(),
            events,
            drain,
        })
    }

    /// How far it is in every partition.
    pub async fn lag(&self) -> Result<Vec<PartitionLag>, LogError> {
        let positions = self.positions();
        let partitions: Vec<Partition> = positions.keys().cloned().collect();
        let bounds = self.consumer.bounds(&partitions).await?;
        let lag = positions.into_iter().zip(bounds);
        let lag = lag.map(|(((topic, partition), position), bounds)| PartitionLag {
            topic,
            partition,
            position,
            end: bounds.high,
        });
        Ok(lag.collect())
    }

    /// The function that it starts.
    pub(crate) fn function(&self) -> &str {
        &self.function
    }

    /// What tells how far it is, for as long as it lives.
    pub(crate) fn probe(&self) -> Probe {
        Probe {
            function: self.function.clone(),
            bounds: self.consumer.watch(),
            partitions: self.partitions.clone(),
        }
    }

    /// Tells how much waits, for as long as it is asked.
    pub(crate) fn gauge(&self) -> Gauge {
        self.gauge.clone()
    }

    fn positions(&self) -> BTreeMap<Partition, i64> {
        self.partitions
            .iter()
            .map(|(partition, seen)| (partition.clone(), *seen.position.borrow()))
            .collect()
    }
}

#[cfg(test)]
mod tests;
