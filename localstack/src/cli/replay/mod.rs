//! `tidemill replay`: records get into their tables again.

mod letters;
mod topic;

use clap::{Args, Subcommand};

use super::{lambda::LambdaError, log::LogError, running::Running, site::SiteError};

/// The function that keeps the tables.
const ARCHIVE: &str = "archive";

#[derive(Debug, Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct Settings {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Puts dead letters in that can be decoded now, after a fix; each once, however often it runs
    ///
    /// The letters stay in dead_letter; the view dead_letter_status tells which are rows by now. Ticks that get in this
    /// way change no evaluation: one that was made is never made again.
    DeadLetter(letters::Settings),
    /// Rebuilds a table from its topic, with all that the brokers still have of it, and swaps it in
    ///
    /// Readers see the old rows until the new ones are whole. What comes meanwhile is neither lost nor doubled.
    /// Evaluations are not rebuilt: one that was made is never made again.
    Topic(topic::Settings),
}

/// Why records were not put in again, or not all.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReplayError {
    #[error(transparent)]
    Site(#[from] SiteError),
    #[error(transparent)]
    Lambda(#[from] LambdaError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("a command cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
    #[error(
        "the brokers have lost the beginning of {topic}-{partition}: the rows of offsets {first} to {} would be lost. \
         Nothing was changed; --lose-older rebuilds without them", low - 1
    )]
    Older {
        topic: String,
        partition: i32,
        first: i64,
        low: i64,
    },
    #[error(
        "the brokers have dropped offsets {from} to {} of {topic}-{partition} while they were read; nothing was \
         changed there", low - 1
    )]
    Dropped {
        topic: String,
        partition: i32,
        from: i64,
        low: i64,
    },
    #[error(
        "the brokers' log of {topic}-{partition} ends at {high}, before the head of its table, {head}: it was made anew, or \
         lost its end, and rows would be lost; nothing was changed there. A log that was made anew needs a new LOG_EPOCH"
    )]
    Shorter {
        topic: String,
        partition: i32,
        high: i64,
        head: i64,
    },
    #[error(
        "another rebuild of {topic}-{partition} was faster; it is swapped in, and this one is of no use any more"
    )]
    Overtaken { topic: String, partition: i32 },
    #[error(
        "no rebuild of {topic} has the name {id}: {}. Without --resume a new one begins",
        there(known)
    )]
    NoRebuild {
        topic: String,
        id: String,
        known: Vec<String>,
    },
    #[error(
        "{name}: what was staged up to {head} is not seen beyond {staged}: storage's listings lag behind. \
         Nothing was changed there; --resume {id} goes on"
    )]
    Hidden {
        name: String,
        staged: i64,
        head: i64,
        id: String,
    },
    #[error("{topic} has no partition {partition}; it has 0 to {last}")]
    NoPartition {
        topic: String,
        partition: i32,
        last: i32,
    },
}

fn there(known: &[String]) -> String {
    match known {
        [] => "none is begun and not swapped in".to_owned(),
        known => format!("begun and not swapped in are {}", known.join(", ")),
    }
}

pub(super) async fn run(settings: Settings) -> Result<(), ReplayError> {
    match settings.what {
        What::DeadLetter(settings) => letters::run(settings).await,
        What::Topic(settings) => topic::run(settings).await,
    }
}
