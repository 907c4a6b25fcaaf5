//! What schedules came to, in numbers.

use std::ops::AddAssign;

/// Numbers of one schedule, or of many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Schedules run to their end.
    pub schedules: u64,
    /// Choices made in them.
    pub steps: u64,
    /// Invocations of functions.
    pub invocations: u64,
    /// Records in the logs.
    pub records: u64,
    /// Links that stand at the end.
    pub links: u64,
    /// Evaluations that stand at the end.
    pub evaluations: u64,
    /// Processes that died, with all that ran in them.
    pub crashes: u64,
    /// Invocations that were dropped while their process went on.
    pub cancelled: u64,
    /// Invocations that were given up, and woke up or went on all the same.
    pub zombies: u64,
    /// Batches that began with a record which was delivered before.
    pub repeats: u64,
    /// Batches that began past the records which came next.
    pub ahead: u64,
    /// Batches with records missing inside of them.
    pub holes: u64,
    /// Partitions that moved to another poller, or got a second one.
    pub moves: u64,
    /// Offset commits that were lost.
    pub lost_commits: u64,
    /// Creations that found the name taken.
    pub conflicts_412: u64,
    /// Creations that were told of others that create the same object.
    pub conflicts_409: u64,
    /// Requests that failed and had no effect.
    pub failed_before: u64,
    /// Requests that failed and had taken effect.
    pub failed_after: u64,
    /// Requests that failed and took effect later.
    pub late: u64,
    /// Listings whose pages were of different moments.
    pub paged: u64,
    /// Editions of holdings.
    pub edits: u64,
    /// Times that retention passed the oldest records.
    pub dropped: u64,
    /// Times that somebody accepted a gap, or wished to.
    pub acceptances: u64,
    /// Gaps that stand accepted.
    pub accepted: u64,
    /// Chains that stopped at a gap.
    pub gaps: u64,
    /// Dead letters that stand beside their chain.
    pub late_letters: u64,
    /// Records that no table has.
    pub lost: u64,
    /// Records that a table has more than once.
    pub doubled: u64,
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.schedules += other.schedules;
        self.steps += other.steps;
        self.invocations += other.invocations;
        self.records += other.records;
        self.links += other.links;
        self.evaluations += other.evaluations;
        self.crashes += other.crashes;
        self.cancelled += other.cancelled;
        self.zombies += other.zombies;
        self.repeats += other.repeats;
        self.ahead += other.ahead;
        self.holes += other.holes;
        self.moves += other.moves;
        self.lost_commits += other.lost_commits;
        self.conflicts_412 += other.conflicts_412;
        self.conflicts_409 += other.conflicts_409;
        self.failed_before += other.failed_before;
        self.failed_after += other.failed_after;
        self.late += other.late;
        self.paged += other.paged;
        self.edits += other.edits;
        self.dropped += other.dropped;
        self.acceptances += other.acceptances;
        self.accepted += other.accepted;
        self.gaps += other.gaps;
        self.late_letters += other.late_letters;
        self.lost += other.lost;
        self.doubled += other.doubled;
    }
}

impl Figures {
    /// Requests that did not go as their client saw it.
    pub fn faults(&self) -> u64 {
        self.failed_before + self.failed_after + self.late
    }
}
