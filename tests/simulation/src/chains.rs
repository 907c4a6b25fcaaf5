//! How far the chains stand while a schedule runs, as the store has them.

use lake::{ObjectPath, Table};

use crate::process::Function;
use crate::schedule::{Group, Schedule};

impl Schedule {
    /// Whether any link stands of the chain that a group fills.
    pub(crate) fn has_links(&self, group: Group) -> bool {
        !self.links(group).is_empty()
    }

    /// Whether records are gone that come next in a group's chain. An empty chain has none that come next.
    pub(crate) fn has_gap(&self, group: Group) -> bool {
        let kept_from = self.partitions[group.1].kept_from;
        self.end_of(group).is_some_and(|end| end < kept_from)
    }

    /// The first offset that a group's chain has not, if it has any.
    pub(crate) fn end_of(&self, group: Group) -> Option<i64> {
        let links = self.links(group);
        let last = self.world.lock().objects.read(links.last()?)?;
        let metadata = lake::parquet::metadata(&last).ok()?;
        metadata.get("tidemill.end")?.parse().ok()
    }

    fn links(&self, (function, partition): Group) -> Vec<ObjectPath> {
        let partition = &self.partitions[partition];
        let table = match function {
            Function::Evaluate => Table::Evaluations,
            _ => partition.table,
        };
        let folder = format!("{table}/0/{}/{}", partition.topic, partition.number);
        self.world.lock().objects.list(&folder, None)
    }
}
