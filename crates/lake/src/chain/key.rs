//! The names of chains and links.
//!
//! A partition's rows stand in one chain, and rows that a replay put in later in a second one beside it:
//!
//! ```text
//! {table}/{epoch}/{topic}/{partition}/{head}.parquet
//! {table}/replayed/{epoch}/{topic}/{partition}/{number}.parquet
//! ```
//!
//! A chain that was rebuilt goes on in the folder `{epoch}.{generation}`, and while it is being
//! rebuilt in a folder that readers of the table do not see:
//!
//! ```text
//! rebuild/{table}/{epoch}.{generation}/{topic}/{partition}/{id}/{head}.parquet
//! ```

use std::fmt;

use crate::{Epoch, ObjectPath, PathError, Table};

/// Which chain: `{table}/{epoch}/{topic}/{partition}` in the lake.
///
/// (Folders are not named `key=value`: readers of plain folders would make columns of them.)
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChainKey {
    /// The table whose rows it holds.
    pub table: Table,
    /// The life of the log.
    pub epoch: Epoch,
    /// The topic whose offsets it counts.
    pub topic: String,
    /// The partition of the topic.
    pub partition: i32,
}

impl fmt::Display for ChainKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}/{}/{}",
            self.table, self.epoch, self.topic, self.partition
        )
    }
}

impl ChainKey {
    /// The object of the link made on `head`, in a chain that was never rebuilt.
    pub fn link(&self, head: i64) -> Result<ObjectPath, PathError> {
        ObjectPath::new(self.folder(&Place::Table(0)).link_name(head))
    }

    /// Where the chain's links are.
    pub(super) fn folder(&self, place: &Place) -> Folder {
        let Self { table, topic, .. } = self;
        let (epoch, partition) = (self.epoch, self.partition);
        let life = |generation: u32| match generation {
            0 => format!("{epoch}/{topic}/{partition}"),
            _ => format!("{epoch}.{generation}/{topic}/{partition}"),
        };
        let path = match place {
            Place::Table(generation) => format!("{table}/{}", life(*generation)),
            Place::Replayed(generation) => format!("{table}/{REPLAYED}/{}", life(*generation)),
            Place::Staged(generation, id) => {
                format!("{REBUILD}/{table}/{}/{id}", life(*generation))
            }
        };
        Folder(path)
    }

    /// Where a rebuild to `generation` keeps what it makes and how far it is.
    pub(super) fn workshop(&self, generation: u32) -> String {
        let Self { table, topic, .. } = self;
        let (epoch, partition) = (self.epoch, self.partition);
        format!("{REBUILD}/{table}/{epoch}.{generation}/{topic}/{partition}")
    }

    /// The same partition's chain in another life of the log.
    pub(super) fn in_epoch(&self, epoch: Epoch) -> Self {
        Self {
            epoch,
            ..self.clone()
        }
    }
}

/// The folder in each table of rows that a replay put in.
pub const REPLAYED: &str = "replayed";
/// The folder of rebuilds.
pub const REBUILD: &str = "rebuild";

/// Which of the chains that a partition may have in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// The one that records are committed to, in its generation.
    Table(u32),
    /// Rows put in later, beside that generation.
    Replayed(u32),
    /// One that is to become that generation, by the rebuild of this id.
    Staged(u32, String),
}

impl Place {
    pub(super) fn generation(&self) -> u32 {
        let (Self::Table(generation) | Self::Replayed(generation) | Self::Staged(generation, _)) =
            self;
        *generation
    }
}

/// The folder of one chain's links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folder(String);

impl Folder {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn link_name(&self, head: i64) -> String {
        format!("{}/{head:020}.parquet", self.0)
    }

    /// The head that the link at `path` was made on.
    pub(super) fn head_of(&self, path: &ObjectPath) -> Option<i64> {
        path.file_name()
            .strip_suffix(".parquet")
            .filter(|digits| digits.len() == 20)
            .and_then(|digits| digits.parse().ok())
            .filter(|&head| self.link_name(head) == path.as_str())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn key(topic: &str) -> ChainKey {
        ChainKey {
            table: Table::Ticks,
            epoch: Epoch(3),
            topic: topic.to_owned(),
            partition: 0,
        }
    }

    #[test]
    fn a_links_name_is_its_head() {
        let path = key("StockExchange").link(42).unwrap();
        assert_eq!(
            path.as_str(),
            "ticks/3/StockExchange/0/00000000000000000042.parquet"
        );
        let folder = |topic| key(topic).folder(&Place::Table(0));
        assert_eq!(folder("StockExchange").head_of(&path), Some(42));
        assert_eq!(folder("other").head_of(&path), None);
        assert!(key("../up").link(0).is_err());
    }

    #[test]
    fn chains_of_a_partition_have_folders_of_their_own() {
        let places = [
            (Place::Table(0), "ticks/3/t/0"),
            (Place::Table(2), "ticks/3.2/t/0"),
            (Place::Replayed(0), "ticks/replayed/3/t/0"),
            (Place::Replayed(2), "ticks/replayed/3.2/t/0"),
            (Place::Staged(2, "a1".into()), "rebuild/ticks/3.2/t/0/a1"),
        ];
        for (place, folder) in places {
            assert_eq!(key("t").folder(&place).as_str(), folder);
        }
        assert_eq!(key("t").workshop(2), "rebuild/ticks/3.2/t/0");
    }

    #[test]
    fn foreign_files_are_told_from_links() {
        for name in [
            "x.parquet",
            "42.parquet",
            "0000000000000000004x.parquet",
            "notes.txt",
        ] {
            let path = ObjectPath::new(format!("ticks/3/t/0/{name}")).unwrap();
            let folder = key("t").folder(&Place::Table(0));
            assert_eq!(folder.head_of(&path), None, "{name}");
        }
    }
}
