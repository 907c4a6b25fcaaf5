//! One partition of an event: its records become links of the table and of `dead_letter`.

use std::convert::Infallible;

use arrow::error::ArrowError;
use lake::{Admission, Batch, CommitError, Committed, Gaps, Head, NewLink, Table};
use lambda_kit::kafka::{MissingRecords, PartitionBatch};

use crate::context::{Chains, Context};
use crate::dead_letter;
use crate::decode::{Decoded, Rows, decode};
use crate::metrics;

/// What became of a partition's records, those left out that were in already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Archived {
    pub(crate) rows: usize,
    pub(crate) dead_letters: usize,
}

/// Why a partition was not archived; bringing its records again is safe.
#[derive(Debug, thiserror::Error)]
pub enum PartitionError {
    /// The records' rows cannot be made.
    #[error("rows cannot be made")]
    Rows(#[from] ArrowError),
    /// A link was not committed.
    #[error("records cannot be committed")]
    Commit(#[from] CommitError<Infallible>),
    /// The dead letters were not kept.
    #[error("dead letters cannot be committed")]
    DeadLetters(#[from] CommitError<ArrowError>),
}

impl PartitionError {
    /// The records that are missing before the batch, if that is what is wrong.
    pub(crate) fn missing(&self) -> Option<MissingRecords> {
        let Self::Commit(CommitError::Gap { chain, head, first }) = self else {
            return None;
        };
        Some(MissingRecords {
            table: chain.table.name().to_owned(),
            topic: chain.topic.clone(),
            partition: chain.partition,
            first: *head,
            end: *first,
        })
    }
}

/// Brings the records of `batch` that are not in yet into the lake.
///
/// Dead letters are committed first: once the table's link stands, the records it covers never
/// come this far again, so what is to be kept of them must stand before. A repeat between the two
/// finds the dead letters where they are kept.
pub(crate) async fn archive(
    context: &Context,
    table: Table,
    batch: &PartitionBatch,
) -> Result<Archived, PartitionError> {
    let PartitionBatch {
        topic,
        partition,
        records,
    } = batch;
    let stamps: Vec<(i64, i64)> = records
        .iter()
        .map(|record| (record.offset, record.timestamp))
        .collect();
    let Some(offered) = Batch::of(&stamps) else {
        return Ok(Archived::default());
    };
    let chains = context.chains(table, topic, *partition);
    let Chains {
        table: chain,
        dead_letters,
    } = &mut *chains.lock().await;
    let head = match chain.admit::<Infallible>(&offered, Gaps::Refuse).await? {
        Admission::New { head } => head,
        Admission::AlreadyIn => return Ok(Archived::default()),
    };
    let new = records.partition_point(|record| record.offset < head.end);
    let decoded = decode(table, topic, *partition, &records[new..], context.max_ahead)?;
    let Decoded { rows, dead } = decoded;
    let buried = dead_letter::commit(context, dead_letters, &dead, &stamps[new..]).await?;
    metrics::buried(table, buried);
    let mut archived = Archived {
        rows: 0,
        dead_letters: buried,
    };
    let end = offered.offsets.end;
    if let Committed::Link { range } = chain
        .commit(offered, Gaps::Refuse, |head| {
            Ok::<_, Infallible>(link(&rows, head, end))
        })
        .await?
    {
        archived.rows = rows.from_offset(range.start).num_rows();
    }
    Ok(archived)
}

/// The link of `rows` on `head`, up to `end`.
pub(crate) fn link(rows: &Rows, head: &Head, end: i64) -> NewLink {
    NewLink {
        end,
        rows: rows.from_offset(head.end),
        state: Default::default(),
    }
}
