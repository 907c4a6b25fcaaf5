//! Processes that run functions: the real code over simulated ports, kept warm from one invocation to the next.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use chrono::TimeDelta;
use domain::Portfolio;
use domain::window::WindowRule;
use futures::lock::Mutex;
use lake::{Epoch, Gaps, Retry, Store};
use lambda_kit::kafka::{BatchResponse, KafkaEvent, PartitionBatch};
use lambda_kit::{Deadline, run};

use crate::breach::{Breach, BrokenStore, FirstOffsets};
use crate::committer::Committer;
use crate::network::{Client, Shared};
use crate::ports::{SimulatedStore, SimulatedTopic};
use crate::task::{Ended, Work};

/// How far a tick may be ahead of the broker's time.
pub(crate) const MAX_AHEAD: TimeDelta = TimeDelta::hours(1);

/// A request that fails is tried again at once: the schedule lets as much happen between two requests as it likes, so a
/// pause would add nothing but a clock that it does not rule.
const RETRY: Retry = Retry {
    attempts: 3,
    pause: Duration::ZERO,
};

/// A function, or what else has a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Function {
    /// `archive`.
    Archive,
    /// `evaluate`.
    Evaluate,
    /// A chain and nothing else.
    Committer,
    /// Somebody who edits holdings.
    Editor,
}

/// What a process keeps between invocations.
#[derive(Clone)]
pub(crate) enum Warm {
    Archive(Arc<archive::Context>),
    Evaluate(Arc<evaluate::Context>),
    Committer(Arc<Mutex<Committer>>),
}

/// A process.
pub(crate) struct Process {
    pub(crate) id: Client,
    pub(crate) function: Function,
    /// Nothing before the first invocation has made it.
    pub(crate) warm: Option<Warm>,
    /// Invocations that run in it.
    pub(crate) running: usize,
    store: Arc<dyn Store>,
    world: Shared,
    gaps: Gaps,
    firsts: FirstOffsets,
}

/// The settings of `evaluate`.
pub(crate) fn settings() -> evaluate::Settings {
    let rule = WindowRule::new(TimeDelta::seconds(20), TimeDelta::seconds(2));
    evaluate::Settings {
        epoch: Epoch::default(),
        rule: rule.unwrap_or_else(|invalid| unreachable!("{invalid}")),
        max_ahead: MAX_AHEAD,
        investors: None,
    }
}

/// A time that no invocation lives to see.
pub(crate) fn no_deadline() -> Deadline {
    Deadline::at(SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 33))
}

impl Process {
    pub(crate) fn start(
        id: Client,
        function: Function,
        world: Shared,
        breach: Option<Breach>,
    ) -> Self {
        let firsts = FirstOffsets::default();
        let inner = SimulatedStore::new(world.clone(), id);
        let store: Arc<dyn Store> = match breach {
            None => Arc::new(inner),
            Some(breach) => Arc::new(BrokenStore {
                inner,
                breach,
                firsts: firsts.clone(),
            }),
        };
        let gaps = match breach {
            Some(Breach::NoGapCheck) => Gaps::Skip,
            _ => Gaps::Refuse,
        };
        Self {
            id,
            function,
            warm: None,
            running: 0,
            store,
            world,
            gaps,
            firsts,
        }
    }

    /// Begins an invocation; nothing of it runs yet.
    pub(crate) fn invoke(&mut self, batches: Vec<PartitionBatch>) -> Work {
        self.running += 1;
        let mut firsts = self.firsts.lock().unwrap_or_else(PoisonError::into_inner);
        for batch in &batches {
            if let Some(first) = batch.records.first() {
                firsts.insert((batch.topic.clone(), batch.partition), first.offset);
            }
        }
        drop(firsts);
        let event = KafkaEvent::from_batches(batches);
        let store = self.store.clone();
        match (self.function, self.warm.clone()) {
            (Function::Evaluate, Some(Warm::Evaluate(context))) => {
                Box::pin(evaluated(context, event))
            }
            (Function::Evaluate, _) => {
                let topic = Arc::new(SimulatedTopic::new(self.world.clone(), self.id));
                Box::pin(async move {
                    match evaluate::Context::new(store, topic, settings()).await {
                        Ok(context) => evaluated(Arc::new(context.with_retry(RETRY)), event).await,
                        Err(failed) => Ended {
                            warm: None,
                            outcome: Err(run::chain(&failed)),
                        },
                    }
                })
            }
            (Function::Archive, warm) => {
                let context = match warm {
                    Some(Warm::Archive(context)) => context,
                    _ => {
                        let epoch = Epoch::default();
                        Arc::new(archive::Context::new(store, epoch, MAX_AHEAD, RETRY))
                    }
                };
                let warm = Warm::Archive(context.clone());
                self.warm = Some(warm.clone());
                Box::pin(async move {
                    let outcome = archive::handle(event, &context).await;
                    ended(warm, outcome.map_err(|error| run::chain(&error)))
                })
            }
            (Function::Committer | Function::Editor, warm) => {
                let committer = match warm {
                    Some(Warm::Committer(committer)) => committer,
                    _ => {
                        let committer = Committer::new(store, self.gaps, MAX_AHEAD, RETRY);
                        Arc::new(Mutex::new(committer))
                    }
                };
                let warm = Warm::Committer(committer.clone());
                Box::pin(async move {
                    let outcome = committer.lock().await.handle(event).await;
                    ended(warm, outcome)
                })
            }
        }
    }

    /// Begins an edition of holdings.
    pub(crate) fn edit(&mut self, portfolio: Portfolio) -> Work {
        self.running += 1;
        let store = self.store.clone();
        Box::pin(async move {
            let outcome = lake::holdings::put(store.as_ref(), portfolio).await;
            Ended {
                warm: None,
                outcome: outcome
                    .map(|_| BatchResponse::default())
                    .map_err(|error| run::chain(&error)),
            }
        })
    }
}

async fn evaluated(context: Arc<evaluate::Context>, event: KafkaEvent) -> Ended {
    let outcome = evaluate::handle(event, no_deadline(), &context).await;
    ended(
        Warm::Evaluate(context),
        outcome.map_err(|error| run::chain(&error)),
    )
}

fn ended(warm: Warm, outcome: Result<BatchResponse, String>) -> Ended {
    Ended {
        warm: Some(warm),
        outcome,
    }
}
