//! Time as an argument: the machine's, and one that tests move by hand.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio::time::Instant;

#[cfg(test)]
pub(crate) mod manual;

/// Tells the time and waits for it.
#[async_trait]
pub trait Clock: Send + Sync + 'static {
    /// Time since this clock was made; never goes back.
    fn elapsed(&self) -> Duration;

    /// The time of day.
    fn utc(&self) -> DateTime<Utc>;

    /// Waits until [`Clock::elapsed`] has reached `at`.
    async fn sleep_until(&self, at: Duration);

    /// Waits this long.
    async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.elapsed() + duration).await;
    }
}

/// The machine's time.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn utc(&self) -> DateTime<Utc> {
        Utc::now()
    }

    async fn sleep_until(&self, at: Duration) {
        tokio::time::sleep_until(self.start + at).await;
    }
}
