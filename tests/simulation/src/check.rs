//! Holds what a schedule left behind against the invariants.

use std::collections::BTreeSet;
use std::sync::Arc;

use archive::decode::decode;
use arrow::array::RecordBatch;
use lake::Table;

use crate::invariants::{Invariant, Violation};
use crate::log::Partition;
use crate::objects::{Objects, StillStore};
use crate::process::{Function, MAX_AHEAD};
use crate::reference;
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
        let Partition {
            table,
            topic,
            number,
            records,
            ..
        } = self.partition;
        let expected = decode(*table, topic, *number, records, MAX_AHEAD)
            .map_err(|error| Invariant::RowsExactlyOnce.violated(error.to_string()))?;
        let rows = self.read(*table)?;
        self.equal(Invariant::RowsExactlyOnce, &rows, &expected.rows.batch)?;
        if self.group.0 == Function::Archive {
            let dead = self.read(Table::DeadLetter)?;
            self.equal(
                Invariant::DeadLettersExactlyOnce,
                &dead,
                &expected.dead.batch,
            )?;
        }
        self.covered(Invariant::RowsExactlyOnce, &rows)?;
        self.done_is_stored(&rows)
    }

    fn evaluations(&self) -> Result<(), Violation> {
        let standing = self.read(Table::Evaluations)?;
        self.covered(Invariant::EvaluationsAsUndisturbed, &standing)?;
        for pair in standing.links.windows(2) {
            let older = pair[0]
                .known
                .iter()
                .any(|(investor, version)| pair[1].known.get(investor) < Some(version));
            if older {
                return Err(Invariant::HoldingsGoForward.violated(format!(
                    "{}: after {:?} with {:?} comes {:?} with {:?}",
                    standing.key,
                    pair[0].link.range,
                    pair[0].known,
                    pair[1].link.range,
                    pair[1].known
                )));
            }
        }
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
        if stored != published {
            return Err(Invariant::PublishedAsStored.violated(format!(
                "never published: {:?}; published and not stored: {:?}",
                stored.difference(&published).collect::<Vec<_>>(),
                published.difference(&stored).collect::<Vec<_>>()
            )));
        }
        drop(world);
        self.schedule.world.lock().figures.evaluations += standing.rows.num_rows() as u64;
        self.done_is_stored(&standing)?;
        self.done_is_published(&standing, &expected.published)
    }

    fn equal(
        &self,
        invariant: Invariant,
        standing: &Standing,
        expected: &RecordBatch,
    ) -> Result<(), Violation> {
        if standing.rows == *expected {
            return Ok(());
        }
        let difference = standing.difference(expected);
        let figures = &mut self.schedule.world.lock().figures;
        figures.lost += difference.lost.len() as u64;
        figures.doubled += difference.doubled.len() as u64;
        Err(invariant.violated(format!("{}: {difference:?}", standing.key)))
    }

    /// The links cover the log from its start to its end.
    fn covered(&self, invariant: Invariant, standing: &Standing) -> Result<(), Violation> {
        let first = standing.links.first().map(|first| first.link.range.start);
        let log = self.partition.start..self.partition.end();
        if first == Some(log.start) && standing.end() == Some(log.end) {
            return Ok(());
        }
        let end = standing.end();
        Err(invariant.violated(format!(
            "{}: links from {first:?} to {end:?}, the log is {log:?}",
            standing.key
        )))
    }

    fn done_is_stored(&self, standing: &Standing) -> Result<(), Violation> {
        let of_group = self.schedule.done.iter();
        for done in of_group.filter(|done| done.group == self.group) {
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
        messages: &[(String, bytes::Bytes)],
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
