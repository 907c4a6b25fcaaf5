//! Rows of `dead_letter`: records that could not be decoded, as they came, and why.

use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, StringArray};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use lake::Table;
use lambda_kit::kafka::KafkaRecord;
use wire::Undecodable;

use crate::decode::{Rows, audit};

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
