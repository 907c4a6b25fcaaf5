//! Lambda's Kafka event (`aws:kafka` and `SelfManagedKafka`) and the answer that tells which batches failed.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use telemetry::Work;
use telemetry::trace::Origins;
use thiserror::Error;

use crate::invocation::{Given, Reply};

/// What a Kafka trigger hands to a function: records of one or several partitions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct KafkaEvent {
    /// Keyed by `topic-partition`; the records name both themselves, and that is what counts.
    records: BTreeMap<String, Vec<RawRecord>>,
}

/// The records of one partition, in the order of their offsets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionBatch {
    /// The topic.
    pub topic: String,
    /// The partition of the topic.
    pub partition: i32,
    /// The records; offsets rise, but need not follow one another.
    pub records: Vec<KafkaRecord>,
}

/// One record as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaRecord {
    /// The offset within the partition.
    pub offset: i64,
    /// The record's timestamp in milliseconds since the epoch.
    pub timestamp: i64,
    /// The key, if it has one.
    pub key: Option<Bytes>,
    /// The value; none for a tombstone.
    pub value: Option<Bytes>,
    /// The headers in their order.
    pub headers: Vec<(String, Bytes)>,
}

impl PartitionBatch {
    /// The spans that its records were published in, where there are traces.
    pub fn origins(&self) -> Origins {
        Origins::of(self.records.iter().map(|record| {
            let headers = record.headers.iter();
            headers.map(|(name, value)| (name.as_str(), &value[..]))
        }))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct RawRecord {
    topic: String,
    partition: i32,
    offset: i64,
    /// Kept as the integer that it is: a float of seconds loses the last millisecond.
    timestamp: i64,
    #[serde(default, deserialize_with = "base64_or_null")]
    key: Option<Bytes>,
    #[serde(default, deserialize_with = "base64_or_null")]
    value: Option<Bytes>,
    #[serde(default)]
    headers: Vec<BTreeMap<String, HeaderBytes>>,
}

/// A header's value: an array of Java's signed bytes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Option<Vec<i16>>")]
struct HeaderBytes(Bytes);

impl TryFrom<Option<Vec<i16>>> for HeaderBytes {
    type Error = std::num::TryFromIntError;

    fn try_from(values: Option<Vec<i16>>) -> Result<Self, Self::Error> {
        let bytes = values
            .unwrap_or_default()
            .into_iter()
            .map(|value| match i8::try_from(value) {
                Ok(signed) => Ok(signed.to_ne_bytes()[0]),
                Err(_) => u8::try_from(value),
            });
        Ok(Self(bytes.collect::<Result<Vec<u8>, _>>()?.into()))
    }
}

impl KafkaEvent {
    pub(crate) fn of(records: BTreeMap<String, Vec<RawRecord>>) -> Self {
        Self { records }
    }

    /// An event of given batches, for tests of functions.
    pub fn from_batches(batches: impl IntoIterator<Item = PartitionBatch>) -> Self {
        let mut event = Self::default();
        for PartitionBatch {
            topic,
            partition,
            records,
        } in batches
        {
            let raw = records.into_iter().map(|record| RawRecord {
                topic: topic.clone(),
                partition,
                offset: record.offset,
                timestamp: record.timestamp,
                key: record.key,
                value: record.value,
                headers: record
                    .headers
                    .into_iter()
                    .map(|(k, v)| BTreeMap::from([(k, HeaderBytes(v))]))
                    .collect(),
            });
            event
                .records
                .entry(format!("{topic}-{partition}"))
                .or_default()
                .extend(raw);
        }
        event
    }

    /// The records by topic and partition, each partition's in the order of their offsets.
    pub fn into_batches(self) -> Vec<PartitionBatch> {
        let mut batches: BTreeMap<(String, i32), Vec<KafkaRecord>> = BTreeMap::new();
        for raw in self.records.into_values().flatten() {
            batches
                .entry((raw.topic, raw.partition))
                .or_default()
                .push(KafkaRecord {
                    offset: raw.offset,
                    timestamp: raw.timestamp,
                    key: raw.key,
                    value: raw.value,
                    headers: raw
                        .headers
                        .into_iter()
                        .flatten()
                        .map(|(name, value)| (name, value.0))
                        .collect(),
                });
        }
        let sorted = batches
            .into_iter()
            .map(|((topic, partition), mut records)| {
                records.sort_by_key(|record| record.offset);
                // An event has each record once. Who sends one twice by hand gets one row.
                records.dedup_by_key(|record| record.offset);
                PartitionBatch {
                    topic,
                    partition,
                    records,
                }
            });
        sorted.collect()
    }
}

impl PartitionBatch {
    /// The batch cut where offsets are missing. What comes before a hole may be committed by itself; what comes after
    /// it begins above the head of its chain, which refuses it like any other gap.
    pub fn cut_at_holes(self) -> Vec<Self> {
        let mut parts: Vec<Self> = Vec::new();
        for record in self.records {
            let follows = |last: &KafkaRecord| record.offset <= last.offset.saturating_add(1);
            match parts.last_mut() {
                Some(part) if part.records.last().is_some_and(follows) => part.records.push(record),
                _ => parts.push(Self {
                    topic: self.topic.clone(),
                    partition: self.partition,
                    records: vec![record],
                }),
            }
        }
        parts
    }
}

impl Given for KafkaEvent {
    fn origins(&self) -> Origins {
        let records = self.records.values().flatten();
        Origins::of(records.map(|raw| {
            let headers = raw.headers.iter().flatten();
            headers.map(|(name, value)| (name.as_str(), &value.0[..]))
        }))
    }

    fn work(&self) -> Option<Work> {
        let values = || self.records.values().flatten().map(|raw| &raw.value);
        Some(Work {
            records: values().count() as u64,
            bytes: values().flatten().map(|value| value.len() as u64).sum(),
        })
    }
}

/// What a function answers: the partitions that failed, and from which offset on Lambda shall come again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchResponse {
    /// One entry for every partition that failed; empty when all is done.
    #[serde(rename = "batchItemFailures")]
    pub batch_item_failures: Vec<BatchItemFailure>,
    /// Records that are missing before a partition's batch. Lambda passes over it; `tidemill up` tells it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<MissingRecords>,
}

/// What the trigger makes of `batchItemFailures`: the variable `BATCH_ITEM_FAILURES`.
///
/// Lambda reads them where the trigger has `ReportBatchItemFailures`, which a Kafka trigger can only have with provisioned
/// pollers. All others take any answer for "all done", and would lose what it names.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BatchItemFailures {
    /// `unread`: an answer that names any fails the invocation, so that all of it comes again.
    #[default]
    Unread,
    /// `reported`: from each partition's first that is named, records come again.
    Reported,
}

