//! What is done to processes, pollers and holdings between two steps.

use domain::PortfolioId;
use wire::commands::{AcceptGap, Command};

use crate::log::{Partition, moment, portfolio};
use crate::process::Function;
use crate::schedule::{Group, Schedule};
use crate::trigger::{Claim, Poller};

/// Whose holdings are edited.
const EDITED: [(u32, u32); 4] = [(1, 1), (1, 2), (2, 1), (4, 1)];

/// What disturbs a schedule; `None` where there is nothing to disturb.
type Disturbance = fn(&mut Schedule) -> Option<()>;

impl Schedule {
    /// Lets happen what the plan has of disturbances, each by its own chance.
    pub(crate) fn disturb(&mut self) {
        let chaos = self.plan.chaos;
        let disturbances: [(u32, Disturbance); 12] = [
            (chaos.crash, Self::crash),
            (chaos.cancel, Self::cancel),
            (chaos.freeze, Self::freeze),
            (chaos.thaw, |schedule| schedule.thaw().then_some(())),
            (chaos.abandon, Self::abandon),
            (chaos.hand_over, |schedule| schedule.reassign(false)),
            (chaos.double, |schedule| schedule.reassign(true)),
            (chaos.rewind, Self::rewind),
            (chaos.ahead, Self::run_ahead),
            (chaos.edit, Self::edit_holdings),
            (chaos.retention, Self::drop_oldest),
            (chaos.accept, Self::accept_gap),
        ];
        for (permille, disturbance) in disturbances {
            if self.dice.chance(permille) {
                // Where there is nothing to disturb nothing is.
                let _ = disturbance(self);
            }
        }
    }

    /// A process dies. What it asked for may be carried out all the same.
    fn crash(&mut self) -> Option<()> {
        let busy: Vec<usize> = (0..self.processes.len())
            .filter(|&at| self.processes[at].running > 0)
            .collect();
        busy.first()?;
        let at = self.dice.pick(&busy);
        let process = self.processes.swap_remove(at);
        self.world.lock().figures.crashes += 1;
        self.trace(|| format!("process {} dies", process.id));
        let (dead, alive) = std::mem::take(&mut self.invocations)
            .into_iter()
            .partition(|invocation| invocation.process == process.id);
        self.invocations = alive;
        for invocation in Vec::from_iter(dead) {
            if let Some(poller) = invocation.poller {
                self.free(poller, true);
            }
        }
        Some(())
    }

    /// An invocation is dropped where it stands, and its process goes on with what is left.
    fn cancel(&mut self) -> Option<()> {
        let at = self.any_invocation(|_| true)?;
        let invocation = self.invocations.swap_remove(at);
        let mut processes = self.processes.iter_mut();
        processes
            .find(|process| process.id == invocation.process)?
            .running -= 1;
        self.world.lock().figures.cancelled += 1;
        self.trace(|| format!("invocation {} is dropped", invocation.number));
        if let Some(poller) = invocation.poller {
            self.free(poller, true);
        }
        Some(())
    }

    /// An invocation stands still for long. Its poller does not wait for it, in most cases.
    fn freeze(&mut self) -> Option<()> {
        let at = self.any_invocation(|schedule| !schedule.frozen)?;
        self.invocations[at].frozen = true;
        let number = self.invocations[at].number;
        self.trace(|| format!("invocation {number} freezes"));
        if self.dice.chance(850) {
            self.give_up(at);
        }
        Some(())
    }

    /// An invocation that stood still goes on; false if there is none.
    pub(crate) fn thaw(&mut self) -> bool {
        let Some(at) = self.any_invocation(|invocation| invocation.frozen) else {
            return false;
        };
        self.invocations[at].frozen = false;
        let number = self.invocations[at].number;
        self.trace(|| format!("invocation {number} wakes up"));
        true
    }

    /// A poller gives up on an invocation that goes on.
    fn abandon(&mut self) -> Option<()> {
        let at = self.any_invocation(|invocation| invocation.poller.is_some())?;
        self.give_up(at);
        Some(())
    }

    fn give_up(&mut self, at: usize) {
        let number = self.invocations[at].number;
        if let Some(poller) = self.invocations[at].poller.take() {
            self.world.lock().figures.zombies += 1;
            self.trace(|| format!("invocation {number} is given up"));
            self.free(poller, true);
        }
    }

    fn any_invocation(
        &mut self,
        fits: impl Fn(&crate::schedule::Invocation) -> bool,
    ) -> Option<usize> {
        let fit: Vec<usize> = (0..self.invocations.len())
            .filter(|&at| fits(&self.invocations[at]))
            .collect();
        fit.first()?;
        Some(self.dice.pick(&fit))
    }

