//! The simulated services: object storage and the topic of the evaluations, and what they do to requests.

use std::collections::BTreeMap;

use bytes::Bytes;
use lake::{Created, ObjectPath};
use stream::Position;

use crate::dice::Dice;
use crate::figures::Figures;
use crate::network::{Answer, Call, Client, Request, Stage};
use crate::objects::{Objects, Versions};
use crate::plan::Faults;

/// What everybody shares.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) objects: Objects,
    /// Key and value of every record on the topic of the evaluations, in order.
    pub(crate) published: Vec<(String, Bytes)>,
    /// The requests under way, in an order that the schedule alone decides.
    pub(crate) requests: Vec<Request>,
    pub(crate) next_request: u64,
    /// The holdings that each process saw last.
    pub(crate) seen: BTreeMap<Client, Versions>,
    pub(crate) figures: Figures,
    /// What happened, where somebody wants to know.
    pub(crate) trace: Option<Vec<String>>,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    FailsBefore,
    FailsAfter,
    ComesLate,
    Conflicts,
    InPages,
}

impl World {
    /// Notes an event; it is put into words only where there is a trace.
    pub(crate) fn trace(&mut self, event: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(event());
        }
    }

    /// Takes the request at `at` one stage further.
    pub(crate) fn advance(&mut self, at: usize, dice: &mut Dice, faults: &Faults) {
        let at = self.before_it(at);
        let request = &mut self.requests[at];
        let id = request.id;
        match std::mem::replace(&mut request.stage, Stage::Sent { late: false }) {
            Stage::Sent { late } if request.waiting.is_none() => {
                let request = self.requests.swap_remove(at);
                if late || dice.chance(500) {
                    let answer = self.carry_out(&request.call);
                    self.trace(|| format!("#{id} takes effect, nobody waits for it: {answer}"));
                }
            }
            Stage::Sent { .. } => self.arrive(at, dice, faults),
            Stage::Paging { mut found } => {
                if let Call::List { prefix, .. } = &request.call {
                    let from = found.last().map(|path: &ObjectPath| path.as_str());
                    let rest = self.objects.list(prefix, from);
                    found.extend(rest);
                }
                self.requests[at].stage = Stage::Returning(Answer::Listed(found));
            }
            Stage::Returning(answer) => {
                if let Some(waker) = request.waiting.take() {
                    waker.wake();
                }
                request.stage = Stage::Delivered(answer);
                self.trace(|| format!("#{id} is answered"));
            }
            delivered @ Stage::Delivered(_) => request.stage = delivered,
        }
    }

    /// Records reach a topic in the order in which one process sent them.
    fn before_it(&self, at: usize) -> usize {
        let chosen = &self.requests[at];
        let is_waiting = |request: &Request| {
            matches!(request.stage, Stage::Sent { late: false })
                && matches!(request.call, Call::Publish { .. })
        };
        if !is_waiting(chosen) {
            return at;
        }
        let of_client = self.requests.iter().enumerate();
        of_client
            .filter(|(_, other)| other.client == chosen.client && is_waiting(other))
            .min_by_key(|(_, other)| other.id)
            .map_or(at, |(first, _)| first)
    }

    /// The request reaches its service, which does something about it.
    fn arrive(&mut self, at: usize, dice: &mut Dice, faults: &Faults) {
        let call = self.requests[at].call.clone();
        let (id, client) = (self.requests[at].id, self.requests[at].client);
        let fate = fate(&call, dice, faults);
        let answer = match fate {
            Fate::Answered => self.carry_out(&call),
            Fate::FailsBefore => {
                self.figures.failed_before += 1;
                Answer::Failed
            }
            Fate::FailsAfter => {
                self.figures.failed_after += 1;
                self.carry_out(&call);
                Answer::Failed
            }
            Fate::ComesLate => {
                self.figures.late += 1;
                let id = self.next_request;
                self.next_request += 1;
                self.requests.push(Request {
                    id,
                    client,
                    call,
                    stage: Stage::Sent { late: true },
                    waiting: None,
                });
                Answer::Failed
            }
            Fate::Conflicts => {
                self.figures.conflicts_409 += 1;
                Answer::Conflict
            }
            Fate::InPages => {
                self.figures.paged += 1;
                let Answer::Listed(mut found) = self.carry_out(&call) else {
                    return;
                };
                found.truncate(dice.below(found.len() + 1));
                self.trace(|| format!("#{id} has its first page, {} names", found.len()));
                if found.is_empty() {
                    // The page is yet to come.
                    self.requests[at].stage = Stage::Sent { late: false };
                } else {
                    self.requests[at].stage = Stage::Paging { found };
                }
                return;
            }
        };
        self.trace(|| format!("#{id} {fate:?}: {answer}"));
        self.requests[at].stage = Stage::Returning(answer);
    }

    /// What the service does when nothing goes wrong.
    fn carry_out(&mut self, call: &Call) -> Answer {
        match call {
            Call::Create { path, body, known } => {
                let created = self.objects.create(path, body.clone(), known.clone());
                if created == Created::Exists && path.as_str().ends_with(".parquet") {
                    self.figures.conflicts_412 += 1;
                }
                Answer::Created(created)
            }
            Call::Read { path } => Answer::Read(self.objects.read(path)),
            Call::List { prefix, after } => {
                Answer::Listed(self.objects.list(prefix, after.as_deref()))
            }
            Call::Folders { prefix } => Answer::Folders(self.objects.folders(prefix)),
            Call::Publish { key, value } => {
                let offset = self.published.len() as i64;
                self.published.push((key.clone(), value.clone()));
                Answer::Published(Position {
                    partition: 0,
                    offset,
                })
            }
        }
    }
}

fn fate(call: &Call, dice: &mut Dice, faults: &Faults) -> Fate {
    let changes = matches!(call, Call::Create { .. } | Call::Publish { .. });
    let creates = matches!(call, Call::Create { .. });
    let lists = matches!(call, Call::List { .. });
    let fates = [
        (true, faults.before, Fate::FailsBefore),
        (changes, faults.after, Fate::FailsAfter),
        (changes, faults.late, Fate::ComesLate),
        (creates, faults.conflict, Fate::Conflicts),
        (lists, faults.paged, Fate::InPages),
    ];
    for (applies, permille, fate) in fates {
        if applies && dice.chance(permille) {
            return fate;
        }
    }
    Fate::Answered
}
