//! One schedule: everything that can happen next is a choice, and the seed chooses.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::breach::Breach;
use crate::dice::Dice;
use crate::log::{BEGINNING, Partition};
use crate::network::{Client, Shared, Stage};
use crate::plan::{Faults, Plan};
use crate::process::{Function, Process};
use crate::task::Task;
use crate::trigger::{Fetched, Poller};

/// What a function has consumed of a partition: the function, and the partition's place among all.
pub(crate) type Group = (Function, usize);

/// An invocation under way.
pub(crate) struct Invocation {
    pub(crate) number: u64,
    pub(crate) process: Client,
    /// Who waits for its outcome; nobody, once it was given up.
    pub(crate) poller: Option<usize>,
    pub(crate) batches: Vec<Fetched>,
    pub(crate) task: Task,
    /// It stands still, whatever it is waiting for.
    pub(crate) frozen: bool,
}

/// That an invocation said that records are done, and what there was at that moment.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    pub(crate) group: Group,
    pub(crate) range: Range<i64>,
    pub(crate) objects: usize,
    pub(crate) published: usize,
}

/// Everything that a schedule is about.
pub(crate) struct Schedule {
    pub(crate) dice: Dice,
    pub(crate) plan: Plan,
    pub(crate) breach: Option<Breach>,
    pub(crate) world: Shared,
    /// Milliseconds since 1970.
    pub(crate) clock: i64,
    pub(crate) partitions: Vec<Partition>,
    pub(crate) pollers: Vec<Poller>,
    pub(crate) processes: Vec<Process>,
    pub(crate) invocations: Vec<Invocation>,
    /// Offsets that the broker knows to be done.
    pub(crate) committed: BTreeMap<Group, i64>,
    /// Offset commits on their way to the broker.
    pub(crate) commits: Vec<(Group, i64)>,
    /// How far each group was ever delivered.
    pub(crate) delivered: BTreeMap<Group, i64>,
    pub(crate) done: Vec<Done>,
    pub(crate) next_number: u64,
    choices: Vec<Choice>,
}

/// Something that can happen next.
#[derive(Debug, Clone, Copy)]
enum Choice {
    /// A record comes in.
    Append(usize),
    /// A poller fetches records and invokes its function.
    Fetch(usize),
    /// An invocation goes on.
    Poll(usize),
    /// A request comes one stage further.
    Carry(usize),
    /// The broker takes an offset commit.
    Commit(usize),
}

/// Steps after which a trigger that is refused has shown that it does not get past a gap.
const PATIENCE: usize = 500;

/// Steps in which an undisturbed system must have caught up; it takes some hundreds.
const CALM_STEPS: usize = 20_000;

impl Schedule {
    pub(crate) fn new(
        seed: u64,
        only: Option<Function>,
        breach: Option<Breach>,
        world: Shared,
    ) -> Self {
        let mut dice = Dice::new(seed);
        let plan = Plan::draw(&mut dice, only);
        let mut partitions = Vec::new();
        for topic in &plan.topics {
            for number in 0..topic.partitions {
                let start = if dice.chance(500) {
                    0
                } else {
                    dice.between(1, 3_000)
                };
                partitions.push(Partition {
                    table: topic.table,
                    topic: topic.table.topic().unwrap_or_default(),
                    number,
                    functions: topic.functions.clone(),
                    start,
                    kept_from: start,
                    records: Vec::new(),
                    to_come: plan.records,
                });
            }
        }
        let mut schedule = Self {
            dice,
            plan,
            breach,
            world,
            clock: BEGINNING,
            partitions,
            pollers: Vec::new(),
            processes: Vec::new(),
            invocations: Vec::new(),
            committed: BTreeMap::new(),
            commits: Vec::new(),
            delivered: BTreeMap::new(),
            done: Vec::new(),
            next_number: 0,
            choices: Vec::new(),
        };
        for group in schedule.groups() {
            let start = schedule.partitions[group.1].start;
            schedule.committed.insert(group, start);
            schedule.delivered.insert(group, start);
        }
        schedule.assign_one_poller_to_each_function();
        schedule
    }

    /// Every function with every partition that it is triggered by.
    pub(crate) fn groups(&self) -> Vec<Group> {
        let of = |(at, partition): (usize, &Partition)| -> Vec<Group> {
            partition
                .functions
                .iter()
                .map(|&function| (function, at))
                .collect()
        };
        self.partitions.iter().enumerate().flat_map(of).collect()
    }

