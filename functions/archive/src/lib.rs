//! The archive function: records of Kafka become rows of the lake.
//!
//! *Trigger*: Kafka topics that feed a table (`default_call`, `stock_call`, `stock_operation`,
//! `events`, `game_events`, `StockExchange`). *Input*: Lambda's Kafka event. *Output*: one link of the table for each
//! partition of the event, and one of `dead_letter` where records could not be decoded; the
//! partitions that failed as `batchItemFailures`.
//!
//! *Guarantee*: every record of a partition is a row of its table or of `dead_letter` exactly
//! once, in the order of offsets, however often and however cut it is delivered, once an
//! invocation reports it done.

mod context;
mod dead_letter;
pub mod decode;
mod partition;

use std::time::Instant;

use futures::future::join_all;
use lake::Table;
use lambda_kit::kafka::{BatchResponse, KafkaEvent, PartitionBatch};
use lambda_kit::run::chain;

pub use context::{Config, Context};
pub use partition::PartitionError;

use partition::Archived;

/// Why an event is refused as a whole: nothing of it was archived.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The trigger sends what no table is for.
    #[error("no table is fed by topic `{topic}`; there are tables for {}", known())]
    UnknownTopic {
        /// The topic.
        topic: String,
    },
}

fn known() -> String {
    Table::all()
        .into_iter()
        .filter_map(Table::topic)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Archives every partition of `event`; one that fails is reported and does not keep the others.
pub async fn handle(event: KafkaEvent, context: &Context) -> Result<BatchResponse, ArchiveError> {
    let batches = event
        .into_batches()
        .into_iter()
        .map(|batch| match Table::of_topic(&batch.topic) {
            Some(table) => Ok((table, batch)),
            None => Err(ArchiveError::UnknownTopic { topic: batch.topic }),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let cold_start = context.is_first_event();
    let work = batches.iter().map(|(table, batch)| async move {
        let start = Instant::now();
        let outcome = partition::archive(context, *table, batch).await;
        report(batch, &outcome, start, cold_start);
        outcome
    });
    let mut response = BatchResponse::default();
    for ((_, batch), outcome) in batches.iter().zip(join_all(work).await) {
        if let (Err(_), Some(first)) = (outcome, batch.records.first()) {
            response.fail(&batch.topic, batch.partition, first.offset);
        }
    }
    Ok(response)
}

/// One line for each partition of an invocation.
fn report(
    batch: &PartitionBatch,
    outcome: &Result<Archived, PartitionError>,
    start: Instant,
    cold_start: bool,
) {
    let PartitionBatch {
        topic,
        partition,
        records,
    } = batch;
    let bytes: usize = records
        .iter()
        .filter_map(|record| record.value.as_ref())
        .map(|value| value.len())
        .sum();
    let duration_ms = start.elapsed().as_millis();
    let (records, first) = (records.len(), records.first().map(|record| record.offset));
    match outcome {
        Ok(Archived { rows, dead_letters }) => tracing::info!(
            topic,
            partition,
            records,
            first_offset = first,
            rows,
            dead_letters,
            bytes,
            duration_ms,
            cold_start,
            "partition archived"
        ),
        Err(error) => tracing::error!(
            topic,
            partition,
            records,
            first_offset = first,
            bytes,
            duration_ms,
            cold_start,
            error = chain(error),
            "partition not archived"
        ),
    }
}
