//! The commit protocol: what counts is what stands in the store.

use std::ops::Range;

use metrics::{counter, gauge};

use super::{Batch, Chain, ChainError, CommitError, Gaps, Head, Link, NewLink, link};
use crate::metrics::{COMMITS, CONFLICTS, GAPS, NEWEST, OTHER_LOGS, RETRIES};
use crate::{Created, StoreError};

/// Whether a batch has anything for a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// Its offsets from the head on are new, or were when it was asked.
    New {
        /// The head.
        head: Head,
    },
    /// Every record of it is in.
    AlreadyIn,
}

/// What a commit came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// A link was made of the batch's records in `range`.
    Link {
        /// The offsets it covers.
        range: Range<i64>,
    },
    /// Every record of the batch was in.
    AlreadyIn,
}

/// What one commit has learnt so far.
#[derive(Default)]
struct Progress {
    /// The head was read from the store, not remembered.
    fresh: bool,
    /// The records below the head are the ones the chain got.
    same_log: bool,
}

impl Chain {
    /// Whether `batch` has anything new, without committing it: a committer that has work to do
    /// before the commit asks first. Refuses what [`commit`](Self::commit) would refuse.
    pub async fn admit<E>(
        &mut self,
        batch: &Batch<'_>,
        gaps: Gaps,
    ) -> Result<Admission, CommitError<E>> {
        self.admit_on(batch, gaps, &mut Progress::default()).await
    }

