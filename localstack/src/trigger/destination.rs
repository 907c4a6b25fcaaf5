//! Where batches go that were given up: a Kafka topic.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use rdkafka::{
    error::KafkaError,
    producer::{FutureProducer, FutureRecord},
};
use serde::Serialize;
use serde_json::value::RawValue;
use stream::{Connection, Tokens};
use uuid::Uuid;

use super::record::LogRecord;

/// Why a batch could not be sent to its destination.
#[derive(Debug, thiserror::Error)]
pub(super) enum DestinationError {
    #[error("kafka")]
    Kafka(#[from] KafkaError),
    #[error("invocation record cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
}

/// A Kafka topic that takes batches.
pub(super) struct Destination {
    producer: FutureProducer<Tokens>,
    topic: String,
}

/// Lambda's invocation record.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct InvocationRecord<'a> {
    request_context: RequestContext<'a>,
    version: &'static str,
    timestamp: String,
    #[serde(rename = "KafkaBatchInfo")]
    kafka_batch_info: KafkaBatchInfo<'a>,
    payload: &'a RawValue,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestContext<'a> {
    request_id: String,
    function_arn: &'a str,
    condition: &'static str,
    approximate_invoke_count: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KafkaBatchInfo<'a> {
    partition: &'a str,
    start_offset: Option<i64>,
    end_offset: Option<i64>,
    batch_size: usize,
    payload_size: usize,
}

impl Destination {
    /// A destination on these brokers.
    pub(super) fn new(connection: &Connection, topic: &str) -> Result<Self, KafkaError> {
        let producer = connection
            .client()
            .set("enable.idempotence", "true")
            // A whole event and what is around it.
            .set("message.max.bytes", "8388608")
            .set("message.timeout.ms", "10000")
            .create_with_context(connection.tokens())?;
        Ok(Self {
            producer,
            topic: topic.to_owned(),
        })
    }

    /// Sends a batch with its event, and waits until the brokers have it.
    pub(super) async fn send(
        &self,
        function: &str,
        partition: &str,
        event: &Bytes,
        records: &[LogRecord],
        invocations: u32,
        now: DateTime<Utc>,
    ) -> Result<(), DestinationError> {
        let record = InvocationRecord {
            request_context: RequestContext {
                request_id: Uuid::new_v4().to_string(),
                function_arn: &format!("arn:aws:lambda:us-east-1:000000000000:function:{function}"),
                condition: "RetryAttemptsExhausted",
                approximate_invoke_count: invocations,
            },
            version: "1.0",
            timestamp: now.to_rfc3339_opts(SecondsFormat::Millis, true),
            kafka_batch_info: KafkaBatchInfo {
                partition,
                start_offset: records.first().map(|record| record.offset),
                end_offset: records.last().map(|record| record.offset),
                batch_size: records.len(),
                payload_size: event.len(),
            },
            payload: serde_json::from_slice(event)?,
        };
        let value = serde_json::to_vec(&record)?;
        let record = FutureRecord::to(&self.topic).key(partition).payload(&value);
        match self.producer.send(record, Duration::from_secs(10)).await {
            Ok(_) => Ok(()),
            Err((error, _)) => Err(error.into()),
        }
    }
}
