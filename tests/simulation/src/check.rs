//! Holds what a schedule left behind against the invariants.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use archive::decode::{Decoded, Rows, decode};
use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use chrono::TimeDelta;
use lake::Table;

use crate::invariants::{Invariant, Violation};
use crate::log::Partition;
use crate::objects::{Objects, StillStore};
use crate::process::{Function, MAX_AHEAD};
use crate::reference::{self, Message};
use crate::schedule::{Group, Schedule};
use crate::standing::Standing;

/// Checks every partition of a schedule that has run, and counts what stands.
pub(crate) fn check(schedule: &Schedule, caught_up: bool) -> Result<(), Violation> {
    let objects = schedule.world.lock().objects.clone();
    let store = Arc::new(StillStore::new(objects.clone()));
    for group in schedule.groups() {
        let left = Left {
            schedule,
            objects: &objects,
            store: &store,
            group,
            partition: &schedule.partitions[group.1],
        };
        match group.0 {
            Function::Evaluate => left.evaluations()?,
            _ => left.archived()?,
        }
    }
    if !caught_up {
        let detail = format!("committed {:?}", schedule.committed);
        return Err(Invariant::CatchesUp.violated(detail));
    }
    Ok(())
}

/// What a group has left behind.
struct Left<'a> {
    schedule: &'a Schedule,
    objects: &'a Objects,
    store: &'a Arc<StillStore>,
    group: Group,
    partition: &'a Partition,
}