    /// Runs the schedule; false if the system has not caught up although nothing disturbed it any more.
    pub(crate) fn run(&mut self) -> bool {
        for _ in 0..self.plan.steps {
            self.disturb();
            if !self.step() && !self.thaw() && self.is_caught_up() {
                break;
            }
        }
        self.calm();
        for step in 1..=CALM_STEPS {
            // A function that meets a gap is refused for ever, so its trigger never rests.
            let is_over = step % PATIENCE == 0 && self.is_stopped() && self.is_consumed();
            if is_over || !self.step() {
                return is_over || self.is_caught_up();
            }
        }
        false
    }

    /// From now on nothing goes wrong any more. What was on its way still is.
    fn calm(&mut self) {
        self.trace(|| "all is calm from now on".to_owned());
        self.plan.faults = Faults::default();
        self.plan.lost_commits = 0;
        self.plan.late_commits = 0;
        self.plan.chaos.hole = 0;
        for invocation in &mut self.invocations {
            invocation.frozen = false;
            invocation.poller = None;
        }
        for (group, offset) in std::mem::take(&mut self.commits) {
            self.commit(group, offset);
        }
        self.assign_one_poller_to_each_function();
    }

    fn is_caught_up(&self) -> bool {
        self.is_consumed() && self.invocations.is_empty()
    }

    /// Whether a chain has come to a gap.
    fn is_stopped(&self) -> bool {
        self.groups().into_iter().any(|group| self.has_gap(group))
    }

    /// Whether all is consumed that can be; past a gap nothing can.
    fn is_consumed(&self) -> bool {
        let mut all = self.committed.iter();
        let consumed = all.all(|(group, &offset)| {
            let Partition { kept_from, .. } = self.partitions[group.1];
            let end = self.partitions[group.1].end();
            offset == end || kept_from == end || self.has_gap(*group)
        });
        let produced = self
            .partitions
            .iter()
            .all(|partition| partition.to_come == 0);
        consumed && produced
    }

    /// One thing happens, if anything can.
    fn step(&mut self) -> bool {
        self.clock += self.dice.between(0, 20);
        self.look_around();
        if self.choices.is_empty() {
            return self.wait_for_a_poller();
        }
        self.world.lock().figures.steps += 1;
        let choice = self.dice.pick(&self.choices);
        match choice {
            Choice::Append(at) => self.append(at),
            Choice::Fetch(at) => self.fetch(at),
            Choice::Poll(at) => {
                if let Some(ended) = self.invocations[at].task.poll() {
                    self.end(at, ended);
                }
            }
            Choice::Carry(at) => {
                let mut world = self.world.lock();
                world.advance(at, &mut self.dice, &self.plan.faults);
            }
            Choice::Commit(at) => {
                let (group, offset) = self.commits.swap_remove(at);
                self.commit(group, offset);
            }
        }
        true
    }

    fn look_around(&mut self) {
        self.choices.clear();
        let append = self.partitions.iter().enumerate();
        self.choices.extend(
            append
                .filter(|(_, partition)| partition.to_come > 0)
                .map(|(at, _)| Choice::Append(at)),
        );
        for at in 0..self.pollers.len() {
            if self.is_ready(at) && self.pollers[at].not_before <= self.clock {
                self.choices.push(Choice::Fetch(at));
            }
        }
        let poll = self.invocations.iter().enumerate();
        self.choices.extend(
            poll.filter(|(_, invocation)| !invocation.frozen && invocation.task.is_woken())
                .map(|(at, _)| Choice::Poll(at)),
        );
        let world = self.world.lock();
        let carry = world.requests.iter().enumerate();
        self.choices.extend(
            carry
                .filter(|(_, request)| !matches!(request.stage, Stage::Delivered(_)))
                .map(|(at, _)| Choice::Carry(at)),
        );
        self.choices
            .extend((0..self.commits.len()).map(Choice::Commit));
    }

    /// Time passes until a poller that has something to do may try again.
    fn wait_for_a_poller(&mut self) -> bool {
        let waiting = (0..self.pollers.len()).filter(|&at| self.is_ready(at));
        match waiting.map(|at| self.pollers[at].not_before).min() {
            Some(then) => {
                self.clock = self.clock.max(then);
                true
            }
            None => false,
        }
    }

    /// The broker takes an offset commit, also one that goes back.
    pub(crate) fn commit(&mut self, group: Group, offset: i64) {
        self.committed.insert(group, offset);
        self.trace(|| format!("{group:?} is committed up to {offset}"));
    }

    fn append(&mut self, at: usize) {
        self.clock += self.dice.between(0, 9_000);
        self.partitions[at].append(self.clock, &self.plan, &mut self.dice);
        let partition = &self.partitions[at];
        let (topic, number, offset) = (partition.topic, partition.number, partition.end() - 1);
        self.world.lock().figures.records += 1;
        self.trace(|| format!("record {offset} comes into {topic}-{number}"));
    }

    pub(crate) fn trace(&self, event: impl FnOnce() -> String) {
        self.world.lock().trace(event);
    }
}
