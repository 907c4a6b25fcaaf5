//! What a person can ask of the function, beside what its triggers bring.

mod gaps;
mod letters;
mod rebuild;

use std::convert::Infallible;

use arrow::error::ArrowError;
use chrono::{DateTime, Utc};
use lake::{ChainError, ChainKey, CommitError, StoreError, Table};
use lambda_kit::kafka::KafkaEvent;
use serde::Serialize;
use wire::commands::{Chains, Command, GapAnswer, Letters, Staged, Swapped};

use crate::{ArchiveError, Context};

/// What a command came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Done {
    /// Of `chains`.
    Chains(Chains),
    /// Of `accept-gap`.
    Gap(GapAnswer),
    /// Of `replay-dead-letter`.
    Letters(Letters),
    /// Of `begin-rebuild` and `stage`.
    Staged(Staged),
    /// Of `swap`.
    Swapped(Swapped),
}

/// Why a command was not carried out, or not to its end. Giving it again is safe.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// No table is fed by the topic.
    #[error(transparent)]
    Topic(#[from] ArchiveError),
    /// No table of the name is made of a topic, so there are no dead letters of it.
    #[error("no table `{0}` is fed by a topic; there are {known}", known = crate::fed())]
    Table(String),
    /// A command about records came with others.
    #[error("`stage` takes records of {topic}-{partition} alone")]
    Records {
        /// The topic of the command.
        topic: String,
        /// The partition of the command.
        partition: i32,
    },
    /// A rebuild's name cannot be part of an object's.
    #[error("`{0}` is no name of a rebuild: it has letters, digits and `-`")]
    Id(String),
    /// Another rebuild was faster.
    #[error("another rebuild of {chain} was faster; this one cannot be used any more")]
    Overtaken {
        /// Which chain.
        chain: ChainKey,
    },
    /// An object that is no link of dead letters lies among them.
    #[error("{0} is no link of dead letters; take it out of the lake")]
    Foreign(String),
    /// A link of dead letters is damaged.
    #[error("{path} is damaged")]
    Damaged {
        /// Which.
        path: String,
        /// How.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// Rows cannot be made.
    #[error("rows cannot be made")]
    Rows(#[from] ArrowError),
    /// Storage kept failing.
    #[error("storage fails")]
    Store(#[from] StoreError),
    /// A chain cannot be read.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A link was not committed.
    #[error(transparent)]
    Commit(#[from] CommitError<Infallible>),
    /// Rows were not put in.
    #[error(transparent)]
    Replay(#[from] CommitError<ArrowError>),
}

impl CommandError {
    /// Whether a swap is decided and only takes longer than one invocation.
    fn is_unfinished(&self) -> bool {
        matches!(
            self,
            Self::Chain(ChainError::Unfinished { .. })
                | Self::Commit(CommitError::Chain(ChainError::Unfinished { .. }))
        )
    }
}

/// Carries a command out; `records` is what came with it.
pub(crate) async fn run(
    command: Command,
    records: KafkaEvent,
    now: DateTime<Utc>,
    context: &Context,
) -> Result<Done, CommandError> {
    Ok(match command {
        Command::Chains {} => Done::Chains(gaps::chains(context).await?),
        Command::AcceptGap(gap) => Done::Gap(gaps::accept(context, gap, now).await?),
        Command::ReplayDeadLetter(wish) => {
            Done::Letters(letters::replay(context, &wish, now).await?)
        }
        Command::BeginRebuild(rebuild) => match rebuild::begin(context, &rebuild).await {
            Err(error) if error.is_unfinished() => Done::Swapped(Swapped::Finishing),
            begun => Done::Staged(begun?),
        },
        Command::Stage(rebuild) => {
            let batches = records.into_batches();
            Done::Staged(rebuild::stage(context, &rebuild, batches).await?)
        }
        Command::Swap(rebuild) => match rebuild::swap(context, &rebuild, now).await {
            Err(error) if error.is_unfinished() => Done::Swapped(Swapped::Finishing),
            swapped => Done::Swapped(swapped?),
        },
    })
}

/// The table that a command's topic feeds.
fn table_of(topic: &str) -> Result<Table, CommandError> {
    Table::of_topic(topic).ok_or_else(|| {
        let topic = topic.to_owned();
        CommandError::Topic(ArchiveError::UnknownTopic { topic })
    })
}
