//! How far a trigger is, for those who ask from time to time: records behind, and the age of the oldest of them.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::Utc;
use metrics::gauge;
use tokio::{sync::watch, time::timeout};

use super::kafka::{Bounds, Partition};
use crate::metrics::names::{LAG, UNREAD_AGE};

/// Whoever asks gets an answer within this, also when the broker gives none.
const LIMIT: Duration = Duration::from_secs(2);

/// A partition as its poller tells of it.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// The offset that comes next.
    pub(super) position: watch::Receiver<i64>,
    pub(super) oldest: Oldest,
}

/// The broker's timestamp of the oldest record that was read and is not done, in ms.
#[derive(Debug, Clone, Default)]
pub(super) struct Oldest(Arc<AtomicI64>);

impl Oldest {
    /// A record waits.
    pub(super) fn set(&self, timestamp: i64) {
        self.0.store(timestamp, Ordering::Relaxed);
    }

    /// All that was read is done.
    pub(super) fn clear(&self) {
        self.set(0);
    }

    /// How old it is, at `now` in ms; nothing waits: 0.
    fn age_seconds(&self, now: i64) -> f64 {
        match self.0.load(Ordering::Relaxed) {
            timestamp if timestamp > 0 => (now - timestamp).max(0) as f64 / 1000.0,
            _ => 0.0,
        }
    }
}

/// Asks one trigger; keeps nothing of it alive.
#[derive(Clone)]
pub(crate) struct Probe {
    pub(super) function: String,
    pub(super) bounds: Bounds,
    pub(super) partitions: BTreeMap<Partition, Seen>,
}

impl Probe {
    /// Sets the gauges to what is true now.
    pub(crate) async fn observe(&self) {
        let partitions: Vec<Partition> = self.partitions.keys().cloned().collect();
        let ends = match timeout(LIMIT, self.bounds.of(&partitions)).await {
            Ok(Some(bounds)) => bounds,
            // A trigger that is closed, or a broker that does not answer.
            Ok(None) | Err(_) => Vec::new(),
        };
        let now = Utc::now().timestamp_millis();
        for (index, ((topic, partition), seen)) in self.partitions.iter().enumerate() {
            let position = *seen.position.borrow();
            let lag = ends
                .get(index)
                .map_or(f64::NAN, |bounds| (bounds.high - position).max(0) as f64);
            let labels = [
                ("function", self.function.clone()),
                ("topic", topic.clone()),
                ("partition", partition.to_string()),
            ];
            gauge!(LAG, &labels).set(lag);
            gauge!(UNREAD_AGE, &labels).set(seen.oldest.age_seconds(now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_is_that_of_what_waits() {
        let oldest = Oldest::default();
        assert_eq!(oldest.age_seconds(5000), 0.0);
        oldest.set(3500);
        assert_eq!(oldest.clone().age_seconds(5000), 1.5);
        assert_eq!(oldest.age_seconds(1000), 0.0);
        oldest.clear();
        assert_eq!(oldest.age_seconds(5000), 0.0);
    }
}
