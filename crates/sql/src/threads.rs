//! The threads of one statement.

use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::{Limits, SqlError, resident};

/// The engine recurses over plans; its frames are large when it is not optimised.
const STACK: usize = 32 << 20;
/// How often threads that were given up are looked at.
const INTERVAL: Duration = Duration::from_millis(20);
/// How long they may go on: what they are in the middle of is one batch of rows.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is done about a statement that goes on although it was given up; its argument says why it cannot go on.
pub type Runaway = fn(&str);

thread_local! {
    /// Whether the statement that this thread is of was given up.
    static GIVEN_UP: OnceCell<Arc<AtomicBool>> = const { OnceCell::new() };
}

/// Whether this thread works for a statement that was given up: what takes long asks now and then, and stops.
pub(crate) fn is_given_up() -> bool {
    GIVEN_UP.with(|flag| flag.get().is_some_and(|flag| flag.load(Ordering::Relaxed)))
}

/// The threads of one statement; dropping them does not wait for a thread that is busy, but sees to it that it ends.
pub(crate) struct Threads {
    runtime: Option<Runtime>,
    running: Arc<AtomicUsize>,
    given_up: Arc<AtomicBool>,
    limits: Limits,
    runaway: Runaway,
}

impl Threads {
    pub(crate) fn start(
        parallelism: usize,
        limits: Limits,
        runaway: Runaway,
    ) -> Result<Self, SqlError> {
        let running = Arc::new(AtomicUsize::new(0));
        let (started, stopped) = (Arc::clone(&running), Arc::clone(&running));
        let given_up = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&given_up);
        let runtime = Builder::new_multi_thread()
            .worker_threads(parallelism)
            .max_blocking_threads(4 * parallelism)
            .thread_stack_size(STACK)
            .thread_name("sql")
            .on_thread_start(move || {
                started.fetch_add(1, Ordering::Relaxed);
                GIVEN_UP.with(|known| known.get_or_init(|| Arc::clone(&flag)).clone());
            })
            .on_thread_stop(move || {
                stopped.fetch_sub(1, Ordering::Relaxed);
            })
            .enable_all()
            .build()
            .map_err(SqlError::Start)?;
        Ok(Self {
            runtime: Some(runtime),
            running,
            given_up,
            limits,
            runaway,
        })
    }

    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        #[expect(clippy::expect_used, reason = "the runtime is taken by drop alone")]
        self.runtime
            .as_ref()
            .expect("threads run until they are dropped")
            .spawn(work)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else {
            return;
        };
        self.given_up.store(true, Ordering::Relaxed);
        runtime.shutdown_background();
        let (running, limits, runaway) = (Arc::clone(&self.running), self.limits, self.runaway);
        let watch = move || watch(&running, limits, runaway);
        // Where there is no thread to be had for it, there was none for the next statement either.
        let _ = std::thread::Builder::new()
            .name("sql-ending".to_owned())
            .spawn(watch);
    }
}

/// Waits for threads to end. The time is counted by looks, for a function that is frozen between two invocations has
/// not run meanwhile.
fn watch(running: &AtomicUsize, limits: Limits, runaway: Runaway) {
    let start = resident::resident();
    let looks = PATIENCE.as_millis() / INTERVAL.as_millis();
    for _ in 0..looks {
        if running.load(Ordering::Relaxed) == 0 {
            return;
        }
        let growth = resident::resident().zip(start);
        if growth.is_some_and(|(now, start)| now > start.saturating_add(limits.memory)) {
            return runaway("a statement that was stopped takes ever more memory");
        }
        std::thread::park_timeout(INTERVAL);
    }
    if running.load(Ordering::Relaxed) > 0 {
        runaway("a statement that was stopped does not end");
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Instant;

    use super::*;

    /// Whether the statement below was reported.
    static REPORTED: AtomicBool = AtomicBool::new(false);

    #[test]
    fn what_goes_on_after_it_was_given_up_is_reported() {
        let limits = Limits {
            memory: 16 << 20,
            ..Limits::default()
        };
        let report = |_: &str| REPORTED.store(true, Ordering::Relaxed);
        let threads = Threads::start(1, limits, report).unwrap();
        let (begun, begins) = std::sync::mpsc::channel();
        let greedy = async move {
            begun.send(is_given_up()).unwrap();
            let mut taken = Vec::new();
            while !REPORTED.load(Ordering::Relaxed) {
                taken.push(vec![1_u8; 1 << 20]);
                std::thread::park_timeout(Duration::from_millis(2));
            }
            is_given_up()
        };
        let greedy = threads.spawn(greedy);
        assert!(!begins.recv().unwrap());
        assert!(!REPORTED.load(Ordering::Relaxed));
        drop(threads);
        let limit = Instant::now() + Duration::from_secs(60);
        while !REPORTED.load(Ordering::Relaxed) && Instant::now() < limit {
            std::thread::yield_now();
        }
        assert!(REPORTED.load(Ordering::Relaxed));
        drop(greedy);
    }
}
