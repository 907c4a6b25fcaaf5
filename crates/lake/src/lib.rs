//! The lake: tables of immutable Parquet links in object storage, and how rows get there exactly once.
//!
//! [`Store`] is the port to object storage, [`Table`] says what a table holds, [`Chain`] commits
//! the rows of one partition of a topic, [`holdings`] keeps the versions of who holds what.

pub mod chain;
pub mod holdings;
pub mod metrics;
pub mod parquet;
mod path;
mod store;
mod tables;

pub use chain::{
    Acceptance, Admission, Batch, Chain, ChainError, ChainKey, CommitError, Committed, Gap, Gaps,
    Head, Link, Move, NewLink, REBUILD, REPLAYED, Replays, Retry, Swap, Swapping, TURN,
};
pub use path::{Epoch, ObjectPath, PathError};
pub use store::{
    Anchor, Created, Fault, FileStore, MemoryStore, OpenError, Operation, S3Store, Store,
    StoreError, open, s3,
};
pub use tables::{Column, Kind, Table, UnknownTable, columns};
