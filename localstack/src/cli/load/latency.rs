//! How long answers took, counted in buckets that are fine for short times and coarse for long ones.

use std::{fmt, time::Duration};

/// Buckets for each doubling: a time is known to an eighth of itself.
const STEPS: usize = 8;
/// Doublings of a microsecond; the last is past an hour.
const DOUBLINGS: usize = 33;

/// Times of answers; those of several connections add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Latency {
    buckets: Vec<u64>,
    longest: Duration,
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            buckets: vec![0; STEPS * DOUBLINGS],
            longest: Duration::ZERO,
        }
    }
}

impl Latency {
    /// An answer came after this time.
    pub(super) fn record(&mut self, took: Duration) {
        self.buckets[bucket(took)] += 1;
        self.longest = self.longest.max(took);
    }

    /// Adds another connection's.
    pub(super) fn add(&mut self, other: &Self) {
        for (sum, count) in self.buckets.iter_mut().zip(&other.buckets) {
            *sum += count;
        }
        self.longest = self.longest.max(other.longest);
    }

    /// The time within which this share of the answers came, in hundredths; `None` where there are none.
    fn within(&self, percent: u64) -> Option<Duration> {
        let answers: u64 = self.buckets.iter().sum();
        let wanted = (answers * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let found = self.buckets.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        Some(end(found).min(self.longest))
    }
}

/// One line; empty where there are no answers.
impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(half), Some(most)) = (self.within(50), self.within(99)) else {
            return Ok(());
        };
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        write!(
            f,
            "answers: median {:.2} ms, 99 % within {:.2} ms, longest {:.2} ms",
            ms(half),
            ms(most),
            ms(self.longest)
        )
    }
}

/// Times below eight microseconds have a bucket each; from there on every doubling has eight.
fn bucket(time: Duration) -> usize {
    let micros = usize::try_from(time.as_micros()).unwrap_or(usize::MAX);
    if micros < STEPS {
        return micros;
    }
    let doubling = (micros.ilog2() - STEPS.ilog2()) as usize;
    let bucket = doubling * STEPS + (micros >> doubling);
    bucket.min(STEPS * DOUBLINGS - 1)
}

/// The time at which a bucket ends.
fn end(bucket: usize) -> Duration {
    let doubling = (bucket / STEPS).saturating_sub(1);
    let start = (bucket - doubling * STEPS) as u64;
    Duration::from_micros((start + 1) << doubling)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bucket_is_within_an_eighth(micros in 0..3_600_000_000_u64) {
            let time = Duration::from_micros(micros);
            let end = end(bucket(time));
            prop_assert!(end > time && end.as_micros() as u64 <= micros + micros / 8 + 1, "{end:?}");
            prop_assert!(bucket(time) <= bucket(time + Duration::from_micros(1)));
        }
    }

    #[test]
    fn shares_are_of_all_connections() {
        let (mut some, mut others) = (Latency::default(), Latency::default());
        assert_eq!(some.to_string(), "");
        for _ in 0..98 {
            some.record(Duration::from_millis(1));
        }
        others.record(Duration::from_secs(2));
        others.record(Duration::from_hours(100));
        some.add(&others);
        assert!(some.within(50).unwrap() < Duration::from_micros(1125));
        assert!(some.within(99).unwrap() >= Duration::from_secs(2));
        assert_eq!(
            some.within(100),
            Some(end(STEPS * DOUBLINGS - 1).min(Duration::from_hours(100)))
        );
    }
}
