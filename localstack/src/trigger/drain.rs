//! The end of triggers: what their partitions hold is handed over before they stop.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::{error, warn};

use super::{Trigger, kafka::Partition};

/// How long the broker may take beyond the drain's deadline: to tell what is left, and for the last commit.
const BROKER_LIMIT: Duration = Duration::from_secs(2);

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

/// Drains triggers together: hands over everything that their partitions hold without waiting for batching windows,
/// and again what one trigger's function wrote for another, until all is done or `limit` is over; commits, and tells
/// for each function what is left.
pub async fn drain_all(
    mut triggers: Vec<Trigger>,
    limit: Duration,
) -> Vec<(String, Vec<Remaining>)> {
    let deadline = Instant::now() + limit;
    let left = loop {
        join_all(triggers.iter_mut().map(|trigger| trigger.flush(deadline))).await;
        // Only when none of their functions runs any more does it show what they wrote for one another.
        let left = join_all(triggers.iter().map(Trigger::remaining)).await;
        if left.iter().all(Vec::is_empty) || Instant::now() >= deadline {
            break left;
        }
    };
    let closes = triggers.into_iter().zip(left).map(async |(trigger, left)| {
        let function = trigger.function.clone();
        trigger.close().await;
        (function, left)
    });
    join_all(closes).await
}

impl Trigger {
    /// Drains this trigger alone, as [`drain_all`] does.
    pub async fn drain(self, limit: Duration) -> Vec<Remaining> {
        let drained = drain_all(vec![self], limit).await.into_iter();
        drained.flat_map(|(_, remaining)| remaining).collect()
    }

    /// Hands over what its partitions hold, until they are done or the deadline is over.
    async fn flush(&mut self, deadline: Instant) {
        self.drain.send_replace(true);
        for poller in self.drained.drain(..) {
            self.pollers.spawn(poller.run());
        }
        loop {
            match timeout_at(deadline, self.pollers.join_next()).await {
                Ok(Some(Ok(poller))) => self.drained.push(poller),
                Ok(Some(Err(reason))) => {
                    let function = &self.function;
                    error!(function, %reason, "poller ended without a drain");
                }
                Ok(None) => return,
                Err(_) => return self.pollers.shutdown().await,
            }
        }
    }

    /// What is left of each partition that has something left.
    async fn remaining(&self) -> Vec<Remaining> {
        let positions = self.positions();
        let partitions: Vec<Partition> = positions.keys().cloned().collect();
        let bounds = match timeout(BROKER_LIMIT, self.consumer.bounds(&partitions)).await {
            Ok(Ok(bounds)) => Some(bounds),
            Ok(Err(_)) | Err(_) => None,
        };
        let positions = positions.into_iter().enumerate();
        let left = positions.map(|(index, ((topic, partition), position))| {
            let bounds = bounds.as_ref().and_then(|bounds| bounds.get(index));
            Remaining {
                topic,
                partition,
                records: bounds.map(|bounds| (bounds.high - position).max(0)),
            }
        });
        left.filter(|left| left.records != Some(0)).collect()
    }

    /// Commits how far it is and ends.
    async fn close(mut self) {
        let function = &self.function;
        match timeout(BROKER_LIMIT, self.consumer.commit(&self.positions())).await {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => {
                let reason: &dyn std::error::Error = &reason;
                warn!(function, reason, "last offsets not committed");
            }
            Err(_) => warn!(function, "last offsets not committed in time"),
        }
        self.pollers.shutdown().await;
        self.drained.clear();
        self.events.shutdown().await;
        self.consumer.close();
    }
}
