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

/// How large the records of a partition are that were seen lately, as events show them: those that wait behind a batch
/// which fails again and again are not seen, so it is the largest that counts. Its poller alone writes it.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    largest: AtomicU64,
}

/// What is taken for the size of a record while none was seen.
const UNSEEN: u64 = 1024;
/// With each record the largest one before it counts by this part less.
const FADING: u64 = 256;

impl Sizes {
    pub(super) fn saw(&self, bytes: usize) {
        let before = self.largest.load(Ordering::Relaxed);
        let faded = before - before / FADING;
        self.largest
            .store(faded.max(bytes as u64), Ordering::Relaxed);
    }

    fn largest(&self) -> u64 {
        match self.largest.load(Ordering::Relaxed) {
            0 => UNSEEN,
            largest => largest,
        }
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
    /// At the size of the largest one seen lately.
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
            bytes: records.saturating_mul(sizes.largest()),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_waits_has_the_size_of_the_largest_seen_lately() {
        let (position, seen) = watch::channel(10);
        let sizes = Arc::new(Sizes::default());
        let partition = ("t".to_owned(), 0);
        let gauge = Gauge {
            partitions: BTreeMap::from([(partition.clone(), (seen, Arc::clone(&sizes)))]),
        };
        let waiting = |end| gauge.waiting(&partition, end).unwrap();
        assert_eq!(waiting(12).bytes, 2 * UNSEEN);
        sizes.saw(100);
        sizes.saw(300);
        let (records, bytes) = (20, 6000);
        assert_eq!(waiting(30), Waiting { records, bytes });
        sizes.saw(1_000_000);
        for _ in 0..3000 {
            sizes.saw(300);
        }
        assert_eq!(waiting(30).bytes, bytes, "one large record is forgotten");
        position.send_replace(40);
        assert_eq!(waiting(30).records, 0);
        assert_eq!(gauge.waiting(&("u".to_owned(), 0), 30), None);
    }
}