impl Left<'_> {
    fn read(&self, table: Table) -> Result<Standing, Violation> {
        let standing = Standing::read(self.objects, self.store, table, self.partition)?;
        self.schedule.world.lock().figures.links += standing.links.len() as u64;
        Ok(standing)
    }

    fn archived(&self) -> Result<(), Violation> {
        let rows = self.read(self.partition.table)?;
        let covered = self.covered(Invariant::RowsExactlyOnce, &rows)?;
        let all = self.decoded(&covered, MAX_AHEAD)?.rows;
        // What only one of two versions refuses may be the one or the other.
        let refused = self.decoded(&covered, self.strictest())?.dead.offsets;
        let (refused, stored) = (BTreeSet::from_iter(refused), rows.offsets());
        let expected = rows_where(&all, |offset| {
            !rows.is_lost(offset) && (!refused.contains(&offset) || stored.contains(&offset))
        })?;
        if rows.rows != expected {
            return Err(self.differs(Invariant::RowsExactlyOnce, &rows, &expected));
        }
        if self.group.0 == Function::Archive {
            self.dead_letters(&covered, &rows)?;
        }
        self.done_is_stored(&rows, &covered)
    }

    /// The dead letters of the records that the table's links cover all stand. Of other ones they may, for they are
    /// committed first.
    fn dead_letters(&self, covered: &Range<i64>, rows: &Standing) -> Result<(), Violation> {
        let dead = self.read(Table::DeadLetter)?;
        let dead = dead.with_late_rows(self.objects)?;
        self.schedule.world.lock().figures.late_letters += dead.late as u64;
        let log = self.partition.start..self.partition.end();
        let all = self.decoded(&log, self.strictest())?;
        let (standing, stored) = (dead.offsets(), rows.offsets());
        let must = |offset| {
            covered.contains(&offset) && !rows.is_lost(offset) && !stored.contains(&offset)
        };
        let expected = rows_where(&all.dead, |offset| {
            standing.contains(&offset) || must(offset)
        })?;
        // Two versions have two reasons for the same record.
        let is_as_expected = match self.schedule.plan.strict {
            None => dead.rows == expected,
            Some(_) => without_reasons(&dead.rows) == without_reasons(&expected),
        };
        if !is_as_expected {
            return Err(self.differs(Invariant::DeadLettersExactlyOnce, &dead, &expected));
        }
        Ok(())
    }

    /// How far ahead the strictest version of `archive` lets a tick be.
    fn strictest(&self) -> TimeDelta {
        self.schedule.plan.strict.unwrap_or(MAX_AHEAD)
    }

    /// What the records of these offsets are to a version of `archive`, at one go.
    fn decoded(&self, range: &Range<i64>, max_ahead: TimeDelta) -> Result<Decoded, Violation> {
        let Partition {
            table,
            topic,
            number,
            ..
        } = self.partition;
        let records = self.partition.slice(range);
        decode(*table, topic, *number, records, max_ahead)
            .map_err(|error| Invariant::RowsExactlyOnce.violated(error.to_string()))
    }

    fn evaluations(&self) -> Result<(), Violation> {
        let standing = self.read(Table::Evaluations)?;
        let covered = self.covered(Invariant::EvaluationsAsUndisturbed, &standing)?;
        holdings_go_forward(&standing)?;
        let expected = reference::run(self.objects, self.partition, &standing)?;
        if standing.rows != expected.rows {
            return Err(Invariant::EvaluationsAsUndisturbed.violated(format!(
                "{}: {} rows, undisturbed {}",
                standing.key,
                standing.rows.num_rows(),
                expected.rows.num_rows()
            )));
        }
        let world = self.schedule.world.lock();
        let stored: BTreeSet<_> = expected.published.iter().collect();
        let published: BTreeSet<_> = world.published.iter().collect();
        let must: BTreeSet<_> = self
            .come_again(&standing, &expected.published)
            .iter()
            .collect();
        if !must.is_subset(&published) || !published.is_subset(&stored) {
            return Err(Invariant::PublishedAsStored.violated(format!(
                "never published: {:?}; published and not stored: {:?}",
                must.difference(&published).collect::<Vec<_>>(),
                published.difference(&stored).collect::<Vec<_>>()
            )));
        }
        drop(world);
        self.schedule.world.lock().figures.evaluations += standing.rows.num_rows() as u64;
        self.done_is_stored(&standing, &covered)?;
        self.done_is_published(&standing, &expected.published)
    }

    /// The evaluations of links whose records the broker still has. A crash between a link and its publication is mended
    /// when the records come again, which they do not once retention has passed them.
    fn come_again<'m>(&self, standing: &Standing, messages: &'m [Message]) -> &'m [Message] {
        let gone = standing.links.iter().map(|each| &each.link);
        let rows = gone
            .take_while(|link| link.range.end <= self.partition.kept_from)
            .map(|link| link.rows.num_rows());
        &messages[rows.sum()..]
    }

    fn differs(&self, which: Invariant, found: &Standing, expected: &RecordBatch) -> Violation {
        let difference = found.difference(expected);
        let figures = &mut self.schedule.world.lock().figures;
        figures.lost += difference.lost.len() as u64;
        figures.doubled += difference.doubled.len() as u64;
        which.violated(format!("{}: {difference:?}", found.key))
    }

    /// The offsets that a chain covers: the whole log, but for what retention took before anything was committed, and
    /// for what comes after a gap.
    fn covered(&self, which: Invariant, standing: &Standing) -> Result<Range<i64>, Violation> {
        let &Partition {
            start, kept_from, ..
        } = self.partition;
        let end = self.partition.end();
        let covered = standing.range().unwrap_or(end..end);
        let is_begun = covered.start == start || (start..=kept_from).contains(&covered.start);
        let has_gap = covered.end < kept_from;
        if !is_begun || (covered.end != end && !has_gap) {
            return Err(which.violated(format!(
                "{}: its links cover {covered:?}, the log {start}..{end} was kept from {kept_from}",
                standing.key
            )));
        }
        let accepted = standing.links.iter().filter(|each| each.link.gap.is_some());
        let figures = &mut self.schedule.world.lock().figures;
        figures.gaps += u64::from(has_gap);
        figures.accepted += accepted.count() as u64;
        Ok(covered)
    }

    fn done_is_stored(&self, standing: &Standing, covered: &Range<i64>) -> Result<(), Violation> {
        let of_group = self.schedule.done.iter();
        for done in of_group.filter(|done| done.group == self.group) {
            if done.range.start < covered.start || done.range.end > covered.end {
                return Err(Invariant::DoneIsStored.violated(format!(
                    "{}: {:?} was done and its links cover {covered:?}",
                    standing.key, done.range
                )));
            }
            let mut overlapping = standing.links.iter().filter(|each| {
                each.link.range.start < done.range.end && done.range.start < each.link.range.end
            });
            if let Some(later) = overlapping.find(|each| each.number >= done.objects) {
                return Err(Invariant::DoneIsStored.violated(format!(
                    "{}: {:?} was done before its link {:?} stood",
                    standing.key, done.range, later.link.range
                )));
            }
        }
        Ok(())
    }

    fn done_is_published(
        &self,
        standing: &Standing,
        messages: &[Message],
    ) -> Result<(), Violation> {
        let world = self.schedule.world.lock();
        let of_group = self.schedule.done.iter();
        for done in of_group.filter(|done| done.group == self.group) {
            let published = &world.published[..done.published];
            let mut from = 0;
            for each in &standing.links {
                let to = from + each.link.rows.num_rows();
                let overlaps = each.link.range.start < done.range.end
                    && done.range.start < each.link.range.end;
                let missing = messages[from..to]
                    .iter()
                    .find(|message| overlaps && !published.contains(message));
                if let Some((portfolio, _)) = missing {
                    return Err(Invariant::DoneIsStored.violated(format!(
                        "{}: {:?} was done before an evaluation of {portfolio} was published",
                        standing.key, done.range
                    )));
                }
                from = to;
            }
        }
        Ok(())
    }
}

fn rows_where(rows: &Rows, keep: impl Fn(i64) -> bool) -> Result<RecordBatch, Violation> {
    let kept: BooleanArray = rows.offsets.iter().map(|&at| Some(keep(at))).collect();
    filter_record_batch(&rows.batch, &kept)
        .map_err(|error| Invariant::RowsExactlyOnce.violated(error.to_string()))
}

fn without_reasons(letters: &RecordBatch) -> RecordBatch {
    let mut letters = letters.clone();
    if let Ok(reason) = letters.schema().index_of("reason") {
        letters.remove_column(reason);
    }
    letters
}

fn holdings_go_forward(standing: &Standing) -> Result<(), Violation> {
    let links = standing.links.iter();
    let evaluated: Vec<_> = links.filter(|each| each.link.gap.is_none()).collect();
    for pair in evaluated.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        let mut versions = before.known.iter();
        if versions.any(|(investor, version)| after.known.get(investor) < Some(version)) {
            return Err(Invariant::HoldingsGoForward.violated(format!(
                "{}: after {:?} with {:?} comes {:?} with {:?}",
                standing.key, before.link.range, before.known, after.link.range, after.known
            )));
        }
    }
    Ok(())
}
