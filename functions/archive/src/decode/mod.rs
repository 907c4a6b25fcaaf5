//! Records to rows: bytes go straight into Arrow columns, and what cannot be a row is set aside.

mod columns;
mod event;
mod ticks;

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int32Array, Int64Array, StringArray, TimestampMillisecondArray,
};
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use chrono::TimeDelta;
use lake::Table;
use lambda_kit::kafka::KafkaRecord;
use wire::{Undecodable, check_timestamp};

use crate::dead_letter::{self, DeadLetter};

/// Rows of one table, in the order of their offsets.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// The rows, of the table's schema.
    pub batch: RecordBatch,
    /// The offset of each.
    pub offsets: Vec<i64>,
}

impl Rows {
    /// The rows at and above `offset`.
    pub fn from_offset(&self, offset: i64) -> RecordBatch {
        let first = self.offsets.partition_point(|&at| at < offset);
        self.batch.slice(first, self.offsets.len() - first)
    }

    /// The rows at other offsets than `known`.
    pub(crate) fn without(&self, known: &BTreeSet<i64>) -> Result<RecordBatch, ArrowError> {
        let new: BooleanArray = self
            .offsets
            .iter()
            .map(|offset| Some(!known.contains(offset)))
            .collect();
        filter_record_batch(&self.batch, &new)
    }

    /// The rows below `offset`.
    pub(crate) fn below(&self, offset: i64) -> Self {
        let count = self.offsets.partition_point(|&at| at < offset);
        Self {
            batch: self.batch.slice(0, count),
            offsets: self.offsets[..count].to_vec(),
        }
    }
}

/// What records of one partition came to: every one is in one of the two.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// Rows of the topic's table.
    pub rows: Rows,
    /// Rows of `dead_letter`.
    pub dead: Rows,
}

/// Decodes `records`, which are in the order of their offsets, as rows of `table`.
///
/// The same records always come to the same rows. A tick more than `max_ahead` ahead of the
/// broker's timestamp is none.
pub fn decode(
    table: Table,
    topic: &str,
    partition: i32,
    records: &[KafkaRecord],
    max_ahead: TimeDelta,
) -> Result<Decoded, ArrowError> {
    match table {
        Table::Ticks => sort_out(
            table,
            topic,
            partition,
            records,
            ticks::Ticks::new(max_ahead, records.len()),
        ),
        _ => sort_out(
            table,
            topic,
            partition,
            records,
            event::Events::new(table, records.len())?,
        ),
    }
}

/// Makes columns of records, one record after the other.
trait Decoder<'a> {
    /// Appends one value to every column, or nothing at all.
    fn append(&mut self, record: &'a KafkaRecord) -> Result<(), Undecodable>;

    /// The table's own columns.
    fn finish(self) -> Result<Vec<ArrayRef>, ArrowError>;
}

fn sort_out<'a>(
    table: Table,
    topic: &str,
    partition: i32,
    records: &'a [KafkaRecord],
    mut decoder: impl Decoder<'a>,
) -> Result<Decoded, ArrowError> {
    let mut stamps = Vec::with_capacity(records.len());
    let mut dead = Vec::new();
    for record in records {
        match check_timestamp(record.timestamp).and_then(|()| decoder.append(record)) {
            Ok(()) => stamps.push((record.offset, record.timestamp)),
            Err(reason) => dead.push(DeadLetter { record, reason }),
        }
    }
    let mut columns = decoder.finish()?;
    columns.extend(audit(topic, partition, &stamps));
    let batch = RecordBatch::try_new(table.schema(), columns)?;
    let rows = Rows {
        batch,
        offsets: stamps.into_iter().map(|(offset, _)| offset).collect(),
    };
    Ok(Decoded {
        rows,
        dead: dead_letter::rows(topic, partition, &dead)?,
    })
}

/// The four columns that audit rows of these offsets and timestamps.
pub(crate) fn audit(topic: &str, partition: i32, stamps: &[(i64, i64)]) -> [ArrayRef; 4] {
    let topics: StringArray = stamps.iter().map(|_| Some(topic)).collect();
    let offsets = stamps.iter().map(|&(offset, _)| offset);
    let timestamps = stamps.iter().map(|&(_, timestamp)| timestamp);
    [
        Arc::new(topics),
        Arc::new(Int32Array::from(vec![partition; stamps.len()])),
        Arc::new(Int64Array::from_iter_values(offsets)),
        Arc::new(TimestampMillisecondArray::from_iter_values(timestamps).with_timezone("UTC")),
    ]
}
