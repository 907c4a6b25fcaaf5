//! The names of chains and links.

use std::fmt;

use super::ChainError;
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
    /// The object of the link made on `head`.
    pub fn link(&self, head: i64) -> Result<ObjectPath, PathError> {
        ObjectPath::new(self.link_name(head))
    }

    pub(super) fn link_name(&self, head: i64) -> String {
        format!("{self}/{head:020}.parquet")
    }

    /// The head that the link at `path` was made on.
    pub(super) fn head_of(&self, path: &ObjectPath) -> Result<i64, ChainError> {
        path.file_name()
            .strip_suffix(".parquet")
            .filter(|digits| digits.len() == 20)
            .and_then(|digits| digits.parse().ok())
            .filter(|&head| self.link_name(head) == path.as_str())
            .ok_or_else(|| ChainError::Foreign {
                chain: self.clone(),
                path: path.clone(),
            })
    }

    /// The same partition's chain in another life of the log.
    pub(super) fn in_epoch(&self, epoch: Epoch) -> Self {
        Self {
            epoch,
            ..self.clone()
        }
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
        assert_eq!(key("StockExchange").head_of(&path).unwrap(), 42);
        assert!(key("other").head_of(&path).is_err());
        assert!(key("../up").link(0).is_err());
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
            assert!(
                matches!(key("t").head_of(&path), Err(ChainError::Foreign { .. })),
                "{name}"
            );
        }
    }
}
