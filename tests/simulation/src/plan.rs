//! What a schedule is made of. Each seed switches some disturbances on and leaves others out, for a schedule in which
//! everything happens at once hides what one kind of disturbance alone can do.

use chrono::TimeDelta;
use lake::Table;

use crate::dice::Dice;
use crate::process::Function;

/// How often things go wrong, in thousandths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// A request fails and has no effect.
    pub(crate) before: u32,
    /// A request takes effect and its answer is lost.
    pub(crate) after: u32,
    /// A request fails and takes effect later all the same.
    pub(crate) late: u32,
    /// A creation writes nothing, because others create the same object at that moment (a 409).
    pub(crate) conflict: u32,
    /// A listing comes in pages, each as of another moment.
    pub(crate) paged: u32,
}

/// How often something happens between two steps, in thousandths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Chaos {
    /// A process dies, with all that runs in it.
    pub(crate) crash: u32,
    /// An invocation is dropped, and its process goes on.
    pub(crate) cancel: u32,
    /// An invocation stops where it is; its poller gives up, in most cases, and tries again elsewhere.
    pub(crate) freeze: u32,
    /// A frozen invocation wakes up.
    pub(crate) thaw: u32,
    /// A poller gives up on an invocation that goes on.
    pub(crate) abandon: u32,
    /// A partition goes to another poller.
    pub(crate) hand_over: u32,
    /// A partition is given to a second poller.
    pub(crate) double: u32,
    /// A poller steps back to records that were done.
    pub(crate) rewind: u32,
    /// A poller brings records before those that come first.
    pub(crate) ahead: u32,
    /// An investor's holdings are edited.
    pub(crate) edit: u32,
    /// Of batches: records are missing inside of one.
    pub(crate) hole: u32,
    /// The broker drops the oldest records of a partition, consumed or not.
    pub(crate) retention: u32,
    /// Somebody accepts a gap.
    pub(crate) accept: u32,
}

/// A topic, and what is triggered by it.
#[derive(Debug, Clone)]
pub(crate) struct Topic {
    pub(crate) table: Table,
    pub(crate) partitions: i32,
    pub(crate) functions: Vec<Function>,
}

/// How far ahead of the broker's time the stricter one of two versions lets a tick be.
const STRICT: TimeDelta = TimeDelta::minutes(10);

/// What one schedule is made of.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) topics: Vec<Topic>,
    /// Records of a partition.
    pub(crate) records: usize,
    /// Records of a batch, at most.
    pub(crate) batch: usize,
    /// Records that cannot be decoded, in thousandths.
    pub(crate) garbage: u32,
    /// How far ahead a second version of `archive` lets a tick be, where two versions run at once.
    pub(crate) strict: Option<TimeDelta>,
    /// Offset commits that are lost, in thousandths.
    pub(crate) lost_commits: u32,
    /// Offset commits that are late, and maybe overtaken by others, in thousandths.
    pub(crate) late_commits: u32,
    pub(crate) faults: Faults,
    pub(crate) chaos: Chaos,
    /// Steps after which the disturbances end.
    pub(crate) steps: usize,
}

impl Plan {
    /// The plan of a seed. `only` is the function that a test wants alone.
    pub(crate) fn draw(dice: &mut Dice, only: Option<Function>) -> Self {
        let ticks = |functions: &[Function]| Topic {
            table: Table::Ticks,
            partitions: 1,
            functions: functions.to_vec(),
        };
        let events = |partitions| Topic {
            table: Table::DefaultCall,
            partitions,
            functions: vec![Function::Archive],
        };
        let topics = match (only, dice.below(8)) {
            (Some(function), _) => vec![ticks(&[function])],
            (None, 0..=2) => vec![ticks(&[Function::Evaluate])],
            (None, 3..=4) => vec![ticks(&[Function::Archive, Function::Evaluate])],
            (None, 5) => vec![ticks(&[Function::Archive])],
            (None, 6) => vec![events(1)],
            (None, _) => vec![events(2)],
        };
        let mut often = |rates: &[u32]| match dice.chance(500) {
            true => dice.pick(rates),
            false => 0,
        };
        let faults = Faults {
            before: often(&[20, 80, 200]),
            after: often(&[20, 80, 200]),
            late: often(&[20, 80]),
            conflict: often(&[30, 150]),
            paged: often(&[200, 600]),
        };
        let chaos = Chaos {
            crash: often(&[3, 15]),
            cancel: often(&[3, 10]),
            freeze: often(&[5, 20]),
            thaw: 4,
            abandon: often(&[3, 10]),
            hand_over: often(&[3, 10]),
            double: often(&[3, 10]),
            rewind: often(&[3, 10]),
            ahead: often(&[3, 10]),
            edit: often(&[3, 8]),
            hole: often(&[50, 200]),
            ..Chaos::default()
        };
        let garbage = often(&[100, 300]);
        let lost_commits = often(&[100, 400]);
        let late_commits = often(&[200, 700]);
        // What retention has passed nobody can lose, so it is seldom.
        let (retention, accept) = match dice.chance(60) {
            true => (5, dice.pick(&[0, 20, 60])),
            false => (0, 0),
        };
        let chaos = Chaos {
            retention,
            accept,
            ..chaos
        };
        let is_archive_alone = topics[0].functions == [Function::Archive];
        let strict = (is_archive_alone && dice.chance(400)).then_some(STRICT);
        Self {
            topics,
            strict,
            records: dice.between(2, 20) as usize,
            batch: dice.between(2, 12) as usize,
            garbage,
            lost_commits,
            late_commits,
            faults,
            chaos,
            steps: dice.between(100, 700) as usize,
        }
    }
}
