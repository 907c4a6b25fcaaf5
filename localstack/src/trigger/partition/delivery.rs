//! Handing batches over: tries until a batch is done or given up.

use std::{error::Error, time::Duration};

use metrics::counter;
use tracing::{error, warn};

use super::{DRAIN_PATIENCE, Poller, asked};
use crate::{
    functions::Outcome,
    metrics::names::{BATCHES, GIVEN_UP, RETRIES},
    trigger::{
        answer::{Missing, Verdict, missing, verdict},
        backoff::Backoff,
        record::LogRecord,
    },
};

/// After how long an alarm that stands is told again: what was told once has scrolled away.
const TELL_AGAIN: Duration = Duration::from_secs(300);

impl Poller {
    /// Hands a batch over until all of it is done or given up.
    pub(super) async fn deliver(&mut self, batch: &[LogRecord]) {
        let mut rest = batch;
        let mut backoff = Backoff::new();
        let mut retries = 0;
        while let (Some(first), Some(last)) = (rest.first(), rest.last()) {
            let (verdict, gaps) = self.hand_over(rest).await;
            self.count(&verdict, first.offset);
            match verdict {
                Verdict::Done => {
                    self.returned_to = None;
                    return self.done(last.offset + 1).await;
                }
                Verdict::FailedFrom(offset) if offset > first.offset => {
                    self.returned_to = None;
                    self.done(offset).await;
                    rest = &rest[rest.partition_point(|record| record.offset < offset)..];
                    (retries, backoff) = (0, Backoff::new());
                }
                Verdict::FailedFrom(_) | Verdict::Failed => {
                    if self.went_back(gaps, first.offset).await {
                        return;
                    }
                }
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
            counter!(RETRIES, &self.labels()).increment(1);
            self.pause(backoff.next()).await;
        }
    }

    fn count(&self, verdict: &Verdict, first: i64) {
        let [function, topic] = self.labels();
        let outcome = match verdict {
            Verdict::Done => "done",
            Verdict::FailedFrom(offset) if *offset > first => "partial",
            Verdict::FailedFrom(_) | Verdict::Failed => "failed",
        };
        let labels = [function, topic, ("outcome", outcome.to_owned())];
        counter!(BATCHES, &labels).increment(1);
    }

    /// Waits before the next try; whoever drains has no time for long waits.
    pub(super) async fn pause(&self, wait: Duration) {
        if *self.drain.borrow() {
            return self.plan.clock.sleep(wait.min(DRAIN_PATIENCE)).await;
        }
        tokio::select! {
            () = self.plan.clock.sleep(wait) => {}
            () = asked(self.drain.clone()) => {}
        }
    }

    /// One invocation: what became of the records, and which ones are missing before them.
    async fn hand_over(&self, records: &[LogRecord]) -> (Verdict, Vec<Missing>) {
        let event = self.envelope.event(records);
        let outcome = self.plan.invoke.invoke(&self.plan.function, event).await;
        let gaps = match &outcome {
            Ok(Outcome::Success(answer)) => missing(answer),
            _ => Vec::new(),
        };
        let function = self.plan.function.as_str();
        let (partition, first) = (&self.name, records.first().map(|record| record.offset));
        let verdict = match outcome {
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
        };
        (verdict, gaps)
    }

    /// Goes back to records before a batch that a chain misses and the broker still has, as when a lake came back from a
    /// backup: the group is past them, so nobody else would bring them. Once for each place, for what is not found then
    /// is not there. Records that the broker has no more are told.
    async fn went_back(&mut self, gaps: Vec<Missing>, batch: i64) -> bool {
        let here = gaps
            .iter()
            .filter(|gap| format!("{}-{}", gap.topic, gap.partition) == self.name);
        let Some(first) = here.map(|gap| gap.first).min() else {
            return false;
        };
        if first < batch && self.returned_to != Some(first) {
            let (function, partition) = (&self.plan.function, &self.name);
            match self.log.bounds().await {
                Ok(bounds) if (bounds.low..bounds.high).contains(&first) => {
                    warn!(
                        function,
                        partition,
                        first,
                        "records are missing that the broker has: going back to them"
                    );
                    self.returned_to = Some(first);
                    self.done(first).await;
                    self.rewind(first).await;
                    return true;
                }
                Ok(_) => {}
                Err(reason) => {
                    let reason = &reason as &dyn Error;
                    warn!(
                        function,
                        partition,
                        first,
                        reason,
                        "whether the broker has what is missing is unknown"
                    );
                    return false;
                }
            }
        }
        for gap in gaps {
            self.alarm(gap);
        }
        false
    }

    /// Tells that a chain stands still before records that are missing: once, however often it is tried, and again while
    /// it lasts.
    fn alarm(&mut self, gap: Missing) {
        let now = self.plan.clock.elapsed();
        let is_known = |(told, at): &(Missing, Duration)| *told == gap && now < *at + TELL_AGAIN;
        if self.told.as_ref().is_some_and(is_known) {
            return;
        }
        let Missing {
            table,
            topic,
            partition,
            first,
            end,
        } = &gap;
        let missing = end - first;
        let function = &self.plan.function;
        error!(
            function,
            table,
            topic,
            partition,
            first,
            end,
            gap = missing,
            "records are missing: the chain stands still"
        );
        (self.plan.tell)(&format!(
            "GAP: table {table} stands still: {missing} records of {topic}-{partition} are missing, offsets {first} to \
             {}. If the broker has lost them, `tidemill accept-gap --topic {topic} --partition {partition}` records \
             that, and the table goes on at {end}",
            end - 1
        ));
        self.told = Some((gap, now));
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
        counter!(GIVEN_UP, &self.labels()).increment(records.len() as u64);
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