/// A value that means neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("is neither `reported` nor `unread`")]
pub struct NoBatchItemFailures;

impl FromStr for BatchItemFailures {
    type Err = NoBatchItemFailures;

    fn from_str(text: &str) -> Result<Self, NoBatchItemFailures> {
        match text {
            "unread" => Ok(Self::Unread),
            "reported" => Ok(Self::Reported),
            _ => Err(NoBatchItemFailures),
        }
    }
}

/// Records that a table should have and nobody brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingRecords {
    /// The table.
    pub table: String,
    /// The topic.
    pub topic: String,
    /// The partition of the topic.
    pub partition: i32,
    /// The first offset that is missing.
    pub first: i64,
    /// The offset after the last that is.
    pub end: i64,
}

impl Reply for BatchResponse {
    const NAMES_FAILURES: bool = true;

    fn is_partial(&self) -> bool {
        !self.batch_item_failures.is_empty()
    }
}

/// A partition that failed from an offset on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchItemFailure {
    /// Where it failed.
    #[serde(rename = "itemIdentifier")]
    pub item_identifier: ItemIdentifier,
}

/// A record by its partition and offset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemIdentifier {
    /// `topic-partition`.
    pub partition: String,
    /// The first offset that is not done.
    pub offset: i64,
}

impl BatchResponse {
    /// Reports that the records of a partition from `offset` on are not done.
    pub fn fail(&mut self, topic: &str, partition: i32, offset: i64) {
        let partition = format!("{topic}-{partition}");
        self.batch_item_failures.push(BatchItemFailure {
            item_identifier: ItemIdentifier { partition, offset },
        });
    }
}

/// Takes keys whose last character has bits to spare, as in AWS's own example of an event.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

fn base64_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Bytes>, D::Error> {
    struct Text;

    impl<'de> Visitor<'de> for Text {
        type Value = Option<Bytes>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("base64 text or null")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
            BASE64
                .decode(text)
                .map(|bytes| Some(bytes.into()))
                .map_err(E::custom)
        }

        fn visit_none<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(
            self,
            deserializer: D,
        ) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_str(self)
        }
    }

    deserializer.deserialize_option(Text)
}
