//! Dead letters that today's code can decode become rows, each once.
//!
//! Their rows go beside the chain of their partition ([`lake::Replays`]), for its links cover their offsets already.
//! A letter is in if a row of its offset stands in the one or the other: a rebuilt chain may have it, and so may one
//! whose batch came again after the fix.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMillisecondType};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use lake::{ChainKey, CommitError, Epoch, ObjectPath, REPLAYED, Replays, Table};
use lambda_kit::kafka::KafkaRecord;
use tokio::time::Instant;
use tracing::info;
use wire::commands::{Letters, ReplayDeadLetter};

use super::CommandError;
use crate::Context;
use crate::decode::{Decoded, decode};

/// An answer is about at least so many letters, or the last one; at most about so many are put in together.
const ENOUGH: usize = 5_000;
/// At most about so many bytes of letters are put in together: a batch of the trigger is no larger.
const BYTES: usize = 6_000_000;
/// At most the letters of so many links are put in together: as many links of the table have to be looked at.
const LINKS: usize = 500;
/// How many links of letters are asked for at a time.
const AT_ONCE: usize = 8;
/// An answer tells at most this many reasons.
const REASONS: usize = 20;

/// A link of dead letters, and the chain that their rows belong to.
struct Source {
    path: ObjectPath,
    key: ChainKey,
}

/// Goes through the dead letters from where `wish` says, as far as one invocation should.
///
/// What is put in together is one link, before which all those of before are read: letters that lie in many links of
/// theirs must not make as many.
pub(super) async fn replay(
    context: &Context,
    wish: &ReplayDeadLetter,
    now: DateTime<Utc>,
) -> Result<Letters, CommandError> {
    let until = Instant::now() + context.turn;
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
    let sources = sources(context, wish.after.as_deref(), only).await?;
    let mut left = sources.as_slice();
    while let Some(Source { key, .. }) = left.first() {
        let (taken, letters) = gather(context, left, wish.since, until).await?;
        seen += letters.len();
        if !letters.is_empty() {
            put_in(
                context,
                key.clone(),
                letters,
                &run,
                &mut answer,
                &mut reasons,
            )
            .await?;
        }
        let (done, rest) = left.split_at(taken);
        left = rest;
        let is_enough = seen >= ENOUGH || Instant::now() >= until;
        if is_enough && !left.is_empty() {
            answer.next = done.last().map(|it| it.path.to_string());
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

/// The links of letters after `after`, in order; those for the table `only`, if it is given.
async fn sources(
    context: &Context,
    after: Option<&str>,
    only: Option<Table>,
) -> Result<Vec<Source>, CommandError> {
    let mut sources = Vec::new();
    for path in context.store.list(Table::DeadLetter.name(), after).await? {
        let key = key_of(&path).ok_or_else(|| CommandError::Foreign(path.to_string()))?;
        let table = Table::of_topic(&key.topic);
        if let Some(table) = table.filter(|it| only.is_none_or(|only| only == *it)) {
            let key = ChainKey { table, ..key };
            sources.push(Source { path, key });
        }
    }
    Ok(sources)
}

/// The letters of the first partition of `sources`, as many as go in together, in the order of their offsets, and of how
/// many links they are: of one at least.
async fn gather(
    context: &Context,
    sources: &[Source],
    since: Option<DateTime<Utc>>,
    until: Instant,
) -> Result<(usize, Vec<KafkaRecord>), CommandError> {
    let partition = sources.chunk_by(|one, other| one.key == other.key).next();
    let paths = partition.into_iter().flatten().take(LINKS);
    let paths: Vec<ObjectPath> = paths.map(|it| it.path.clone()).collect();
    let mut links = stream::iter(paths)
        .map(|path| async move { read(context, &path, since).await })
        .buffered(AT_ONCE);
    let (mut taken, mut bytes, mut letters) = (0, 0, Vec::new());
    while let Some(some) = links.try_next().await? {
        taken += 1;
        bytes += some.iter().map(size).sum::<usize>();
        letters.extend(some);
        if letters.len() >= ENOUGH || bytes >= BYTES || Instant::now() >= until {
            break;
        }
    }
    // Letters that came late are in links beside the chain, which follow one another as they came.
    letters.sort_by_key(|letter| letter.offset);
    Ok((taken, letters))
}

fn size(letter: &KafkaRecord) -> usize {
    let parts = [&letter.key, &letter.value];
    parts.into_iter().flatten().map(Bytes::len).sum()
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

/// How many of `offsets`, which are in order, no batch brings any more, in a chain that ends at `head`.
///
/// What a chain does not cover yet comes again with its batch: put in now, it would be doubled then. But to a life of the
/// log that is over nothing comes.
fn covered(offsets: &[i64], epoch: Epoch, now: Epoch, head: i64) -> usize {
    if epoch < now {
        return offsets.len();
    }
    offsets.partition_point(|&offset| offset < head)
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
    let offsets: Vec<i64> = letters.iter().map(|letter| letter.offset).collect();
    loop {
        let mut chain = context.chain(key.clone());
        if let Some(first) = offsets.first() {
            chain.expect_near(*first);
        }
        let generation = chain.generation().await?;
        let head = chain.head().await?.end;
        let covered = covered(&offsets, key.epoch, context.epoch, head);
        let in_chain = chain.rows_at(&offsets[..covered]).await?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_batches_of_this_life_of_the_log_may_come_again() {
        let covered = |epoch, head| covered(&[3, 5, 9], Epoch(epoch), Epoch(2), head);
        assert_eq!([0, 5, 6, 10].map(|head| covered(2, head)), [0, 1, 2, 3]);
        assert_eq!([0, 6].map(|head| covered(1, head)), [3, 3]);
        // Of a later one than this code's: its own knows better.
        assert_eq!(covered(3, 6), 2);
    }
}
