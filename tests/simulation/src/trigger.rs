//! The trigger: pollers that hold partitions, cut batches, invoke functions and commit offsets.

use std::ops::Range;

use crate::log::Partition;
use crate::process::{Function, MAX_AHEAD, Process};
use crate::schedule::{Done, Group, Invocation, Schedule};
use crate::task::{Ended, Task, Work};

/// A partition that a poller holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    pub(crate) partition: usize,
    /// The record that it fetches next.
    pub(crate) position: i64,
    /// The first record that it left out when it ran ahead; there it goes on after its next batch.
    pub(crate) left_out: Option<i64>,
}

impl Claim {
    pub(crate) fn new(partition: usize, position: i64) -> Self {
        Self {
            partition,
            position,
            left_out: None,
        }
    }
}

/// A batch that was cut from a partition.
#[derive(Debug, Clone)]
pub(crate) struct Fetched {
    pub(crate) partition: usize,
    pub(crate) range: Range<i64>,
    /// Records that are missing inside of it.
    pub(crate) hole: Option<Range<i64>>,
    /// The first record that was left out before it.
    pub(crate) left_out: Option<i64>,
}

/// A poller: one invocation at a time.
#[derive(Debug)]
pub(crate) struct Poller {
    pub(crate) function: Function,
    pub(crate) claims: Vec<Claim>,
    pub(crate) is_busy: bool,
    pub(crate) failures: u32,
    /// When it may try again, in milliseconds.
    pub(crate) not_before: i64,
}

/// The pause after a poller's first failure, in milliseconds; it doubles with each.
const BACKOFF: i64 = 100;

/// Invocations that get a process of their own although one is idle, in thousandths.
const COLD: u32 = 150;
/// Invocations that share a busy process where the function allows it, in thousandths.
const SHARED: u32 = 50;

impl Poller {
    pub(crate) fn new(function: Function) -> Self {
        Self {
            function,
            claims: Vec::new(),
            is_busy: false,
            failures: 0,
            not_before: 0,
        }
    }
}

impl Schedule {
    /// Gives all partitions of each function to one poller, from the committed offsets on.
    pub(crate) fn assign_one_poller_to_each_function(&mut self) {
        self.pollers.clear();
        for (function, partition) in self.groups() {
            let at = self
                .pollers
                .iter()
                .position(|poller| poller.function == function);
            let at = at.unwrap_or_else(|| {
                self.pollers.push(Poller::new(function));
                self.pollers.len() - 1
            });
            let position = self.committed[&(function, partition)];
            self.pollers[at]
                .claims
                .push(Claim::new(partition, position));
        }
    }

    /// Whether a poller has nothing under way and something to fetch.
    pub(crate) fn is_ready(&self, at: usize) -> bool {
        let poller = &self.pollers[at];
        let has_records = |claim: &Claim| {
            let partition = &self.partitions[claim.partition];
            claim.position.max(partition.kept_from) < partition.end()
        };
        !poller.is_busy && poller.claims.iter().any(has_records)
    }

    /// A poller cuts a batch of what it holds, and invokes its function.
    pub(crate) fn fetch(&mut self, at: usize) {
        let function = self.pollers[at].function;
        let mut batches = Vec::new();
        for claim in self.pollers[at].claims.clone() {
            let end = self.partitions[claim.partition].end();
            let kept_from = self.partitions[claim.partition].kept_from;
            let position = claim.position.max(kept_from);
            if position >= end || (!batches.is_empty() && self.dice.chance(300)) {
                continue;
            }
            let size = 1 + self.dice.below(self.plan.batch) as i64;
            let mut range = position..end.min(position + size);
            let hole = self.hole(claim.position, kept_from, &range);
            if hole.is_some() {
                range.start = claim.position;
            }
            let delivered = self
                .delivered
                .entry((function, claim.partition))
                .or_default();
            if range.start < *delivered {
                self.world.lock().figures.repeats += 1;
            }
            *delivered = range.end.max(*delivered);
            batches.push(Fetched {
                partition: claim.partition,
                range,
                hole,
                left_out: claim.left_out,
            });
        }
        self.pollers[at].is_busy = true;
        let process = self.process_for(function);
        let payload = batches
            .iter()
            .map(|batch| self.partitions[batch.partition].batch(&batch.range, batch.hole.as_ref()))
            .collect();
        let work = self.processes[process].invoke(payload);
        let process = self.processes[process].id;
        self.begin(Some(at), process, batches, work);
    }

    /// The hole in a batch of what is kept of `range`, if it shall have one: the poller had read what comes before it when
    /// retention passed the rest, or lacks some in the middle this once.
    fn hole(&mut self, read_from: i64, kept_from: i64, range: &Range<i64>) -> Option<Range<i64>> {
        if !self.dice.chance(self.plan.chaos.hole) {
            return None;
        }
        let hole = if read_from < kept_from {
            self.dice.between(read_from + 1, kept_from)..kept_from
        } else if range.end - range.start > 2 {
            let from = self.dice.between(range.start + 1, range.end - 2);
            from..self.dice.between(from + 1, range.end - 1)
        } else {
            return None;
        };
        self.world.lock().figures.holes += 1;
        Some(hole)
    }

