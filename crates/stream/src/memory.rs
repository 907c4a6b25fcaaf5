//! The in-memory adapter of the publish port, for tests of functions: it keeps records, and fails when told to.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use crate::{Position, Publish, PublishError, Record};

/// A log in memory: every topic has one partition.
#[derive(Debug, Default)]
pub struct MemoryPublisher {
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    records: Vec<StoredRecord>,
    ends: BTreeMap<String, i64>,
    failing: bool,
}

/// A record as it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// The topic that it went to.
    pub topic: String,
    /// Its key.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
    /// Its headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Where it stands in the topic.
    pub position: Position,
}

impl MemoryPublisher {
    /// An empty log that takes records.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on every record fails as with a broker that cannot be reached (`true`), or is taken again (`false`).
    pub fn set_failing(&self, failing: bool) {
        self.lock().failing = failing;
    }

    /// Every record published so far, in the order of publishing.
    pub fn records(&self) -> Vec<StoredRecord> {
        self.lock().records.clone()
    }

    /// The records of one topic, in the order of publishing.
    pub fn records_of(&self, topic: &str) -> Vec<StoredRecord> {
        self.lock()
            .records
            .iter()
            .filter(|record| record.topic == topic)
            .cloned()
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Publish for MemoryPublisher {
    async fn publish(&self, record: Record<'_>) -> Result<Position, PublishError> {
        let mut log = self.lock();
        if log.failing {
            return Err(PublishError::NotAcknowledged {
                topic: record.topic.to_owned(),
                source: KafkaError::MessageProduction(RDKafkaErrorCode::MessageTimedOut),
            });
        }
        let end = log.ends.entry(record.topic.to_owned()).or_insert(0);
        let position = Position {
            partition: 0,
            offset: *end,
        };
        *end += 1;
        log.records.push(StoredRecord {
            topic: record.topic.to_owned(),
            key: record.key.to_vec(),
            value: record.value.to_vec(),
            headers: record
                .headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.to_vec()))
                .collect(),
            position,
        });
        Ok(position)
    }
}
