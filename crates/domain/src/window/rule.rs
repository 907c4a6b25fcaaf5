//! How event time is cut into windows, and how long a window waits for late ticks.

use chrono::{DateTime, TimeDelta, Utc};
use thiserror::Error;

/// Lengths of windows and of the allowed lateness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowRule {
    width: i64,
    lateness: i64,
}

/// A rule by which nothing could be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidRule {
    /// Windows have to be longer than nothing.
    #[error("a window must be from 1 s to 366 days long")]
    Width,
    /// Lateness cannot be negative.
    #[error("the allowed lateness must be from 0 s to 366 days")]
    Lateness,
}

const YEAR: i64 = 366 * 86_400 * 1_000_000;

impl WindowRule {
    /// Windows of `width`, aligned to 1970-01-01T00:00:00Z, that wait for `lateness`.
    pub fn new(width: TimeDelta, lateness: TimeDelta) -> Result<Self, InvalidRule> {
        let micros = |delta: TimeDelta| delta.num_microseconds().filter(|micros| *micros <= YEAR);
        let width = micros(width)
            .filter(|width| *width >= 1_000_000)
            .ok_or(InvalidRule::Width)?;
        let lateness = micros(lateness)
            .filter(|late| *late >= 0)
            .ok_or(InvalidRule::Lateness)?;
        Ok(Self { width, lateness })
    }

    /// The window that a moment falls into, as `(start, end)` in microseconds since 1970; the end is the next one's.
    pub(super) fn window_of(&self, moment: i64) -> (i64, i64) {
        let start = moment.saturating_sub(moment.rem_euclid(self.width));
        (start, start.saturating_add(self.width))
    }

    /// Whether a window that ends at `end` is closed once a tick of time `newest` has been seen.
    pub(super) fn closes(&self, end: i64, newest: i64) -> bool {
        end.saturating_add(self.lateness) <= newest
    }
}

/// A moment as it is shown; what lies past the calendar's ends becomes that end.
pub(super) fn moment(micros: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(micros).unwrap_or(if micros < 0 {
        DateTime::<Utc>::MIN_UTC
    } else {
        DateTime::<Utc>::MAX_UTC
    })
}
