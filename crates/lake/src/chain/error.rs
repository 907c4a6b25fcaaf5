//! What can go wrong with a chain.

use std::error::Error;

use super::ChainKey;
use crate::{ObjectPath, PathError, StoreError};

/// Why a chain cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// Storage kept failing.
    #[error("chain {chain} cannot be read")]
    Store {
        /// Which chain.
        chain: ChainKey,
        /// The last failure.
        #[source]
        source: StoreError,
    },
    /// The topic's name cannot be part of an object's.
    #[error("chain {chain} cannot be named")]
    Name {
        /// Which chain.
        chain: ChainKey,
        /// What is wrong with the name.
        #[source]
        source: PathError,
    },
    /// A link is damaged.
    #[error("link {path} is damaged")]
    Damaged {
        /// Which link.
        path: ObjectPath,
        /// How.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Links of replayed rows are missing.
    #[error(
        "replayed rows beside chain {chain} are not whole: a link before the last one is missing"
    )]
    Hole {
        /// Which chain.
        chain: ChainKey,
    },
    /// A swap was decided, and what follows from it takes longer than one caller should.
    #[error(
        "chain {chain} was rebuilt, and its old links are not all emptied yet; that goes on with whoever asks next"
    )]
    Unfinished {
        /// Which chain.
        chain: ChainKey,
    },
    /// An object that is no link lies in the folder of a chain.
    #[error("{path} is no link of chain {chain}; take it out of the lake")]
    Foreign {
        /// Which chain.
        chain: ChainKey,
        /// The object.
        path: ObjectPath,
    },
}

/// Why a batch was not committed, or not known to be.
#[derive(Debug, thiserror::Error)]
pub enum CommitError<E> {
    /// The chain cannot be read.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// Records between the head and the batch are missing.
    #[error(
        "gap in chain {chain}: it ends at offset {head}, the batch begins at {first}; {} records are missing. If the broker has lost them, `tidemill accept-gap` records that and goes on",
        first - head
    )]
    Gap {
        /// Which chain.
        chain: ChainKey,
        /// The offset expected.
        head: i64,
        /// The batch's first offset.
        first: i64,
    },
    /// The batch lies below the head, but is not what the chain got at those offsets.
    #[error(
        "chain {chain} has another record at offset {offset} than the batch: the topic was made anew, or lost its end; with LOG_EPOCH={} or more, new chains begin",
        chain.epoch.0 + 1
    )]
    OtherLog {
        /// Which chain.
        chain: ChainKey,
        /// The offset that gave it away.
        offset: i64,
    },
    /// The chain was closed while it was in use: it goes on in another generation.
    #[error("chain {chain} is closed: it was rebuilt meanwhile")]
    Closed {
        /// Which chain.
        chain: ChainKey,
    },
    /// The caller could not make the link.
    #[error("cannot make a link of chain {chain}")]
    Make {
        /// Which chain.
        chain: ChainKey,
        /// The caller's reason.
        #[source]
        source: E,
    },
    /// The caller made a link that does not fit.
    #[error("a link of chain {chain} was made wrong: {reason}")]
    Misfit {
        /// Which chain.
        chain: ChainKey,
        /// What does not fit.
        reason: &'static str,
    },
    /// The rows cannot be encoded.
    #[error("rows of chain {chain} cannot be encoded")]
    Encode {
        /// Which chain.
        chain: ChainKey,
        /// The encoder's reason.
        #[source]
        source: ::parquet::errors::ParquetError,
    },
    /// Storage kept failing; the link may stand or not, a redelivery finds out.
    #[error("a link of chain {chain} on {head} was tried {attempts} times and does not stand")]
    Unsettled {
        /// Which chain.
        chain: ChainKey,
        /// The head it was tried on.
        head: i64,
        /// How often.
        attempts: u32,
        /// The last failure; none where storage answered `exists` about a link that it cannot show.
        #[source]
        source: Option<StoreError>,
    },
}
