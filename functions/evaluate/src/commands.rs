//! What a person can ask of the function, beside what its trigger brings.

use std::collections::btree_map::Entry;
use std::convert::Infallible;

use chrono::{DateTime, Utc};
use lake::{Acceptance, ChainError, CommitError, Gap, StoreError, Table};
use serde::Serialize;
use thiserror::Error;
use tracing::{info, warn};
use wire::commands::{AcceptGap, ChainEnd, Chains, Command, GapAnswer};
use wire::topics::STOCK_EXCHANGE;

use crate::Context;

/// What a command came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Done {
    /// Of `chains`.
    Chains(Chains),
    /// Of `accept-gap`.
    Gap(GapAnswer),
}

/// Why a command was not carried out. Giving it again is safe.
#[derive(Debug, Error)]
pub enum CommandError {
    /// A chain of this function's counts no other topic.
    #[error("this function has chains of {STOCK_EXCHANGE} alone, not of {0:?}")]
    Topic(String),
    /// A command of another function's.
    #[error(
        "this function knows the commands `chains` and `accept-gap`; evaluations once made are never made again"
    )]
    Unknown,
    /// Storage kept failing.
    #[error("storage fails")]
    Store(#[from] StoreError),
    /// A chain cannot be read.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The gap was not recorded.
    #[error(transparent)]
    Commit(#[from] CommitError<Infallible>),
}

/// Carries a command out.
pub(crate) async fn run(
    command: Command,
    now: DateTime<Utc>,
    context: &Context,
) -> Result<Done, CommandError> {
    match command {
        Command::Chains {} => Ok(Done::Chains(chains(context).await?)),
        Command::AcceptGap(gap) => Ok(Done::Gap(accept(context, gap, now).await?)),
        _ => Err(CommandError::Unknown),
    }
}

async fn chains(context: &Context) -> Result<Chains, CommandError> {
    let table = Table::Evaluations;
    let folder = format!(
        "{table}/{}/{}",
        context.settings.epoch,
        context.chain_topic()
    );
    let folders = context.store.list_folders(&folder).await?;
    let mut partitions: Vec<i32> = folders.iter().filter_map(|it| it.parse().ok()).collect();
    partitions.sort_unstable();
    let mut chains = Vec::new();
    for partition in partitions {
        let mut chain = context.chain(partition);
        let head = chain.head().await?;
        if head.exists {
            chains.push(ChainEnd {
                table: table.name().to_owned(),
                topic: STOCK_EXCHANGE.to_owned(),
                partition,
                head: head.end,
            });
        }
    }
    Ok(Chains { chains })
}

/// Windows that are open stay so over the gap, with the prices known before it.
async fn accept(
    context: &Context,
    wish: AcceptGap,
    now: DateTime<Utc>,
) -> Result<GapAnswer, CommandError> {
    if wish.topic != STOCK_EXCHANGE {
        return Err(CommandError::Topic(wish.topic));
    }
    let gap = Gap {
        range: wish.first..wish.end,
        accepted_at: now.timestamp_millis(),
        reason: wish.reason,
    };
    let mut warm = context.warm.lock().await;
    let chain = match warm.chains.entry(wish.partition) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(vacant) => vacant.insert(context.chain(wish.partition)),
    };
    let partition = wish.partition;
    Ok(match chain.accept_gap(&gap).await? {
        Acceptance::Accepted(Gap { range, reason, .. }) => {
            let (first, end) = (range.start, range.end);
            warn!(partition, first, end, reason, "gap accepted");
            GapAnswer {
                accepted: true,
                head: end,
            }
        }
        Acceptance::NotThere { head } => {
            info!(partition, head, "no such gap");
            GapAnswer {
                accepted: false,
                head,
            }
        }
    })
}
