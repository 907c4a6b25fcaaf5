//! Why an evaluation fails.

use arrow::error::ArrowError;
use domain::window::MissingHoldings;
use lake::holdings::HoldingsError;
use lake::{ChainError, CommitError, OpenError};
use lambda_kit::kafka::MissingRecords;
use stream::{LookupError, PublishError};
use thiserror::Error;

use crate::CommandError;

/// Why an invocation or a batch of it failed. Nothing is lost by any of them: the batch comes again.
#[derive(Debug, Error)]
pub enum Error {
    /// The trigger is set up for another topic.
    #[error("this function takes ticks, and the trigger brings records of {topic:?}")]
    UnexpectedTopic {
        /// The topic.
        topic: String,
    },
    /// Holdings cannot be read.
    #[error(transparent)]
    Holdings(#[from] HoldingsError),
    /// The chain cannot be read.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The batch cannot be committed.
    #[error(transparent)]
    Commit(#[from] CommitError<MakeError>),
    /// The state of an earlier epoch's chain cannot be read.
    #[error("cannot go on from the chain of an earlier epoch")]
    Predecessor(#[source] MakeError),
    /// The evaluations of a link cannot be read.
    #[error("a link over offsets {first}..{end} has rows that are no evaluations: {what}")]
    Rows {
        /// The link's first offset.
        first: i64,
        /// The offset after its last.
        end: i64,
        /// What is wrong with them.
        what: &'static str,
    },
    /// The broker did not take an evaluation.
    #[error("an evaluation was not acknowledged")]
    Publish(#[from] PublishError),
    /// A person's command was not carried out.
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// Why a link cannot be made.
#[derive(Debug, Error)]
pub enum MakeError {
    /// The holdings were looked up for another head, so they may be older than those of the last link.
    #[error("the chain has gone on to {head} since the holdings were looked up")]
    HeadMoved {
        /// Where it ends now.
        head: i64,
    },
    /// The state that the last link carries is not one.
    #[error("the state of the last link cannot be read")]
    State(#[source] serde_json::Error),
    /// The last link carries none.
    #[error("the last link carries no state")]
    NoState,
    /// The new state cannot be written.
    #[error("the state cannot be written")]
    NewState(#[source] serde_json::Error),
    /// An open window needs holdings that are not at hand.
    #[error(transparent)]
    Holdings(#[from] MissingHoldings),
    /// The rows cannot be built.
    #[error("the rows of the evaluations cannot be built")]
    Rows(#[from] ArrowError),
}

/// Why a function cannot start.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The lake cannot be opened.
    #[error(transparent)]
    Lake(#[from] OpenError),
    /// The first holdings cannot be made.
    #[error(transparent)]
    Holdings(#[from] HoldingsError),
    /// The brokers are not known.
    #[error(transparent)]
    Brokers(#[from] LookupError),
    /// No producer can be made.
    #[error(transparent)]
    Publisher(#[from] PublishError),
}

impl Error {
    /// The ticks that are missing before the batch, if that is what is wrong.
    pub fn missing(&self) -> Option<MissingRecords> {
        let Self::Commit(CommitError::Gap { chain, head, first }) = self else {
            return None;
        };
        Some(MissingRecords {
            table: chain.table.name().to_owned(),
            topic: wire::topics::STOCK_EXCHANGE.to_owned(),
            partition: chain.partition,
            first: *head,
            end: *first,
        })
    }
}
