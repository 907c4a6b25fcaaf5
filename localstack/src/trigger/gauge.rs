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

/// How large the records of a partition are, seen so far, as events show them.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    records: AtomicU64,
    bytes: AtomicU64,
}

/// What is taken for the size of a record while none was seen.
const UNSEEN: u64 = 1024;

impl Sizes {
    pub(super) fn saw(&self, bytes: usize) {
        self.records.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn mean(&self) -> u64 {
        let bytes = self.bytes.load(Ordering::Relaxed);
        bytes
            .checked_div(self.records.load(Ordering::Relaxed))
            .unwrap_or(UNSEEN)
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
    /// At the mean size of those seen.
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
    fn what_waits_has_the_mean_size_of_what_was_seen() {
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
        let (records, bytes) = (20, 4000);
        assert_eq!(waiting(30), Waiting { records, bytes });
        position.send_replace(40);
        assert_eq!(waiting(30).records, 0);
        assert_eq!(gauge.waiting(&("u".to_owned(), 0), 30), None);
    }
}
