//! A clock that stands still until a test moves it; needs a current-thread runtime.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{sync::oneshot, task::yield_now};

use super::*;

/// How often every other task may run before it counts as waiting for the clock.
const ROUNDS: usize = 64;

/// The clock; clones share their time.
#[derive(Debug, Clone)]
pub(crate) struct ManualClock {
    start: DateTime<Utc>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    now: Duration,
    sleepers: Vec<(Duration, oneshot::Sender<()>)>,
}

impl ManualClock {
    /// A clock at this time of day.
    pub(crate) fn at(start: &str) -> Self {
        let start = start.parse().unwrap_or_default();
        Self {
            start,
            state: Arc::default(),
        }
    }

    /// Lets `duration` pass, with everything that happens in it in its order.
    pub(crate) async fn advance(&self, duration: Duration) {
        let end = self.elapsed() + duration;
        loop {
            for _ in 0..ROUNDS {
                yield_now().await;
            }
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.sleepers.retain(|(_, sleeper)| !sleeper.is_closed());
            let Some(next) = state
                .sleepers
                .iter()
                .map(|(at, _)| *at)
                .min()
                .filter(|at| *at <= end)
            else {
                state.now = end;
                return;
            };
            state.now = state.now.max(next);
            let (due, later): (Vec<_>, _) = std::mem::take(&mut state.sleepers)
                .into_iter()
                .partition(|(at, _)| *at <= next);
            state.sleepers = later;
            drop(state);
            for (_, sleeper) in due {
                // One that stopped waiting meanwhile needs no waking.
                let _ = sleeper.send(());
            }
        }
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn elapsed(&self) -> Duration {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .now
    }

    fn utc(&self) -> DateTime<Utc> {
        self.start + self.elapsed()
    }

    async fn sleep_until(&self, at: Duration) {
        let woken = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if at <= state.now {
                return;
            }
            let (sleeper, woken) = oneshot::channel();
            state.sleepers.push((at, sleeper));
            woken
        };
        let _ = woken.await;
    }
}
