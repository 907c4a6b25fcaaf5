//! One partition's poller: collects batches, hands them over in order, commits what is done.

mod delivery;

use std::{error::Error, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::FutureExt;
use metrics::counter;
use tokio::sync::watch;
use tracing::{debug, error, warn};

use super::{
    answer::Missing,
    backoff::Backoff,
    destination::Destination,
    gauge::Sizes,
    invoke::Invoke,
    log::PartitionLog,
    probe::Oldest,
    record::{Envelope, LogRecord, PAYLOAD_LIMIT},
};
use crate::{clock::Clock, metrics::names::LOST};

/// How long a poller that drains waits for records that are on their way.
const DRAIN_PATIENCE: Duration = Duration::from_millis(200);

/// What all partitions of a trigger share.
pub(super) struct Plan {
    pub(super) function: String,
    pub(super) batch_size: usize,
    pub(super) batching_window: Duration,
    pub(super) report_batch_item_failures: bool,
    pub(super) maximum_retry_attempts: Option<u32>,
    pub(super) destination: Option<Destination>,
    pub(super) invoke: Arc<dyn Invoke>,
    pub(super) clock: Arc<dyn Clock>,
    /// Takes a line for the person at the terminal.
    pub(super) tell: Box<dyn Fn(&str) + Send + Sync>,
}

/// The poller of one partition.
pub(super) struct Poller {
    pub(super) plan: Arc<Plan>,
    /// `topic-0`.
    pub(super) name: String,
    pub(super) envelope: Envelope,
    pub(super) log: Box<dyn PartitionLog>,
    /// The offset that comes next; everything before it is done.
    pub(super) position: watch::Sender<i64>,
    /// The record that has waited longest.
    pub(super) oldest: Oldest,
    /// How large records are.
    pub(super) sizes: Arc<Sizes>,
    /// The offset that is read next.
    pub(super) read: i64,
    /// A record that was read and did not fit into its batch.
    pub(super) carried: Option<LogRecord>,
    /// Where it last went back to for records that a chain misses; none once something after that is done.
    pub(super) returned_to: Option<i64>,
    /// The gap that was told last, and when: every try meets it, and a person wants to hear of it once in a while.
    pub(super) told: Option<(Missing, Duration)>,
    /// Becomes true when the poller should finish what there is, and end.
    pub(super) drain: watch::Receiver<bool>,
}

impl Poller {
    /// Works until the drain is asked for and everything that the partition holds is done. A panic on the way is told,
    /// and the work goes on at the first record that is not done. The poller comes back, to be run again for what the
    /// partition gets later.
    pub(super) async fn run(mut self) -> Self {
        let mut backoff = Backoff::new();
        while AssertUnwindSafe(self.work()).catch_unwind().await.is_err() {
            let position = *self.position.borrow();
            error!(
                function = self.plan.function,
                partition = self.name,
                position,
                "poller panicked, starting it again at its position"
            );
            self.pause(backoff.next()).await;
            self.rewind(position).await;
        }
        self
    }

    /// Whose records these are, for metrics.
    fn labels(&self) -> [(&'static str, String); 2] {
        let topic = self.name.rsplit_once('-').map_or("", |(topic, _)| topic);
        [
            ("function", self.plan.function.clone()),
            ("topic", topic.to_owned()),
        ]
    }

    async fn rewind(&mut self, position: i64) {
        let mut backoff = Backoff::new();
        while let Err(reason) = self.log.rewind(position).await {
            warn!(
                partition = self.name,
                position,
                reason = &reason as &dyn Error,
                "position not reached, trying again"
            );
            self.pause(backoff.next()).await;
        }
        (self.read, self.carried) = (position, None);
    }

    async fn work(&mut self) {
        while let Some(batch) = self.collect().await {
            self.deliver(&batch).await;
            self.oldest.clear();
        }
    }

    /// The next batch; `None` when everything is done and the drain is asked for.
    async fn collect(&mut self) -> Option<Vec<LogRecord>> {
        let first = self.first().await?;
        self.oldest.set(first.timestamp);
        self.notice(&first).await;
        let mut size = self.envelope.size_with(first.json.len());
        let mut last = first.offset;
        let mut batch = vec![first];
        let mut until = self.plan.clock.elapsed() + self.plan.batching_window;
        let mut draining = false;
        while batch.len() < self.plan.batch_size {
            let record = tokio::select! {
                biased;
                record = self.next() => record,
                () = asked(self.drain.clone()), if !draining => {
                    draining = true;
                    until = until.min(self.plan.clock.elapsed() + DRAIN_PATIENCE);
                    continue;
                }
                () = self.plan.clock.sleep_until(until) => break,
            };
            let grown = size + 1 + record.json.len();
            if grown > PAYLOAD_LIMIT || record.offset <= last {
                self.carried = Some(record);
                break;
            }
            self.notice(&record).await;
            (size, last) = (grown, record.offset);
            batch.push(record);
        }
        Some(batch)
    }

    /// The first record of a batch, whenever it comes.
    async fn first(&mut self) -> Option<LogRecord> {
        if let Some(record) = self.carried.take() {
            return Some(record);
        }
        tokio::select! {
            biased;
            record = self.next() => return Some(record),
            () = asked(self.drain.clone()) => {}
        }
        loop {
            tokio::select! {
                biased;
                record = self.next() => return Some(record),
                () = self.plan.clock.sleep(DRAIN_PATIENCE) => {}
            }
            match self.log.bounds().await {
                // Records that are gone were not read either.
                Ok(bounds) if self.read.max(bounds.low) >= bounds.high => return None,
                Ok(_) => {}
                Err(reason) => warn!(
                    partition = self.name,
                    reason = &reason as &dyn Error,
                    "end unknown"
                ),
            }
        }
    }

    /// The next record of the log, however often the broker has to be asked. Nothing is lost when this is dropped.
    async fn next(&self) -> LogRecord {
        let mut backoff = Backoff::new();
        loop {
            match self.log.next().await {
                Ok(record) => return record,
                Err(reason) => {
                    warn!(
                        partition = self.name,
                        reason = &reason as &dyn Error,
                        "partition cannot be read, trying again"
                    );
                    self.plan.clock.sleep(backoff.next()).await;
                }
            }
        }
    }

    /// Moves on to a record, and tells when records before it are gone.
    async fn notice(&mut self, record: &LogRecord) {
        let expected = std::mem::replace(&mut self.read, record.offset + 1);
        let (partition, found) = (&self.name, record.offset);
        self.sizes.saw(record.json.len());
        if found < expected {
            error!(
                partition,
                expected, found, "offsets went back: the log was made anew"
            );
        } else if found > expected {
            // Compaction and transactions leave holes too; only what is below the low watermark was lost.
            match self.log.bounds().await {
                Ok(bounds) if bounds.low > expected => {
                    let lost = bounds.low.min(found) - expected;
                    counter!(LOST, &self.labels()).increment(lost.unsigned_abs());
                    error!(
                        partition,
                        expected, found, lost, "records are lost: the broker dropped them unread"
                    );
                    let function = &self.plan.function;
                    (self.plan.tell)(&format!(
                        "LOST: the broker dropped {lost} records of {partition} before function `{function}` read \
                         them. A chain of links refuses all that come after a gap until `tidemill accept-gap` \
                         records the loss. A broker that keeps its log longer loses nothing so soon"
                    ));
                }
                _ => debug!(partition, expected, found, "offsets without records"),
            }
        }
    }
}

/// Waits until the drain is asked for.
async fn asked(mut drain: watch::Receiver<bool>) {
    while !*drain.borrow_and_update() {
        if drain.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
