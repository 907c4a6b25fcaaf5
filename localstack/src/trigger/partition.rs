//! One partition's poller: collects batches, hands them over in order, commits what is done.

use std::{error::Error, sync::Arc, time::Duration};

use tokio::sync::watch;
use tracing::{debug, error, warn};

use super::{
    answer::{Verdict, verdict},
    backoff::Backoff,
    destination::Destination,
    invoke::Invoke,
    log::PartitionLog,
    record::{Envelope, LogRecord, PAYLOAD_LIMIT},
};
use crate::{clock::Clock, functions::Outcome};

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
    /// The offset that is read next.
    pub(super) read: i64,
    /// A record that was read and did not fit into its batch.
    pub(super) carried: Option<LogRecord>,
    /// Becomes true when the poller should finish what there is, and end.
    pub(super) drain: watch::Receiver<bool>,
}

impl Poller {
    /// Works until the drain is asked for and everything that the partition holds is done.
    pub(super) async fn run(mut self) {
        while let Some(batch) = self.collect().await {
            self.deliver(&batch).await;
        }
    }

    /// The next batch; `None` when everything is done and the drain is asked for.
    async fn collect(&mut self) -> Option<Vec<LogRecord>> {
        let first = self.first().await?;
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
                Ok(bounds) if self.read >= bounds.high => return None,
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
                    error!(
                        partition,
                        expected, found, lost, "records are lost: the broker dropped them unread"
                    );
                }
                _ => debug!(partition, expected, found, "offsets without records"),
            }
        }
    }

    /// Hands a batch over until all of it is done or given up.
    async fn deliver(&mut self, batch: &[LogRecord]) {
        let mut rest = batch;
        let mut backoff = Backoff::new();
        let mut retries = 0;
        while let (Some(first), Some(last)) = (rest.first(), rest.last()) {
            match self.hand_over(rest).await {
                Verdict::Done => return self.done(last.offset + 1).await,
                Verdict::FailedFrom(offset) if offset > first.offset => {
                    self.done(offset).await;
                    rest = &rest[rest.partition_point(|record| record.offset < offset)..];
                    (retries, backoff) = (0, Backoff::new());
                }
                Verdict::FailedFrom(_) | Verdict::Failed => {}
            }
            if self
                .plan
                .maximum_retry_attempts
                .is_some_and(|most| retries >= most)
            {
                self.give_up(rest, retries).await;
                return self.done(last.offset + 1).await;
            }
            retries += 1;
            self.pause(backoff.next()).await;
        }
    }

    /// Waits before the next try; whoever drains has no time for long waits.
    async fn pause(&self, wait: Duration) {
        if *self.drain.borrow() {
            return self.plan.clock.sleep(wait.min(DRAIN_PATIENCE)).await;
        }
        tokio::select! {
            () = self.plan.clock.sleep(wait) => {}
            () = asked(self.drain.clone()) => {}
        }
    }

    /// One invocation.
    async fn hand_over(&self, records: &[LogRecord]) -> Verdict {
        let function = self.plan.function.as_str();
        let (partition, first) = (&self.name, records.first().map(|record| record.offset));
        let event = self.envelope.event(records);
        match self.plan.invoke.invoke(function, event).await {
            Ok(Outcome::Success(_)) if !self.plan.report_batch_item_failures => Verdict::Done,
            Ok(Outcome::Success(answer)) => {
                let verdict = verdict(&answer, &self.name, records);
                match verdict {
                    Verdict::Done => {}
                    Verdict::FailedFrom(offset) => {
                        warn!(function, partition, first, offset, "batch failed in part")
                    }
                    Verdict::Failed => {
                        error!(
                            function,
                            partition,
                            first,
                            "batch failed: its batchItemFailures name no records of it"
                        );
                    }
                }
                verdict
            }
            Ok(Outcome::FunctionError { kind, payload }) => {
                let payload = String::from_utf8_lossy(&payload);
                warn!(function, partition, first, records = records.len(), kind, %payload, "batch failed");
                Verdict::Failed
            }
            Err(reason) => {
                warn!(function, partition, first, records = records.len(), %reason, "batch not taken");
                Verdict::Failed
            }
        }
    }

    /// Notes that everything before `next` is done.
    async fn done(&self, next: i64) {
        self.position.send_replace(next);
        if let Err(reason) = self.log.commit(next).await {
            // The next commit says it again, and until then the records would only come twice.
            warn!(
                partition = self.name,
                next,
                reason = &reason as &dyn Error,
                "offset not committed"
            );
        }
    }

    /// Sends a batch that nobody takes to its destination, however long that takes.
    async fn give_up(&self, records: &[LogRecord], retries: u32) {
        let (function, partition) = (&self.plan.function, &self.name);
        let first = records.first().map(|record| record.offset);
        let Some(destination) = &self.plan.destination else {
            error!(
                function,
                partition,
                first,
                records = records.len(),
                retries,
                "batch given up: its records are lost"
            );
            return;
        };
        error!(
            function,
            partition,
            first,
            records = records.len(),
            retries,
            "batch given up to its destination"
        );
        let mut backoff = Backoff::new();
        let event = self.envelope.event(records);
        let now = self.plan.clock.utc();
        while let Err(reason) = destination
            .send(function, partition, &event, records, retries + 1, now)
            .await
        {
            error!(
                function,
                partition,
                first,
                reason = &reason as &dyn Error,
                "destination does not take the batch, trying again"
            );
            self.plan.clock.sleep(backoff.next()).await;
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
