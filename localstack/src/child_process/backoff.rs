//! Pauses between starts of a process that does not start.

use std::time::{Duration, Instant};

/// The first pause, and the longest one.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// The last start failed.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) reason: String,
    pub(crate) pause: Duration,
    /// No start is tried before this.
    pub(crate) until: Instant,
}

impl Failure {
    /// A failure seen at `now`; every one in a row doubles the pause.
    pub(crate) fn after(last: Option<&Self>, reason: String, now: Instant) -> Self {
        let pause = last.map_or(PAUSES.0, |last| (last.pause * 2).min(PAUSES.1));
        Self {
            reason,
            pause,
            until: now + pause,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let now = Instant::now();
        let mut last = Failure::after(None, String::new(), now);
        let mut pauses = vec![last.pause];
        for _ in 0..8 {
            last = Failure::after(Some(&last), String::new(), now);
            pauses.push(last.pause);
        }
        assert!(
            pauses
                .windows(2)
                .all(|two| two[1] == (two[0] * 2).min(PAUSES.1))
        );
        assert_eq!(last.pause, PAUSES.1);
        assert_eq!(last.until, now + PAUSES.1);
    }
}
