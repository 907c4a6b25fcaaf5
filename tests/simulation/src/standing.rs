//! A chain as it stands when all is over, read as any reader would.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, UInt64Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::Int64Type;
use futures::executor::block_on;
use lake::{Chain, ChainKey, Epoch, Link, REPLAYED, Store, Table};
use lambda_kit::run;

use crate::invariants::{Invariant, Violation};
use crate::log::Partition;
use crate::objects::{Objects, StillStore, Versions};

/// A link, and what is known of its making.
pub(crate) struct StandingLink {
    pub(crate) link: Link,
    /// How many objects stood before it.
    pub(crate) number: usize,
    /// The holdings that its maker knew.
    pub(crate) known: Versions,
}

/// Every link of a chain.
pub(crate) struct Standing {
    pub(crate) key: ChainKey,
    pub(crate) links: Vec<StandingLink>,
    pub(crate) rows: RecordBatch,
    /// How many of the rows stand beside the chain.
    pub(crate) late: usize,
}

impl Standing {
    /// Reads the chain of `table` over `partition`; its links must follow one another, but for those of `dead_letter`,
    /// where good records are left out.
    pub(crate) fn read(
        objects: &Objects,
        store: &Arc<StillStore>,
        table: Table,
        partition: &Partition,
    ) -> Result<Self, Violation> {
        let key = ChainKey {
            table,
            epoch: Epoch::default(),
            topic: partition.topic.to_owned(),
            partition: partition.number,
        };
        let broken = |what: String| Invariant::LinksContiguous.violated(format!("{key}: {what}"));
        let names = objects.list(&key.to_string(), None);
        let chain = Chain::new(store.clone() as Arc<dyn Store>, key.clone());
        let links = block_on(chain.links_overlapping(0..i64::MAX))
            .map_err(|error| broken(run::chain(&error)))?;
        if links.len() != names.len() {
            return Err(broken(format!(
                "{} objects are {} links",
                names.len(),
                links.len()
            )));
        }
        let mut head = 0;
        for (link, name) in links.iter().zip(&names) {
            let expected = key.link(head).ok();
            if expected.as_ref() != Some(name) {
                return Err(broken(format!("{name} stands on {head}")));
            }
            let gap = head > 0 && link.range.start != head && table != Table::DeadLetter;
            if gap || link.range.start < head {
                return Err(broken(format!("{name} covers {:?}", link.range)));
            }
            head = link.range.end;
        }
        let rows = concat_batches(&table.schema(), links.iter().map(|link| &link.rows))
            .map_err(|error| broken(error.to_string()))?;
        told(&key, &links, objects)?;
        let links = links.into_iter().zip(&names).filter_map(|(link, name)| {
            let object = objects.get(name)?;
            Some(StandingLink {
                link,
                number: object.number,
                known: object.known.clone(),
            })
        });
        Ok(Self {
            links: links.collect(),
            key,
            rows,
            late: 0,
        })
    }

    /// Puts in the rows that stand beside the chain.
    pub(crate) fn with_late_rows(mut self, objects: &Objects) -> Result<Self, Violation> {
        let ChainKey {
            table,
            epoch,
            topic,
            partition,
        } = &self.key;
        let broken =
            |what: String| Invariant::LinksContiguous.violated(format!("{}: {what}", self.key));
        let folder = format!("{table}/{REPLAYED}/{epoch}/{topic}/{partition}");
        let mut all = vec![self.rows.clone()];
        for (number, path) in objects.list(&folder, None).iter().enumerate() {
            if path.as_str() != format!("{folder}/{number:020}.parquet") {
                return Err(broken(format!("{path} is number {number}")));
            }
            let body = objects.read(path).unwrap_or_default();
            let (rows, _) =
                lake::parquet::decode(body).map_err(|error| broken(error.to_string()))?;
            all.push(rows);
        }
        self.late = all[1..].iter().map(RecordBatch::num_rows).sum();
        let rows =
            concat_batches(&table.schema(), &all).map_err(|error| broken(error.to_string()))?;
        let mut order: Vec<u64> = (0..rows.num_rows() as u64).collect();
        let offsets = offsets(&rows);
        order.sort_by_key(|&row| offsets[row as usize]);
        self.rows = take_record_batch(&rows, &UInt64Array::from(order))
            .map_err(|error| broken(error.to_string()))?;
        Ok(self)
    }

    /// The offsets that its links cover, if there are any.
    pub(crate) fn range(&self) -> Option<Range<i64>> {
        let (first, last) = (self.links.first()?, self.links.last()?);
        Some(first.link.range.start..last.link.range.end)
    }

    /// Whether the record at `offset` is one of an accepted gap.
    pub(crate) fn is_lost(&self, offset: i64) -> bool {
        let mut gaps = self.links.iter().filter(|each| each.link.gap.is_some());
        gaps.any(|each| each.link.range.contains(&offset))
    }

    /// The offsets of its rows.
    pub(crate) fn offsets(&self) -> Vec<i64> {
        offsets(&self.rows)
    }

    /// Where the rows differ from those expected, in offsets.
    pub(crate) fn difference(&self, expected: &RecordBatch) -> Difference {
        let (found, expected) = (offsets(&self.rows), offsets(expected));
        let count = |of: &[i64], offset: i64| of.iter().filter(|&&other| other == offset).count();
        let lost = expected
            .iter()
            .copied()
            .filter(|&offset| count(&found, offset) == 0);
        let mut twice: Vec<i64> = found
            .iter()
            .copied()
            .filter(|&offset| count(&found, offset) > count(&expected, offset))
            .collect();
        twice.dedup();
        Difference {
            lost: lost.collect(),
            doubled: twice,
        }
    }
}

/// Every gap that a link comes after is a row of `gaps`.
fn told(key: &ChainKey, links: &[Link], objects: &Objects) -> Result<(), Violation> {
    let before_others = &links[..links.len().saturating_sub(1)];
    for gap in before_others.iter().filter(|link| link.gap.is_some()) {
        let Range { start, end } = gap.range;
        let name = format!("{}/{key}/{start:020}-{end:020}.parquet", Table::Gaps);
        if !objects.holds(&name) {
            return Err(Invariant::GapsAreTold.violated(format!("there is no {name}")));
        }
    }
    Ok(())
}

/// Offsets that a table should have and has not, and those that it has too often.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) lost: Vec<i64>,
    pub(crate) doubled: Vec<i64>,
}

fn offsets(rows: &RecordBatch) -> Vec<i64> {
    let column = rows.column_by_name("_offset");
    column
        .and_then(|column| column.as_primitive_opt::<Int64Type>())
        .map(|offsets| offsets.values().to_vec())
        .unwrap_or_default()
}
