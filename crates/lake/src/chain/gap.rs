//! Records that are lost for good: accepted by a person, final, and told in the table `gaps`.

use std::convert::Infallible;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use arrow::error::ArrowError;
use serde::{Deserialize, Serialize};

use super::find::damaged;
use super::{Chain, ChainError, CommitError, link};
use crate::{Table, parquet};

/// Records that a chain will never have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Their offsets.
    pub range: Range<i64>,
    /// When that was accepted, in milliseconds since the epoch.
    pub accepted_at: i64,
    /// Why, and by whom.
    pub reason: String,
}

#[derive(Serialize, Deserialize)]
struct Text {
    accepted_at: i64,
    reason: String,
}

/// What became of a wish to accept a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acceptance {
    /// It is accepted, now or, with these words, before.
    Accepted(Gap),
    /// No such gap is at the chain's head: the records came after all, or the chain is empty and misses nothing.
    NotThere {
        /// The head.
        head: i64,
    },
}

impl Gap {
    pub(super) fn to_text(&self) -> String {
        let text = Text {
            accepted_at: self.accepted_at,
            reason: self.reason.clone(),
        };
        #[expect(clippy::expect_used, reason = "a number and a text are always JSON")]
        serde_json::to_string(&text).expect("a number and a text")
    }

    pub(super) fn from_text(range: Range<i64>, text: &str) -> Option<Self> {
        let Text {
            accepted_at,
            reason,
        } = serde_json::from_str(text).ok()?;
        Some(Self {
            range,
            accepted_at,
            reason,
        })
    }
}

impl Chain {
    /// Accepts that the records of `gap`, which begins at the head, are lost: from now on the chain
    /// goes on after them, and what of them comes late is dropped.
    ///
    /// The state of the chain goes on unchanged. What was accepted is a row of the table `gaps`
    /// before any link is made after it.
    pub async fn accept_gap(&mut self, gap: &Gap) -> Result<Acceptance, CommitError<Infallible>> {
        let mut failures = 0;
        loop {
            self.forget();
            let head = self.head().await?.clone();
            if let Some(accepted) = head.gap.as_ref().filter(|it| it.range == gap.range) {
                self.record_gap(accepted).await?;
                return Ok(Acceptance::Accepted(accepted.clone()));
            }
            if !head.exists || head.end != gap.range.start || gap.range.is_empty() {
                return Ok(Acceptance::NotThere { head: head.end });
            }
            if let Some(before) = &head.gap {
                // A gap after a gap is a link after it, too.
                self.record_gap(before).await?;
            }
            let empty = RecordBatch::new_empty(self.key.table.schema());
            let body = link::write_gap(&head, gap, &empty).map_err(|source| {
                let chain = self.key.clone();
                CommitError::Encode { chain, source }
            })?;
            let path = self.named(&self.folder(), head.end)?;
            let created = self.store.create(&path, body).await;
            self.may_look_again(&head, created, &mut failures).await?;
        }
    }

    /// Makes rows of what is given up of rows that the chain has, but for what is told as lost already.
    pub async fn record_loss(&self, lost: &Gap) -> Result<(), ChainError> {
        let folder = format!("{}/{}", Table::Gaps, self.key);
        let told = self.ask(|| self.store.list(&folder, None)).await?;
        let told = told.iter().filter_map(|path| told_range(path.file_name()));
        for range in without(lost.range.clone(), told) {
            let gap = Gap {
                range,
                ..lost.clone()
            };
            self.record_gap(&gap).await?;
        }
        Ok(())
    }

    /// Makes the row of an accepted gap, unless it is there.
    pub(super) async fn record_gap(&self, gap: &Gap) -> Result<(), ChainError> {
        let Range { start, end } = gap.range;
        let name = format!("{}/{}/{start:020}-{end:020}.parquet", Table::Gaps, self.key);
        let path = self.path(name)?;
        let rows = self.row_of(gap).map_err(|source| damaged(&path, source))?;
        let body = parquet::encode(&rows, &parquet::Metadata::new());
        let body = body.map_err(|source| damaged(&path, source))?;
        self.ask(|| self.store.create(&path, body.clone())).await?;
        Ok(())
    }

    fn row_of(&self, gap: &Gap) -> Result<RecordBatch, ArrowError> {
        let text = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text])) };
        let long = |number: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![number])) };
        let Range { start, end } = gap.range;
        let topic = text(&self.key.topic);
        let partition: ArrayRef = Arc::new(Int32Array::from(vec![self.key.partition]));
        let at = TimestampMillisecondArray::from(vec![gap.accepted_at]).with_timezone("UTC");
        let at: ArrayRef = Arc::new(at);
        let columns = vec![
            text(self.key.table.name()),
            topic.clone(),
            partition.clone(),
            long(start),
            long(end),
            long(end - start),
            at.clone(),
            text(&gap.reason),
            topic,
            partition,
            long(start),
            at,
        ];
        RecordBatch::try_new(Table::Gaps.schema(), columns)
    }
}

/// The offsets that the row of `gaps` with this file name is about.
fn told_range(name: &str) -> Option<Range<i64>> {
    let (start, end) = name.strip_suffix(".parquet")?.split_once('-')?;
    Some(start.parse().ok()?..end.parse().ok()?)
}

/// What is left of `range` without `others`, which are in order of their beginnings.
fn without(range: Range<i64>, others: impl Iterator<Item = Range<i64>>) -> Vec<Range<i64>> {
    let mut left = Vec::new();
    let mut start = range.start;
    for other in others {
        left.push(start..other.start.min(range.end));
        start = start.max(other.end);
    }
    left.push(start..range.end);
    left.retain(|range| !range.is_empty());
    left
}

#[cfg(test)]
mod tests {
    #![allow(clippy::single_range_in_vec_init)]
    use super::*;

    #[test]
    fn what_is_told_already_is_cut_out() {
        let left = |others: &[Range<i64>]| without(10..20, others.iter().cloned());
        assert_eq!(left(&[]), [10..20]);
        assert_eq!(left(&[0..5, 12..14, 13..15, 20..30]), [10..12, 15..20]);
        assert_eq!(left(&[0..12, 18..25]), [12..18]);
        assert_eq!(left(&[5..25]), []);
        assert_eq!(
            told_range("00000000000000000010-00000000000000000020.parquet"),
            Some(10..20)
        );
        assert_eq!(told_range("notes.txt"), None);
    }
}