    pub(crate) fn begin(
        &mut self,
        poller: Option<usize>,
        process: usize,
        batches: Vec<Fetched>,
        work: Work,
    ) {
        let number = self.next_number;
        self.next_number += 1;
        self.world.lock().figures.invocations += 1;
        self.trace(|| {
            let ranges = batches
                .iter()
                .map(|batch| (batch.partition, &batch.range, &batch.hole));
            let ranges: Vec<_> = ranges.collect();
            format!("invocation {number} of {ranges:?} begins in process {process}")
        });
        self.invocations.push(Invocation {
            number,
            process,
            poller,
            batches,
            task: Task::new(work),
            frozen: false,
        });
    }

    /// The place of a process for an invocation: an idle one or a new one, seldom one that is busy.
    pub(crate) fn process_for(&mut self, function: Function) -> usize {
        let shared = function == Function::Archive && self.dice.chance(SHARED);
        let fit: Vec<usize> = (0..self.processes.len())
            .filter(|&at| {
                let process = &self.processes[at];
                process.function == function && (process.running == 0 || shared)
            })
            .collect();
        if fit.is_empty() || self.dice.chance(COLD) {
            return self.new_process(function);
        }
        self.dice.pick(&fit)
    }

    pub(crate) fn new_process(&mut self, function: Function) -> usize {
        let id = self.next_number as usize;
        self.next_number += 1;
        self.trace(|| format!("process {id} starts: {function:?}"));
        let strict = self.plan.strict;
        let max_ahead = strict.filter(|_| self.dice.chance(500));
        let max_ahead = max_ahead.unwrap_or(MAX_AHEAD);
        let process = Process::start(id, function, self.world.clone(), self.breach, max_ahead);
        self.processes.push(process);
        self.processes.len() - 1
    }

    /// An invocation has ended: its process is free, its poller knows what is done.
    pub(crate) fn end(&mut self, at: usize, ended: Ended) {
        let invocation = self.invocations.swap_remove(at);
        let number = invocation.number;
        let id = invocation.process;
        self.trace(|| match &ended.outcome {
            Ok(response) => format!(
                "invocation {number} ends, failed: {:?}",
                response.batch_item_failures
            ),
            Err(reason) => format!("invocation {number} fails: {reason}"),
        });
        let process = self.processes.iter_mut().find(|process| process.id == id);
        let Some(process) = process else { return };
        process.running -= 1;
        if ended.warm.is_some() {
            process.warm = ended.warm;
        }
        let function = process.function;
        let mut failed = false;
        for batch in invocation.batches {
            let group = (function, batch.partition);
            let Partition { topic, number, .. } = &self.partitions[batch.partition];
            let name = format!("{topic}-{number}");
            let is_done = ended.outcome.as_ref().is_ok_and(|response| {
                let mut failures = response.batch_item_failures.iter();
                failures.all(|failure| failure.item_identifier.partition != name)
            });
            failed |= !is_done;
            if is_done {
                let world = self.world.lock();
                let (objects, published) = (world.objects.len(), world.published.len());
                drop(world);
                self.done.push(Done {
                    group,
                    range: batch.range.clone(),
                    objects,
                    published,
                });
            }
            if let Some(poller) = invocation.poller {
                self.settle(poller, group, &batch, is_done);
            }
        }
        if let Some(poller) = invocation.poller {
            self.free(poller, failed);
        }
    }

    /// A poller goes on after what is done. Where it left records out, or failed, it goes back to what comes first.
    fn settle(&mut self, poller: usize, group: Group, batch: &Fetched, is_done: bool) {
        let Fetched {
            range, left_out, ..
        } = batch;
        let position = match (left_out, is_done) {
            (Some(first), _) => *first,
            (None, true) => range.end,
            (None, false) => range.start.min(self.committed[&group]),
        };
        let claims = &mut self.pollers[poller].claims;
        if let Some(claim) = claims.iter_mut().find(|claim| claim.partition == group.1) {
            *claim = Claim::new(group.1, position);
        }
        if !is_done || left_out.is_some() {
            return;
        }
        if self.dice.chance(self.plan.lost_commits) {
            self.world.lock().figures.lost_commits += 1;
        } else if self.dice.chance(self.plan.late_commits) {
            self.commits.push((group, range.end));
        } else {
            self.commit(group, range.end);
        }
    }

    /// A poller is free for its next invocation, after a pause if this one failed.
    pub(crate) fn free(&mut self, poller: usize, failed: bool) {
        let poller = &mut self.pollers[poller];
        poller.is_busy = false;
        poller.failures = if failed { poller.failures + 1 } else { 0 };
        if failed {
            poller.not_before = self.clock + (BACKOFF << poller.failures.min(6));
        }
    }
}
