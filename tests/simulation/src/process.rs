//! Processes that run functions: the real code over simulated ports, kept warm from one invocation to the next.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use domain::Portfolio;
use domain::window::WindowRule;
use futures::lock::Mutex;
use lake::{Epoch, Gaps, Retry, Store};
use lambda_kit::kafka::{BatchResponse, KafkaEvent, PartitionBatch};
use lambda_kit::{Deadline, Event, run};
use wire::commands::Command;

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
    Person,
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
    max_ahead: TimeDelta,
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
        max_ahead: TimeDelta,
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
            max_ahead,
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
        match self.function {
            Function::Evaluate => {
                let context = self.evaluator();
                Box::pin(async move {
                    match context.await {
                        Ok(context) => {
                            let outcome = evaluate::handle(event, no_deadline(), &context).await;
                            ended(Warm::Evaluate(context), outcome.map_err(words))
                        }
                        Err(failed) => not_started(failed),
                    }
                })
            }
            Function::Archive => {
                let context = self.archiver();
                Box::pin(async move {
                    let outcome = archive::handle(event, &context).await;
                    ended(Warm::Archive(context), outcome.map_err(words))
                })
            }
            Function::Committer | Function::Person => {
                let committer = match self.warm.clone() {
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

    /// Begins a person's command to a function.
    pub(crate) fn command(&mut self, command: Command, now: DateTime<Utc>) -> Work {
        self.running += 1;
        let event = Event {
            records: KafkaEvent::default(),
            command: Some(command),
        };
        let nothing = |_| BatchResponse::default();
        if self.function == Function::Evaluate {
            let context = self.evaluator();
            return Box::pin(async move {
                match context.await {
                    Ok(context) => {
                        let outcome = evaluate::serve(event, no_deadline(), now, &context).await;
                        let outcome = outcome.map(nothing).map_err(words);
                        ended(Warm::Evaluate(context), outcome)
                    }
                    Err(failed) => not_started(failed),
                }
            });
        }
        let context = self.archiver();
        Box::pin(async move {
            let outcome = archive::serve(event, now, &context).await;
            let nothing = |_| BatchResponse::default();
            ended(Warm::Archive(context), outcome.map(nothing).map_err(words))
        })
    }

    /// Begins an edition of holdings.
    pub(crate) fn edit(&mut self, portfolio: Portfolio) -> Work {
        self.running += 1;
        let store = self.store.clone();
        Box::pin(async move {
            let outcome = lake::holdings::put(store.as_ref(), portfolio).await;
            Ended {
                warm: None,
                outcome: outcome.map(|_| BatchResponse::default()).map_err(words),
            }
        })
    }

    /// The process's context of `evaluate`: its warm one, or one that starts cold.
    fn evaluator(
        &self,
    ) -> impl Future<Output = Result<Arc<evaluate::Context>, evaluate::ConnectError>> + use<> {
        let warm = self.warm.clone();
        let store = self.store.clone();
        let topic = Arc::new(SimulatedTopic::new(self.world.clone(), self.id));
        async move {
            if let Some(Warm::Evaluate(context)) = warm {
                return Ok(context);
            }
            let context = evaluate::Context::new(store, topic, settings()).await?;
            Ok(Arc::new(context.with_retry(RETRY)))
        }
    }

    /// The process's context of `archive`, which starts without asking anything.
    fn archiver(&mut self) -> Arc<archive::Context> {
        if let Some(Warm::Archive(context)) = &self.warm {
            return context.clone();
        }
        let context =
            archive::Context::new(self.store.clone(), Epoch::default(), self.max_ahead, RETRY);
        let context = Arc::new(context);
        self.warm = Some(Warm::Archive(context.clone()));
        context
    }
}

fn not_started(failed: evaluate::ConnectError) -> Ended {
    Ended {
        warm: None,
        outcome: Err(words(failed)),
    }
}

fn words(error: impl std::error::Error + 'static) -> String {
    run::chain(&error)
}

fn ended(warm: Warm, outcome: Result<BatchResponse, String>) -> Ended {
    Ended {
        warm: Some(warm),
        outcome,
    }
}
