//! Dead letters that today's code can decode become rows, each once.
//!
//! Their rows go beside the chain of their partition ([`lake::Replays`]), for its links cover their offsets already.
//! A letter is in if a row of its offset stands in the one or the other: a rebuilt chain may have it, and so may one
//! whose batch came again after the fix.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMillisecondType};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use lake::{ChainKey, CommitError, Epoch, Link, ObjectPath, REPLAYED, Replays, Table};
use lambda_kit::kafka::KafkaRecord;
use tracing::info;
use wire::commands::{Letters, ReplayDeadLetter};

use super::CommandError;
use crate::Context;
use crate::decode::{Decoded, decode};

/// An answer is about at least so many letters, or the last one.
const ENOUGH: usize = 5_000;
/// An answer tells at most this many reasons.
const REASONS: usize = 20;

/// Goes through the dead letters from where `wish` says, as far as one invocation should.
pub(super) async fn replay(
    context: &Context,
    wish: &ReplayDeadLetter,
    now: DateTime<Utc>,
) -> Result<Letters, CommandError> {
    let only = match &wish.table {
        None => None,
        Some(name) => {
            let table = name.parse().ok();
            let fed = table.filter(|table: &Table| table.topic().is_some());
            Some(fed.ok_or_else(|| CommandError::Table(name.clone()))?)
        }
    };
    let run = wish.run.clone();
    let run = run.unwrap_or_else(|| now.to_rfc3339());
    let mut answer = Letters::default();
    let mut reasons = BTreeMap::new();
    let mut seen = 0;
    let folder = Table::DeadLetter.name();
    let links = context.store.list(folder, wish.after.as_deref()).await?;
    let mut links = links.iter().peekable();
    while let Some(path) = links.next() {
        let key = key_of(path).ok_or_else(|| CommandError::Foreign(path.to_string()))?;
        let Some(table) = Table::of_topic(&key.topic).filter(|it| only.is_none_or(|o| o == *it))
        else {
            continue;
        };
        let letters = read(context, path, wish.since).await?;
        seen += letters.len();
        if !letters.is_empty() {
            put_in(
                context,
                ChainKey { table, ..key },
                letters,
                &run,
                &mut answer,
                &mut reasons,
            )
            .await?;
        }
        if seen >= ENOUGH && links.peek().is_some() {
            answer.next = Some(path.to_string());
            break;
        }
    }
    let mut reasons: Vec<(String, usize)> = reasons.into_iter().collect();
    reasons.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    reasons.truncate(REASONS);
    answer.reasons = reasons;
    let Letters {
        replayed,
        already_in,
        undecodable,
        waiting,
        ..
    } = answer;
    info!(
        replayed,
        already_in, undecodable, waiting, "dead letters replayed"
    );
    Ok(answer)
}

/// The partition whose letters the link at `path` holds; the table is that of the letters.
fn key_of(path: &ObjectPath) -> Option<ChainKey> {
    let mut parts = path.as_str().split('/').skip(1).peekable();
    parts.next_if_eq(&REPLAYED);
    let epoch: Epoch = parts.next()?.parse().ok()?;
    let topic = parts.next()?.to_owned();
    let partition = parts.next()?.parse().ok()?;
    parts.next().filter(|name| name.ends_with(".parquet"))?;
    let table = Table::DeadLetter;
    parts.next().is_none().then_some(ChainKey {
        table,
        epoch,
        topic,
        partition,
    })
}

/// The records that the letters at `path` hold, from `since` on.
async fn read(
    context: &Context,
    path: &ObjectPath,
    since: Option<DateTime<Utc>>,
) -> Result<Vec<KafkaRecord>, CommandError> {
    let damaged = |source| CommandError::Damaged {
        path: path.to_string(),
        source,
    };
    let (rows, _) = lake::parquet::decode(context.store.read(path).await?).map_err(damaged)?;
    let records = records(&rows).ok_or_else(|| CommandError::Foreign(path.to_string()))?;
    let from = since.map_or(i64::MIN, |since| since.timestamp_millis());
    Ok(records
        .into_iter()
        .filter(|it| it.timestamp >= from)
        .collect())
}

/// The records that rows of `dead_letter` hold; none if the rows are others.
fn records(rows: &RecordBatch) -> Option<Vec<KafkaRecord>> {
    let column = |name| rows.column_by_name(name);
    let offsets = column("offset")?.as_primitive_opt::<Int64Type>()?;
    let timestamps = column("timestamp")?.as_primitive_opt::<TimestampMillisecondType>()?;
    let (keys, values) = (column("key")?, column("value")?);
    let (keys, values) = (keys.as_binary_opt::<i32>()?, values.as_binary_opt::<i32>()?);
    let bytes = |column: &arrow::array::BinaryArray, row| {
        column
            .is_valid(row)
            .then(|| Bytes::copy_from_slice(column.value(row)))
    };
    let record = |row| KafkaRecord {
        offset: offsets.value(row),
        timestamp: timestamps.value(row),
        key: bytes(keys, row),
        value: bytes(values, row),
        headers: Vec::new(),
    };
    Some((0..rows.num_rows()).map(record).collect())
}

/// Puts those of `letters` in that can be decoded and are not in.
async fn put_in(
    context: &Context,
    key: ChainKey,
    letters: Vec<KafkaRecord>,
    run: &str,
    answer: &mut Letters,
    reasons: &mut BTreeMap<String, usize>,
) -> Result<(), CommandError> {
    let (Some(first), Some(last)) = (letters.first(), letters.last()) else {
        return Ok(());
    };
    let range = first.offset..last.offset + 1;
    loop {
        let mut chain = context.chain(key.clone());
        let generation = chain.generation().await?;
        let head = chain.head().await?.end;
        let links = chain.links_overlapping(range.clone()).await?;
        let in_chain: BTreeSet<i64> = links.iter().flat_map(Link::offsets).collect();
        // What the chain does not cover yet comes again with its batch: put in now, it would be doubled then.
        let covered = letters.partition_point(|letter| letter.offset < head);
        let open: Vec<KafkaRecord> = letters[..covered]
            .iter()
            .filter(|letter| !in_chain.contains(&letter.offset))
            .cloned()
            .collect();
        let (topic, partition) = (key.topic.as_str(), key.partition);
        let Decoded { rows, dead } = decode(key.table, topic, partition, &open, context.max_ahead)?;
        let store = context.store.clone();
        let mut replays = Replays::new(store, key.clone(), generation, context.retry);
        let added = replays.add(run, |known| rows.without(known)).await;
        let replayed = match added {
            // The partition was rebuilt just now: what is in has to be looked for there.
            Err(CommitError::Closed { .. }) => continue,
            added => added?,
        };
        answer.replayed += replayed;
        answer.undecodable += dead.offsets.len();
        answer.waiting += letters.len() - covered;
        answer.already_in += covered - replayed - dead.offsets.len();
        if let Some(told) = dead.batch.column_by_name("reason") {
            for reason in told.as_string::<i32>().iter().flatten() {
                *reasons.entry(reason.to_owned()).or_default() += 1;
            }
        }
        return Ok(());
    }
}
