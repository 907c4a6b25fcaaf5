//! `tidemill accept-gap`: records are lost, a person knows it, and the tables go on.
//!
//! What is missing is asked, not told: where a function's chain ends, and which record from there on the brokers still
//! have. Only what lies between the two can be accepted, so nothing that can still come is given up.

use std::env;

use clap::{ArgGroup, Args};
use wire::commands::{AcceptGap, ChainEnd, Chains, Command, GapAnswer};

use super::{
    lambda::{Lambda, LambdaError},
    log::{LogError, Logs},
    say,
    site::{Site, SiteError},
};
use crate::broker::Watermark;

#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("which").required(true).args(["topic", "all"])),
    override_usage = "tidemill accept-gap <--topic TOPIC --partition N|--all> [OPTIONS]"
)]
pub(super) struct Settings {
    /// The topic whose records are lost; needs --partition
    #[arg(long, requires = "partition")]
    topic: Option<String>,
    /// The partition of the topic; needs --topic
    #[arg(long, requires = "topic")]
    partition: Option<i32>,
    /// Every gap that there is
    #[arg(long)]
    all: bool,
    /// Why they are lost, for the table `gaps`, which has after it who accepted it: "(accepted by USER)"
    #[arg(long, default_value = "the brokers have lost them")]
    reason: String,
    /// Functions whose chains are looked at
    #[arg(long = "function", value_name = "NAME", default_values = ["archive", "evaluate"])]
    functions: Vec<String>,
    #[command(flatten)]
    site: Site,
}

/// Why gaps were not accepted.
#[derive(Debug, thiserror::Error)]
pub(super) enum AcceptGapError {
    #[error(transparent)]
    Site(#[from] SiteError),
    #[error(transparent)]
    Lambda(#[from] LambdaError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("no table has records of {topic}-{partition}; there are {known}")]
    NoChain {
        topic: String,
        partition: i32,
        known: String,
    },
}

pub(super) async fn run(settings: Settings) -> Result<(), AcceptGapError> {
    let (lambda, logs) = settings.site.open()?;
    let mut chains = Vec::new();
    for function in &settings.functions {
        let found: Chains = lambda.command(function, &Command::Chains {}).await?;
        chains.extend(found.chains.into_iter().map(|chain| (function, chain)));
    }
    let wanted = |chain: &ChainEnd| {
        let is_topic = settings.topic.as_ref().is_none_or(|it| *it == chain.topic);
        is_topic && settings.partition.is_none_or(|it| it == chain.partition)
    };
    if let (Some(topic), Some(partition)) = (&settings.topic, settings.partition)
        && !chains.iter().any(|(_, chain)| wanted(chain))
    {
        return Err(AcceptGapError::NoChain {
            topic: topic.clone(),
            partition,
            known: known(chains.iter().map(|(_, chain)| chain)),
        });
    }
    let (mut accepted, mut shorter) = (0, 0);
    for (function, chain) in chains.iter().filter(|(_, chain)| wanted(chain)) {
        let bounds = logs.bounds(&chain.topic, chain.partition).await?;
        let next = next_record(&logs, chain, bounds).await?;
        if chain.head > bounds.high {
            shorter += 1;
            say(&format!(
                "{}: no gap, but the brokers' log ends at {}, before the table's head, {}: it was made anew, or lost its \
                 end. A log that was made anew needs a new LOG_EPOCH",
                place(chain),
                bounds.high,
                chain.head
            ));
        } else if next > chain.head {
            accepted += usize::from(accept(&lambda, function, chain, next, &settings).await?);
        } else if !settings.all {
            say(&format!(
                "{}: nothing is lost, the brokers have its next record, or will give it offset {}",
                place(chain),
                chain.head
            ));
        }
    }
    if settings.all && accepted + shorter == 0 {
        say("no gap: the brokers have the next record of every table");
    }
    Ok(())
}

/// The offset of the first record that the brokers have at or above the chain's head; where they have none, the one
/// that the next record will get.
async fn next_record(logs: &Logs, chain: &ChainEnd, bounds: Watermark) -> Result<i64, LogError> {
    if chain.head >= bounds.high {
        return Ok(chain.head);
    }
    let from = chain.head.max(bounds.low);
    let mut log = logs.read(&chain.topic, chain.partition, from)?;
    Ok(log
        .next()
        .await?
        .map_or(bounds.high, |record| record.offset))
}

async fn accept(
    lambda: &Lambda,
    function: &str,
    chain: &ChainEnd,
    end: i64,
    settings: &Settings,
) -> Result<bool, AcceptGapError> {
    let by = env::var("USER").unwrap_or_else(|_| "an unnamed user".to_owned());
    let command = Command::AcceptGap(AcceptGap {
        topic: chain.topic.clone(),
        partition: chain.partition,
        first: chain.head,
        end,
        reason: format!("{} (accepted by {by})", settings.reason),
    });
    let answer: GapAnswer = lambda.command(function, &command).await?;
    let lost = end - chain.head;
    say(&if answer.accepted {
        format!(
            "{}: {lost} records are lost, offsets {} to {}; accepted, it goes on at {end}",
            place(chain),
            chain.head,
            end - 1
        )
    } else {
        format!(
            "{}: the missing records came after all, it is at offset {} now; nothing accepted",
            place(chain),
            answer.head
        )
    });
    Ok(answer.accepted)
}

fn place(chain: &ChainEnd) -> String {
    format!("{} of {}-{}", chain.table, chain.topic, chain.partition)
}

fn known<'a>(chains: impl Iterator<Item = &'a ChainEnd>) -> String {
    let mut names: Vec<String> = chains
        .map(|chain| format!("{}-{}", chain.topic, chain.partition))
        .collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        return "none yet".to_owned();
    }
    names.join(", ")
}
