//! How much a trigger has before it: what a broker that drops its oldest records has to know.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::watch;

use super::kafka::Partition;

/// How large the records of a partition are, as events show them: the mean of those that were seen lately, in which a
/// single large one does not count for long. Its poller alone writes it.
#[derive(Debug)]
pub(super) struct Sizes {
    /// The mean, as often as [`LATELY`] says.
    sum: AtomicU64,
}

/// What is taken for the size of a record while none was seen.
const UNSEEN: u64 = 1024;
/// How many records the mean is about.
const LATELY: u64 = 32;

impl Default for Sizes {
    fn default() -> Self {
        let sum = AtomicU64::new(UNSEEN * LATELY);
        Self { sum }
    }
}

impl Sizes {
    pub(super) fn saw(&self, bytes: usize) {
        let sum = self.sum.load(Ordering::Relaxed);
        self.sum
            .store(sum - sum / LATELY + bytes as u64, Ordering::Relaxed);
    }

    fn mean(&self) -> u64 {
        self.sum.load(Ordering::Relaxed) / LATELY
    }
}

/// Reads how far a trigger is, for as long as that is of interest to anybody.
#[derive(Debug, Clone)]
pub(crate) struct Gauge {
    pub(super) partitions: BTreeMap<Partition, (watch::Receiver<i64>, Arc<Sizes>)>,
}

/// What a partition with an end at some offset has that is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) records: u64,
    /// At the mean size of those seen lately.
    pub(crate) bytes: u64,
}

impl Gauge {
    /// The partitions that the trigger reads.
    pub(crate) fn partitions(&self) -> impl Iterator<Item = &Partition> {
        self.partitions.keys()
    }

    /// What waits of a partition whose next record will have the offset `end`.
    pub(crate) fn waiting(&self, partition: &Partition, end: i64) -> Option<Waiting> {
        let (position, sizes) = self.partitions.get(partition)?;
        let records = u64::try_from(end - *position.borrow()).unwrap_or_default();
        Some(Waiting {
            records,
            bytes: records.saturating_mul(sizes.mean()),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_waits_has_the_size_of_those_seen_lately() {
        let (position, seen) = watch::channel(10);
        let sizes = Arc::new(Sizes::default());
        let partition = ("t".to_owned(), 0);
        let gauge = Gauge {
            partitions: BTreeMap::from([(partition.clone(), (seen, Arc::clone(&sizes)))]),
        };
        let waiting = |end| gauge.waiting(&partition, end).unwrap();
        let (records, bytes) = (20, 20 * UNSEEN);
        assert_eq!(waiting(30), Waiting { records, bytes });
        sizes.saw(3_000_000);
        assert!(waiting(11).bytes < 200_000, "the first of many");
        for _ in 0..100 {
            sizes.saw(100_000);
        }
        assert!(waiting(30).bytes > 20 * 90_000);
        for _ in 0..300 {
            sizes.saw(300);
        }
        assert!(waiting(30).bytes < bytes);
        sizes.saw(3_000_000);
        let one_large = waiting(11).bytes;
        assert!(one_large < 200_000, "one of many: {one_large}");
        position.send_replace(40);
        assert_eq!(waiting(30).records, 0);
        assert_eq!(gauge.waiting(&("u".to_owned(), 0), 30), None);
    }
}
