//! How far the load is, for who watches: a bar on a terminal, else a line now and then.

use std::{
    convert::Infallible,
    fmt,
    io::{self, IsTerminal as _},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use tokio::time::{MissedTickBehavior, interval};

/// Between two pictures of the bar.
const FRAME: Duration = Duration::from_millis(100);
/// Between two lines where there is no terminal.
const LINE: Duration = Duration::from_secs(5);

/// Calls that have ended, counted by all connections.
#[derive(Debug, Default)]
pub(super) struct Progress {
    ended: AtomicU64,
    failed: AtomicU64,
}

impl Progress {
    /// A call has ended.
    pub(super) fn count(&self, acknowledged: bool) {
        self.ended.fetch_add(1, Ordering::Relaxed);
        if !acknowledged {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn now(&self) -> (u64, u64) {
        (
            self.ended.load(Ordering::Relaxed),
            self.failed.load(Ordering::Relaxed),
        )
    }

    /// Shows the progress on standard error until it is dropped.
    pub(super) async fn show(&self, total: u64) -> Infallible {
        if io::stderr().is_terminal() {
            self.bar(total).await
        } else {
            self.lines(total).await
        }
    }

    async fn bar(&self, total: u64) -> Infallible {
        let bar = Bar(ProgressBar::new(total).with_style(style()));
        let mut frames = interval(FRAME);
        frames.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            frames.tick().await;
            let (ended, failed) = self.now();
            bar.0.set_message(format!("{failed} failed"));
            bar.0.set_position(ended);
        }
    }

    async fn lines(&self, total: u64) -> Infallible {
        let since = Instant::now();
        let mut lines = interval(LINE);
        lines.tick().await;
        loop {
            lines.tick().await;
            let (ended, failed) = self.now();
            let rate = per_second(ended, since.elapsed());
            crate::cli::say_to(
                io::stderr(),
                &format!("{ended} of {total} sent, {rate} a second, {failed} failed"),
            );
        }
    }
}

/// Leaves no half bar before the table.
struct Bar(ProgressBar);

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::default_bar()
        .with_key("rate", |state: &ProgressState, f: &mut dyn fmt::Write| {
            let _ = write!(f, "{:.0}/s", state.per_sec());
        })
        .template("{elapsed:>4} [{wide_bar}] {pos}/{len}  {rate}  {msg}  {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Calls a second, rounded.
pub(super) fn per_second(calls: u64, time: Duration) -> u64 {
    let millis = u128::max(time.as_millis(), 1);
    u64::try_from(u128::from(calls) * 1000 / millis).unwrap_or(u64::MAX)
}