    /// Brings the records of `batch` that are not in yet into the chain, as the link that `make`
    /// makes of those at or above the head it is shown.
    ///
    /// `make` runs again whenever the head turns out to be another, so it must depend on nothing
    /// but the batch and the head. After `Ok` every record of the batch below the link's end is
    /// in the chain exactly once; after an error the batch may be in or not, and bringing it
    /// again settles it.
    pub async fn commit<'b, E>(
        &mut self,
        batch: impl Into<Batch<'b>>,
        gaps: Gaps,
        mut make: impl FnMut(&Head) -> Result<NewLink, E>,
    ) -> Result<Committed, CommitError<E>> {
        let batch = batch.into();
        let mut progress = Progress::default();
        let mut failures = 0;
        loop {
            let head = match self.admit_on(&batch, gaps, &mut progress).await? {
                Admission::New { head } => head,
                Admission::AlreadyIn => return Ok(Committed::AlreadyIn),
            };
            let new = make(&head).map_err(|source| CommitError::Make {
                chain: self.key.clone(),
                source,
            })?;
            self.check(&head, &batch, &new)?;
            let body = link::write(&head, &batch, &new).map_err(|source| CommitError::Encode {
                chain: self.key.clone(),
                source,
            })?;
            if let Some(gap) = &head.gap {
                self.record_gap(gap).await?;
            }
            let path = self.named(&self.folder(), head.end)?;
            let failure = match self.store.create(&path, body).await {
                Ok(Created::New) => {
                    self.created(&batch);
                    let range = head.end.max(batch.offsets.start)..new.end;
                    self.head = Some(Head {
                        end: new.end,
                        state: new.state,
                        exists: true,
                        ..Head::default()
                    });
                    return Ok(Committed::Link { range });
                }
                Ok(Created::Exists) => {
                    self.count(CONFLICTS);
                    None
                }
                Err(error) if !error.is_retryable() => {
                    return Err(self.unsettled(&head, failures + 1, Some(error)));
                }
                Err(error) => {
                    self.count(RETRIES);
                    Some(error)
                }
            };
            tracing::warn!(
                link = %path,
                ?failure,
                "link not created, reading the head again"
            );
            self.forget();
            progress.fresh = true;
            if self.head().await?.end > head.end {
                failures = 0;
                continue;
            }
            failures += 1;
            if failures >= self.retry.attempts {
                return Err(self.unsettled(&head, failures, failure));
            }
            self.retry.pause(failures).await;
        }
    }

    async fn admit_on<E>(
        &mut self,
        batch: &Batch<'_>,
        gaps: Gaps,
        progress: &mut Progress,
    ) -> Result<Admission, CommitError<E>> {
        let Range { start, end } = batch.offsets;
        if start >= end {
            return Ok(Admission::AlreadyIn);
        }
        loop {
            if self.head.is_none() {
                self.near.get_or_insert(start);
                progress.fresh = true;
            }
            let head = self.head().await?.clone();
            if head.moved.is_some() {
                let chain = self.key.clone();
                return Err(CommitError::Closed { chain });
            }
            let is_past_head = start > head.end && gaps == Gaps::Refuse;
            if is_past_head && !progress.fresh {
                // Another committer may have brought what is missing, or begun the chain that was empty.
                self.forget();
                continue;
            }
            if is_past_head && head.exists {
                return Err(self.gap(head.end..start));
            }
            if head.exists && start < head.end && !progress.same_log {
                self.check_same_log(batch, gaps, head.end).await?;
                progress.same_log = true;
            }
            if end <= head.end {
                return Ok(Admission::AlreadyIn);
            }
            let hole = batch.hole_from(head.end);
            if let Some(hole) = hole.filter(|_| gaps == Gaps::Refuse) {
                if progress.fresh {
                    return Err(self.gap(hole));
                }
                self.forget();
                continue;
            }
            return Ok(Admission::New { head });
        }
    }

    fn gap<E>(&self, missing: Range<i64>) -> CommitError<E> {
        self.count(GAPS);
        CommitError::Gap {
            chain: self.key.clone(),
            head: missing.start,
            first: missing.end,
        }
    }

    fn created(&self, batch: &Batch<'_>) {
        self.count(COMMITS);
        if let Some(newest) = batch
            .timestamps
            .iter()
            .map(|&(_, timestamp)| timestamp)
            .max()
        {
            gauge!(NEWEST, "table" => self.key.table.name()).set(newest as f64 / 1000.0);
        }
    }

    fn count(&self, metric: &'static str) {
        counter!(metric, "table" => self.key.table.name()).increment(1);
    }

    /// Drops the warm head, keeping it as the hint for finding the next one.
    pub(super) fn forget(&mut self) {
        if let Some(head) = self.head.take() {
            self.near = Some(head.end);
        }
    }

    /// Records below the head are dropped as already in, so they must be the ones that are in.
    ///
    /// Redeliveries are rare, and this reads the link that the batch begins in and the one that its last record below the
    /// head is in: a log that was made anew shows at its first record, for its offsets start again with other timestamps,
    /// and one that lost its end and grew again at its last.
    async fn check_same_log<E>(
        &self,
        batch: &Batch<'_>,
        gaps: Gaps,
        head: i64,
    ) -> Result<(), CommitError<E>> {
        let Some((start, link)) = self.link_with_records(batch.offsets.clone()).await? else {
            return Ok(());
        };
        // Below the first offset that the chain ever got there is nothing to be delivered again;
        // where gaps are skipped, records before the first link were none of the chain's.
        let never_got = gaps == Gaps::Refuse && start < link.range.start;
        let mut other = another_record(batch, &link).or(never_got.then_some(start));
        let mut below = batch.timestamps.iter().map(|&(offset, _)| offset).rev();
        let last = below.find(|&offset| offset < head);
        if let (None, Some(last)) = (other, last.filter(|&last| last >= link.range.end)) {
            other = self.another_record_at(batch, last).await?;
        }
        other.map_or(Ok(()), |offset| Err(self.other_log(batch, offset)))
    }

    /// Refuses records that are not those of the same offsets in the chain, as far as the first and the last of them show.
    pub async fn compare<E>(&self, batch: &Batch<'_>) -> Result<(), CommitError<E>> {
        let mut offsets = batch.timestamps.iter().map(|&(offset, _)| offset);
        for offset in [offsets.next(), offsets.next_back()].into_iter().flatten() {
            if let Some(other) = self.another_record_at(batch, offset).await? {
                return Err(self.other_log(batch, other));
            }
        }
        Ok(())
    }

    async fn another_record_at(
        &self,
        batch: &Batch<'_>,
        offset: i64,
    ) -> Result<Option<i64>, ChainError> {
        let links = self.read_overlapping(offset..offset + 1).await?;
        Ok(links.iter().find_map(|link| another_record(batch, link)))
    }

    fn other_log<E>(&self, batch: &Batch<'_>, offset: i64) -> CommitError<E> {
        self.count(OTHER_LOGS);
        tracing::error!(
            chain = %self.key, offset, end = batch.offsets.end,
            "records below the head are not the ones that are in: another life of the log"
        );
        CommitError::OtherLog {
            chain: self.key.clone(),
            offset,
        }
    }

    /// The first link that has to do with `offsets`, and the first of them that it should know: a link that stands for
    /// lost records knows none, and is passed over.
    async fn link_with_records(
        &self,
        offsets: Range<i64>,
    ) -> Result<Option<(i64, Link)>, ChainError> {
        let Range { mut start, end } = offsets;
        while start < end {
            let found = self.read_overlapping(start..start + 1).await?;
            let Some(link) = found.into_iter().next() else {
                break;
            };
            let Some(gap) = &link.gap else {
                return Ok(Some((start, link)));
            };
            tracing::warn!(
                chain = %self.key, first = start, end = gap.range.end.min(end),
                "records of an accepted gap came late: they are dropped, and stay lost"
            );
            start = gap.range.end;
        }
        Ok(None)
    }

    fn check<E>(
        &self,
        head: &Head,
        batch: &Batch<'_>,
        link: &NewLink,
    ) -> Result<(), CommitError<E>> {
        let reason = if link.end <= head.end {
            "it ends at or below the head"
        } else if link.end > batch.offsets.end {
            "it ends past the batch"
        } else if link.rows.schema_ref() != &self.key.table.schema() {
            "its rows do not have the table's schema"
        } else {
            return Ok(());
        };
        Err(CommitError::Misfit {
            chain: self.key.clone(),
            reason,
        })
    }

    /// After a try to create a link of which counts what the head shows then: waits before the next look where that is of
    /// use, or tells why there is none.
    pub(super) async fn may_look_again<E>(
        &self,
        head: &Head,
        created: Result<Created, StoreError>,
        failures: &mut u32,
    ) -> Result<(), CommitError<E>> {
        let failure = match created {
            Ok(Created::New) => return Ok(()),
            // A listing that lags behind shows only later what is there.
            Ok(Created::Exists) => None,
            Err(error) => Some(error),
        };
        *failures += 1;
        let is_final = failure.as_ref().is_some_and(|error| !error.is_retryable());
        if is_final || *failures >= self.retry.attempts {
            return Err(self.unsettled(head, *failures, failure));
        }
        if let Some(error) = failure {
            tracing::warn!(chain = %self.key, head = head.end, ?error, "link not created, trying again");
        }
        self.retry.pause(*failures).await;
        Ok(())
    }

    pub(super) fn unsettled<E>(
        &self,
        head: &Head,
        attempts: u32,
        source: Option<StoreError>,
    ) -> CommitError<E> {
        CommitError::Unsettled {
            chain: self.key.clone(),
            head: head.end,
            attempts,
            source,
        }
    }
}

/// The first record of the batch that is another one in this link.
fn another_record(batch: &Batch<'_>, link: &Link) -> Option<i64> {
    let records = batch.timestamps.iter();
    let known = records.filter(|(offset, _)| link.range.contains(offset));
    known
        .filter_map(|&(offset, got)| Some((offset, got, link.timestamp_of(offset)?)))
        .find(|(_, got, stored)| got != stored)
        .map(|(offset, ..)| offset)
}
