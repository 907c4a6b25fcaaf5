//! Rows of `dead_letter`: records that could not be decoded, as they came, and why.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, StringArray};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use lake::{Batch, Chain, CommitError, Committed, Gaps, Replays, Table};
use lambda_kit::kafka::KafkaRecord;
use tracing::warn;
use wire::Undecodable;

use crate::Context;
use crate::decode::{Rows, audit};
use crate::partition::link;

/// A record that could not be decoded.
#[derive(Debug)]
pub(crate) struct DeadLetter<'a> {
    pub(crate) record: &'a KafkaRecord,
    pub(crate) reason: Undecodable,
}

/// The rows of `letters`, which are in the order of their offsets.
pub(crate) fn rows(
    topic: &str,
    partition: i32,
    letters: &[DeadLetter<'_>],
) -> Result<Rows, ArrowError> {
    let records = || letters.iter().map(|letter| letter.record);
    let stamps: Vec<_> = records()
        .map(|record| (record.offset, record.timestamp))
        .collect();
    let [topics, partitions, offsets, timestamps] = audit(topic, partition, &stamps);
    let keys: BinaryArray = records().map(|record| record.key.as_deref()).collect();
    let values: BinaryArray = records().map(|record| record.value.as_deref()).collect();
    let reasons: StringArray = letters
        .iter()
        .map(|letter| Some(letter.reason.to_string()))
        .collect();
    // A dead letter is about a record, so its own columns name the one that the audit columns name.
    let columns: Vec<ArrayRef> = vec![
        topics.clone(),
        partitions.clone(),
        offsets.clone(),
        timestamps.clone(),
        Arc::new(keys),
        Arc::new(values),
        Arc::new(reasons),
        topics,
        partitions,
        offsets,
        timestamps,
    ];
    let batch = RecordBatch::try_new(Table::DeadLetter.schema(), columns)?;
    let offsets = stamps.into_iter().map(|(offset, _)| offset).collect();
    Ok(Rows { batch, offsets })
}

/// Commits `dead`, which are of the records with these offsets and timestamps, to their chain.
///
/// Its links skip good records, so its head may lie above a letter that it never got: an invocation whose later records
/// were refused in the end has left letters of theirs, or today's code refuses what it took before. Such letters go in
/// beside the chain, and only once its head is above them, so that no link can bring them as well.
///
/// Answers how many letters came in by this call.
pub(crate) async fn commit(
    context: &Context,
    chain: &mut Chain,
    dead: &Rows,
    stamps: &[(i64, i64)],
) -> Result<usize, CommitError<ArrowError>> {
    let Some(last) = dead.offsets.last() else {
        return Ok(0);
    };
    let upto = stamps.partition_point(|(offset, _)| offset <= last);
    let Some(batch) = Batch::of(&stamps[..upto]) else {
        return Ok(0);
    };
    let (first, end) = (batch.offsets.start, batch.offsets.end);
    let committed = chain
        .commit(batch, Gaps::Skip, |head| Ok(link(dead, head, end)))
        .await?;
    let from = match committed {
        Committed::Link { range } => range.start,
        Committed::AlreadyIn => end,
    };
    let below = dead.below(from);
    let linked = dead.offsets.len() - below.offsets.len();
    let beside = put_in(context, chain, &below, &format!("{first}-{end}")).await?;
    Ok(linked + beside)
}

/// Puts those of `dead`, all below the head of their chain, in beside it that are not in. `by` tells them from another's.
async fn put_in(
    context: &Context,
    chain: &Chain,
    dead: &Rows,
    by: &str,
) -> Result<usize, CommitError<ArrowError>> {
    let (Some(first), Some(last)) = (dead.offsets.first(), dead.offsets.last()) else {
        return Ok(0);
    };
    let mut known = chain.rows_at(&dead.offsets).await?;
    if dead.offsets.iter().all(|offset| known.contains(offset)) {
        return Ok(0);
    }
    let key = chain.key().clone();
    let mut later = Replays::new(context.store.clone(), key, 0, context.retry);
    let letters = later
        .add(by, |added| {
            known.extend(added);
            dead.without(&known)
        })
        .await?;
    if letters > 0 {
        warn!(
            letters,
            first, last, "dead letters are put in beside their chain"
        );
    }
    Ok(letters)
}
