//! What a committer knows of the records it brings.

use std::ops::Range;

/// The offsets of a batch, and when the broker got the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch<'a> {
    /// From the first record's offset to the one after the last's.
    pub offsets: Range<i64>,
    /// Offset and broker's timestamp (ms) of the records, in order. They tell a redelivery from
    /// the records of another life of the log; without them that goes unnoticed.
    pub timestamps: &'a [(i64, i64)],
}

impl<'a> Batch<'a> {
    /// The batch of the records with these offsets and timestamps; `None` if there are none.
    pub fn of(timestamps: &'a [(i64, i64)]) -> Option<Self> {
        let (first, last) = (timestamps.first()?.0, timestamps.last()?.0);
        Some(Self {
            offsets: first..last + 1,
            timestamps,
        })
    }

    /// The offsets, not below `head`, that are missing between two of its records.
    pub(super) fn hole_from(&self, head: i64) -> Option<Range<i64>> {
        self.timestamps
            .windows(2)
            .map(|pair| head.max(pair[0].0 + 1)..pair[1].0)
            .find(|missing| !missing.is_empty())
    }

    /// The first record at or above `offset`.
    pub(super) fn first_from(&self, offset: i64) -> Option<(i64, i64)> {
        self.timestamps
            .iter()
            .copied()
            .find(|&(at, _)| at >= offset)
    }
}

impl From<Range<i64>> for Batch<'_> {
    fn from(offsets: Range<i64>) -> Self {
        Self {
            offsets,
            timestamps: &[],
        }
    }
}