    /// A partition goes to another poller, which begins at the committed offset; one that is `doubled` stays with the
    /// first poller too.
    fn reassign(&mut self, doubled: bool) -> Option<()> {
        let from = self.dice.below(self.pollers.len());
        let claims = self.pollers[from].claims.len();
        let function = self.pollers[from].function;
        if claims == 0 {
            return None;
        }
        let claim = self.dice.below(claims);
        let partition = self.pollers[from].claims[claim].partition;
        if !doubled {
            self.pollers[from].claims.swap_remove(claim);
        }
        let others: Vec<usize> = (0..self.pollers.len())
            .filter(|&at| at != from && self.pollers[at].function == function)
            .collect();
        let to = if others.is_empty() || self.dice.chance(300) {
            self.pollers.push(Poller::new(function));
            self.pollers.len() - 1
        } else {
            self.dice.pick(&others)
        };
        let position = self.committed[&(function, partition)];
        let claims = &mut self.pollers[to].claims;
        claims.retain(|claim| claim.partition != partition);
        claims.push(Claim::new(partition, position));
        self.world.lock().figures.moves += 1;
        self.trace(|| {
            format!("partition {partition} of {function:?} from poller {from} to {to} at {position}, doubled: {doubled}")
        });
        Some(())
    }

    /// A poller steps back, as far as the log goes.
    fn rewind(&mut self) -> Option<()> {
        let (poller, claim) = self.any_idle_claim()?;
        let Claim {
            partition,
            position,
            left_out,
        } = self.pollers[poller].claims[claim];
        let back = self
            .dice
            .between(self.partitions[partition].start, position);
        let left_out = left_out.filter(|&first| first < back);
        self.pollers[poller].claims[claim] = Claim {
            partition,
            position: back,
            left_out,
        };
        self.trace(|| format!("poller {poller} steps back from {position} to {back}"));
        Some(())
    }

    /// A poller leaves records out for now. A chain without links would rightly take what comes first, so not then.
    fn run_ahead(&mut self) -> Option<()> {
        let (poller, claim) = self.any_idle_claim()?;
        let Claim {
            partition,
            position,
            left_out,
        } = self.pollers[poller].claims[claim];
        let end = self.partitions[partition].end();
        if position + 1 >= end || !self.has_links((self.pollers[poller].function, partition)) {
            return None;
        }
        let ahead = self.dice.between(position + 1, end - 1);
        self.pollers[poller].claims[claim] = Claim {
            partition,
            position: ahead,
            left_out: left_out.or(Some(position)),
        };
        self.world.lock().figures.ahead += 1;
        self.trace(|| format!("poller {poller} runs ahead from {position} to {ahead}"));
        Some(())
    }

    fn any_idle_claim(&mut self) -> Option<(usize, usize)> {
        let poller = self.dice.below(self.pollers.len());
        let Poller {
            is_busy, claims, ..
        } = &self.pollers[poller];
        if *is_busy || claims.is_empty() {
            return None;
        }
        Some((poller, self.dice.below(claims.len())))
    }

    /// The broker's retention passes some records, whether they are consumed or not.
    fn drop_oldest(&mut self) -> Option<()> {
        let at = self.dice.below(self.partitions.len());
        let partition = &mut self.partitions[at];
        partition.kept_from = self.dice.between(partition.kept_from, partition.end());
        let kept_from = partition.kept_from;
        self.world.lock().figures.dropped += 1;
        self.trace(|| format!("the records of partition {at} below {kept_from} are gone"));
        Some(())
    }

    /// Somebody accepts that the records between a chain's end and the oldest that there are will never come.
    fn accept_gap(&mut self) -> Option<()> {
        let groups = self.groups().into_iter();
        let gaps: Vec<Group> = groups.filter(|&group| self.has_gap(group)).collect();
        gaps.first()?;
        let (function, partition) = self.dice.pick(&gaps);
        let Partition {
            topic,
            number,
            kept_from,
            ..
        } = self.partitions[partition];
        let gap = AcceptGap {
            topic: topic.to_owned(),
            partition: number,
            first: self.end_of((function, partition))?,
            end: kept_from,
            reason: "simulated".to_owned(),
        };
        self.world.lock().figures.acceptances += 1;
        self.trace(|| format!("somebody accepts {gap:?} for {function:?}"));
        let process = self.process_for(function);
        let now = moment(self.clock);
        let work = self.processes[process].command(Command::AcceptGap(gap), now);
        let process = self.processes[process].id;
        self.begin(None, process, Vec::new(), work);
        Some(())
    }

    fn edit_holdings(&mut self) -> Option<()> {
        let evaluates = |(function, _): &(Function, usize)| *function == Function::Evaluate;
        self.groups().iter().find(|group| evaluates(group))?;
        let (investor, number) = self.dice.pick(&EDITED);
        let id = PortfolioId {
            investor,
            portfolio: number,
        };
        let edited = portfolio(id, &mut self.dice);
        self.world.lock().figures.edits += 1;
        self.trace(|| format!("portfolio {id} is edited"));
        let editor = self.new_process(Function::Person);
        let work = self.processes[editor].edit(edited);
        let editor = self.processes[editor].id;
        self.begin(None, editor, Vec::new(), work);
        Some(())
    }
}
