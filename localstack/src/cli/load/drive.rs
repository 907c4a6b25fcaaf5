//! Sends a plan over several connections at once, and counts what becomes of it.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    connection::{Connection, Unreachable},
    plan::{Lane, Plan},
    progress::Progress,
    tally::Tally,
};

/// How often a server that is away is looked for.
const LOOK: Duration = Duration::from_millis(200);

/// How long others are waited for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// How long a server may be away in the middle of a load.
    pub(super) away: Duration,
    /// How long answers to calls on their way may take after the wish to stop.
    pub(super) grace: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            away: Duration::from_secs(5),
            grace: Duration::from_secs(5),
        }
    }
}

/// What a load came to.
#[derive(Debug)]
pub(super) struct Driven {
    pub(super) tally: Tally,
    pub(super) took: Duration,
    pub(super) interrupted: bool,
    /// Why not all was sent, if the API went away.
    pub(super) unreachable: Option<Unreachable>,
}

/// What the connections share.
#[derive(Debug)]
struct Work {
    plan: Mutex<Plan>,
    stopping: AtomicBool,
    progress: Arc<Progress>,
    patience: Patience,
}

impl Work {
    fn next(&self) -> Option<Lane> {
        // A plan in which another task panicked is still a plan.
        self.plan
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next()
    }

    fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

/// Sends the whole plan, or what can be sent before `stop` is ready. Each connection sends one call at a time.
pub(super) async fn drive(
    plan: Plan,
    connections: Vec<Connection>,
    progress: Arc<Progress>,
    patience: Patience,
    stop: impl Future<Output = ()>,
) -> Driven {
    let since = Instant::now();
    let work = Arc::new(Work {
        plan: Mutex::new(plan),
        stopping: AtomicBool::new(false),
        progress,
        patience,
    });
    let (abandon, abandoned) = watch::channel(false);
    let mut workers = JoinSet::new();
    for connection in connections {
        workers.spawn(count(connection, Arc::clone(&work), abandoned.clone()));
    }
    let mut driven = Driven {
        tally: Tally::default(),
        took: Duration::ZERO,
        interrupted: false,
        unreachable: None,
    };
    tokio::select! {
        () = collect(&mut workers, &mut driven) => {}
        () = stop => {
            driven.interrupted = true;
            work.stop();
        }
    }
    if driven.interrupted
        && timeout(patience.grace, collect(&mut workers, &mut driven))
            .await
            .is_err()
    {
        abandon.send_replace(true);
        collect(&mut workers, &mut driven).await;
    }
    driven.took = since.elapsed();
    driven
}

async fn collect(workers: &mut JoinSet<(Tally, Option<Unreachable>)>, driven: &mut Driven) {
    while let Some(joined) = workers.join_next().await {
        match joined {
            Ok((tally, unreachable)) => {
                driven.tally.add(tally);
                driven.unreachable = driven.unreachable.take().or(unreachable);
            }
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

/// One connection's calls; counts those too whose answer nobody waits for any more.
async fn count(
    mut connection: Connection,
    work: Arc<Work>,
    mut abandoned: watch::Receiver<bool>,
) -> (Tally, Option<Unreachable>) {
    let mut tally = Tally::default();
    let ended = tokio::select! {
        ended = send_all(&mut connection, &work, &mut tally) => ended,
        _ = abandoned.wait_for(|abandoned| *abandoned) => Ok(()),
    };
    tally.abandon();
    if ended.is_err() {
        // What one connection cannot reach none can.
        work.stop();
    }
    (tally, ended.err())
}

async fn send_all(
    connection: &mut Connection,
    work: &Work,
    tally: &mut Tally,
) -> Result<(), Unreachable> {
    while !work.stopping()
        && let Some(lane) = work.next()
    {
        for _ in 0..lane.times {
            if work.stopping() {
                return Ok(());
            }
            tally.begin(lane.call.event_type.clone());
            let (outcome, took) = loop {
                let since = Instant::now();
                match connection.send(&lane.call).await {
                    Ok(outcome) => break (outcome, since.elapsed()),
                    // Nothing was sent: it can be as soon as the server is back.
                    Err(_) => {
                        tally.take_back();
                        reach(connection, work).await?;
                        if work.stopping() {
                            return Ok(());
                        }
                        tally.begin(lane.call.event_type.clone());
                    }
                }
            };
            work.progress.count(tally.end(outcome, took));
        }
    }
    Ok(())
}

/// Connects, however often that takes until the server is given up.
async fn reach(connection: &mut Connection, work: &Work) -> Result<(), Unreachable> {
    let deadline = Instant::now() + work.patience.away;
    loop {
        match connection.connect().await {
            Err(unreachable) if Instant::now() >= deadline => return Err(unreachable),
            Err(_) if !work.stopping() => sleep(LOOK).await,
            _ => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
