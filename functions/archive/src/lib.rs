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
//!
//! *Commands* of a person's come through the same door ([`serve`]): go on after records that are lost, put dead letters
//! in again, rebuild a partition's rows from its topic ([`wire::commands`]).

mod commands;
mod context;
mod dead_letter;
pub mod decode;
mod metrics;
mod partition;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use lake::Table;
use lambda_kit::kafka::{BatchResponse, KafkaEvent, PartitionBatch};
use lambda_kit::run::chain;
use lambda_kit::{Answer, Event};
use telemetry::trace::{self, SpanKind, Start};
use wire::commands::Command;

pub use commands::{CommandError, Done};
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

/// Why an invocation failed.
#[derive(Debug, thiserror::Error)]
pub enum InvocationError {
    /// A trigger's event is refused.
    #[error(transparent)]
    Event(#[from] ArchiveError),
    /// A command was not carried out, or not to its end; giving it again is safe.
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// Does what an invocation brings at `now`: batches of a trigger, or a person's command.
pub async fn serve(
    event: Event<Command>,
    now: DateTime<Utc>,
    context: &Context,
) -> Result<Answer<Done>, InvocationError> {
    Ok(match event.command {
        None => Answer::Batches(handle(event.records, context).await?),
        Some(command) => {
            Answer::Command(commands::run(command, event.records, now, context).await?)
        }
    })
}

fn known() -> String {
    list(Table::topic)
}

/// The tables that a topic feeds.
fn fed() -> String {
    list(|table| table.topic().map(|_| table.name()))
}

fn list(name: impl Fn(Table) -> Option<&'static str>) -> String {
    Table::all()
        .into_iter()
        .filter_map(name)
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
    let work = batches.into_iter().map(|(table, batch)| async move {
        for part in batch.cut_at_holes() {
            let span = trace::is_on().then(|| commit(table, &part));
            let outcome = trace::within(span, async {
                let outcome = partition::archive(context, table, &part).await;
                if outcome.is_err() {
                    trace::failed("not committed");
                }
                outcome
            })
            .await;
            report(table, &part, &outcome);
            if let Err(error) = outcome {
                return Some((part, error));
            }
        }
        None
    });
    let mut response = BatchResponse::default();
    for (part, error) in join_all(work).await.into_iter().flatten() {
        if let Some(first) = part.records.first() {
            response.fail(&part.topic, part.partition, first.offset);
            response.gaps.extend(error.missing());
        }
    }
    Ok(response)
}

/// The span of one partition's work, linked to those that published its records.
fn commit(table: Table, batch: &PartitionBatch) -> Start {
    Start::new(format!("commit {}", table.name()), SpanKind::Internal)
        .with("messaging.destination.name", batch.topic.clone())
        .with(
            "messaging.destination.partition.id",
            i64::from(batch.partition),
        )
        .with("messaging.batch.message_count", count(batch.records.len()))
        .linked(batch.origins())
}

fn count(records: usize) -> i64 {
    i64::try_from(records).unwrap_or(i64::MAX)
}

/// One line for each partition of an invocation, and its metrics.
fn report(table: Table, batch: &PartitionBatch, outcome: &Result<Archived, PartitionError>) {
    let PartitionBatch {
        topic,
        partition,
        records,
    } = batch;
    let first = records.first().map(|record| record.offset);
    match outcome {
        Ok(archived) => {
            let Archived { rows, dead_letters } = archived;
            metrics::archived(table, batch, archived);
            tracing::info!(
                topic,
                partition,
                records = records.len(),
                first_offset = first,
                rows,
                dead_letters,
                "partition archived"
            );
        }
        Err(error) => tracing::error!(
            topic,
            partition,
            records = records.len(),
            first_offset = first,
            gap = error.missing().map(|missing| missing.end - missing.first),
            error = chain(error),
            "partition not archived"
        ),
    }
}
