//! A partition's rows made again from its topic: staged where no reader looks, then swapped in.
//!
//! Who drives a rebuild reads the topic and brings its records in their order, as a trigger would. Only records below
//! the head of the partition's chain are staged: what comes after it is the trigger's to bring, so that its dead
//! letters are in, too.

use std::convert::Infallible;

use chrono::{DateTime, Utc};
use lake::{Batch, Chain, ChainKey, Gap, Gaps, Swapping, Table};
use lambda_kit::kafka::PartitionBatch;
use tracing::info;
use wire::commands::{Rebuild, Staged, Swapped};

use super::{CommandError, table_of};
use crate::Context;
use crate::dead_letter;
use crate::decode::{Decoded, decode};
use crate::metrics;
use crate::partition::link;

/// The chain of the partition, and what a rebuild of it is told.
struct Site {
    key: ChainKey,
    live: Chain,
    staged: Chain,
    told: Staged,
}

/// Looks how far things are.
async fn survey(context: &Context, rebuild: &Rebuild) -> Result<Site, CommandError> {
    let Rebuild {
        topic,
        partition,
        id,
        ..
    } = rebuild;
    let is_name = |id: &str| id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if id.is_empty() || id.len() > 64 || !is_name(id) {
        return Err(CommandError::Id(id.clone()));
    }
    let key = context.key(table_of(topic)?, topic, *partition);
    let mut live = context.chain(key.clone());
    let current = live.generation().await?;
    let swapped = live.is_made_by(current, id).await?;
    let generation = if swapped { current } else { current + 1 };
    let staged = Chain::staged(context.store.clone(), key.clone(), generation, id.clone());
    let mut staged = staged.with_retry(context.retry);
    let staged_head = staged.head().await?;
    let staged_end = staged_head.exists.then_some(staged_head.end);
    let oldest = live.links_overlapping(0..1).await?;
    let head = live.head().await?.clone();
    // The first link is made on offset 0; without it the chain has lost rows, and began all the same.
    let begins = match oldest.first() {
        Some(link) => Some(link.range.start),
        None => head.exists.then_some(0),
    };
    let told = Staged {
        generation,
        swapped,
        staged: staged_end,
        first: begins,
        head: head.end,
        rows: 0,
        undecodable: 0,
        begun: Vec::new(),
    };
    Ok(Site {
        key,
        live,
        staged,
        told,
    })
}

pub(super) async fn begin(context: &Context, rebuild: &Rebuild) -> Result<Staged, CommandError> {
    let Site { live, mut told, .. } = survey(context, rebuild).await?;
    told.begun = live.rebuilds().await?;
    Ok(told)
}

pub(super) async fn stage(
    context: &Context,
    rebuild: &Rebuild,
    batches: Vec<PartitionBatch>,
) -> Result<Staged, CommandError> {
    let Rebuild {
        topic, partition, ..
    } = rebuild;
    let is_other = |it: &PartitionBatch| it.topic != *topic || it.partition != *partition;
    if batches.iter().any(is_other) {
        return Err(CommandError::Records {
            topic: topic.clone(),
            partition: *partition,
        });
    }
    let Site {
        key,
        live,
        mut staged,
        mut told,
    } = survey(context, rebuild).await?;
    if told.swapped || told.generation != rebuild.generation {
        return Err(CommandError::Overtaken { chain: key });
    }
    let mut records = batches
        .into_iter()
        .flat_map(|it| it.records)
        .collect::<Vec<_>>();
    records.retain(|record| {
        record.offset < told.head && told.staged.is_none_or(|end| record.offset >= end)
    });
    let decoded = decode(key.table, topic, *partition, &records, context.max_ahead)?;
    let Decoded { rows, dead } = decoded;
    let stamps: Vec<(i64, i64)> = records
        .iter()
        .map(|record| (record.offset, record.timestamp))
        .collect();
    if let Some(batch) = Batch::of(&stamps) {
        // A topic that was made anew would take the place of rows that no broker has any more.
        live.compare::<Infallible>(&batch).await?;
    }
    // Records that were rows so far and cannot be decoded any more.
    let mut letters = context.chain(context.key(Table::DeadLetter, topic, *partition));
    let buried = dead_letter::commit(context, &mut letters, &dead, &stamps).await?;
    metrics::buried(key.table, buried);
    let upto = rebuild.upto.map(|upto| upto.min(told.head));
    let first = stamps.first().map(|&(offset, _)| offset).or(told.staged);
    let end = stamps.last().map(|&(offset, _)| offset + 1).max(upto);
    if let (Some(first), Some(end)) = (first.or(end.map(|end| end - 1)), end) {
        let batch = Batch {
            offsets: first..end,
            timestamps: &stamps,
        };
        staged
            .commit(batch, Gaps::Skip, |head| {
                Ok::<_, Infallible>(link(&rows, head, end))
            })
            .await?;
    }
    told.staged = Some(staged.head().await?)
        .filter(|it| it.exists)
        .map(|it| it.end);
    (told.rows, told.undecodable) = (rows.offsets.len(), dead.offsets.len());
    Ok(told)
}

pub(super) async fn swap(
    context: &Context,
    rebuild: &Rebuild,
    now: DateTime<Utc>,
) -> Result<Swapped, CommandError> {
    let Site {
        key,
        mut live,
        staged,
        told,
    } = survey(context, rebuild).await?;
    let is_due = !told.swapped
        && told.generation == rebuild.generation
        && told.staged.is_some_and(|end| end >= told.head);
    if let (true, Some(first), Some(_)) = (is_due, told.first, rebuild.lost_below)
        && let Some(oldest) = staged.links_overlapping(0..1).await?.first()
        && let end = oldest.first_record().unwrap_or(oldest.range.end)
        && first < end
    {
        // Before the rows go: a loss without a trace would be worse than a trace of one that is yet to come.
        let gap = Gap {
            // What is missing above the head is a gap of the chain, and no matter of its rows.
            range: first..end.min(told.head),
            accepted_at: now.timestamp_millis(),
            reason: format!("rebuilt without them as {}", rebuild.id),
        };
        live.record_loss(&gap).await?;
    }
    let swapped = live.swap(rebuild.generation, &rebuild.id).await?;
    info!(chain = %key, id = rebuild.id, ?swapped, "swap");
    Ok(match swapped {
        Swapping::Swapped => Swapped::Done,
        Swapping::Behind { staged, head } => Swapped::Behind { staged, head },
        Swapping::Overtaken => Swapped::Overtaken,
    })
}
