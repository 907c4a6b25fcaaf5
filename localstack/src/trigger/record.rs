//! A record as Lambda's Kafka event shows it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use rdkafka::{
    Timestamp,
    message::{Headers, Message},
};
use serde::Serialize;
use serde_json::value::RawValue;
use tracing::warn;

use crate::template::EventSource;

/// The most bytes of one event: what an invocation may carry.
pub(crate) const PAYLOAD_LIMIT: usize = 6 * 1024 * 1024;

/// What stands for the cluster's ARN where the template does not know it.
const LOCAL_ARN: &str = "arn:aws:kafka:us-east-1:000000000000:cluster/tidemill/local";

/// A record that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogRecord {
    pub(crate) offset: i64,
    /// The broker's, in ms; -1 if it has none.
    pub(crate) timestamp: i64,
    /// Its JSON object.
    pub(crate) json: Bytes,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordJson<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    timestamp: i64,
    timestamp_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    value: Option<String>,
    headers: Vec<Header<'a>>,
}

/// One header as an object of its own, so that a key may come twice.
struct Header<'a>(&'a str, &'a [u8]);

impl Serialize for Header<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Java's bytes are signed, and so are Lambda's.
        let value: Vec<i8> = self.1.iter().map(|byte| byte.cast_signed()).collect();
        serializer.collect_map([(self.0, value)])
    }
}

impl LogRecord {
    /// Encodes a message.
    pub(crate) fn encode<M: Message>(message: &M) -> serde_json::Result<Self> {
        let (timestamp, timestamp_type) = match message.timestamp() {
            Timestamp::CreateTime(at) => (at, "CREATE_TIME"),
            Timestamp::LogAppendTime(at) => (at, "LOG_APPEND_TIME"),
            Timestamp::NotAvailable => (-1, "NO_TIMESTAMP_TYPE"),
        };
        let record = RecordJson {
            topic: message.topic(),
            partition: message.partition(),
            offset: message.offset(),
            timestamp,
            timestamp_type,
            key: message.key().map(|key| STANDARD.encode(key)),
            value: message.payload().map(|value| STANDARD.encode(value)),
            headers: headers(message),
        };
        Ok(Self {
            offset: message.offset(),
            timestamp,
            json: serde_json::to_vec(&record)?.into(),
        })
    }
}

/// The headers of a message but for those whose names are not UTF-8: JSON cannot hold them, and rdkafka panics on them.
fn headers<M: Message>(message: &M) -> Vec<Header<'_>> {
    let Some(headers) = message.headers() else {
        return Vec::new();
    };
    let read = |index| catch_unwind(AssertUnwindSafe(|| headers.try_get(index)));
    let mut readable = Vec::with_capacity(headers.count());
    for index in 0..headers.count() {
        if let Ok(header) = read(index) {
            readable
                .extend(header.map(|header| Header(header.key, header.value.unwrap_or_default())));
        } else {
            warn!(
                topic = message.topic(),
                partition = message.partition(),
                offset = message.offset(),
                index,
                "header left out: its name is not UTF-8"
            );
        }
    }
    readable
}

/// What surrounds the records of one partition in an event.
#[derive(Debug, Clone)]
pub(super) struct Envelope {
    before: String,
    after: &'static str,
}

impl Envelope {
    /// The envelope for one partition.
    pub(super) fn new(
        source: &EventSource,
        brokers: &str,
        topic: &str,
        partition: i32,
    ) -> serde_json::Result<Self> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Event<'a> {
            event_source: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            event_source_arn: Option<&'a str>,
            bootstrap_servers: &'a str,
            records: &'a RawValue,
        }
        let (event_source, event_source_arn) = match source {
            EventSource::Msk { arn } => ("aws:kafka", Some(arn.as_deref().unwrap_or(LOCAL_ARN))),
            EventSource::SelfManaged => ("SelfManagedKafka", None),
        };
        let key = serde_json::to_string(&format!("{topic}-{partition}"))?;
        let records = RawValue::from_string(format!("{{{key}:[]}}"))?;
        let event = Event {
            event_source,
            event_source_arn,
            bootstrap_servers: brokers,
            records: &records,
        };
        let mut before = serde_json::to_string(&event)?;
        let after = "]}}";
        before.truncate(before.len() - after.len());
        Ok(Self { before, after })
    }

    /// The bytes of an event with one record of this length.
    pub(super) fn size_with(&self, record: usize) -> usize {
        self.before.len() + record + self.after.len()
    }

    /// The event for these records.
    pub(super) fn event(&self, records: &[LogRecord]) -> Bytes {
        let records_size: usize = records.iter().map(|record| record.json.len() + 1).sum();
        let mut event = Vec::with_capacity(self.size_with(records_size));
        event.extend_from_slice(self.before.as_bytes());
        for (index, record) in records.iter().enumerate() {
            if index > 0 {
                event.push(b',');
            }
            event.extend_from_slice(&record.json);
        }
        event.extend_from_slice(self.after.as_bytes());
        event.into()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use rdkafka::message::{OwnedHeaders, OwnedMessage};
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_event_is_awss() {
        let headers = OwnedHeaders::new().insert(rdkafka::message::Header {
            key: "k",
            value: Some(&[1u8, 200][..]),
        });
        let timestamp = Timestamp::CreateTime(1_545_084_650_987);
        let full = OwnedMessage::new(
            Some(b"hi".to_vec()),
            Some(b"key".to_vec()),
            "t".into(),
            timestamp,
            0,
            15,
            Some(headers),
        );
        let empty = OwnedMessage::new(None, None, "t".into(), timestamp, 0, 16, None);
        let records = [
            LogRecord::encode(&full).unwrap(),
            LogRecord::encode(&empty).unwrap(),
        ];
        let source = EventSource::Msk {
            arn: Some("arn:x".into()),
        };
        let envelope = Envelope::new(&source, "b-1:9092,b-2:9092", "t", 0).unwrap();
        let event = envelope.event(&records);
        assert_eq!(
            serde_json::from_slice::<Value>(&event).unwrap(),
            json!({
                "eventSource": "aws:kafka",
                "eventSourceArn": "arn:x",
                "bootstrapServers": "b-1:9092,b-2:9092",
                "records": {"t-0": [
                    {"topic": "t", "partition": 0, "offset": 15, "timestamp": 1_545_084_650_987_i64,
                     "timestampType": "CREATE_TIME", "key": "a2V5", "value": "aGk=", "headers": [{"k": [1, -56]}]},
                    {"topic": "t", "partition": 0, "offset": 16, "timestamp": 1_545_084_650_987_i64,
                     "timestampType": "CREATE_TIME", "value": null, "headers": []},
                ]},
            })
        );
        let sizes: usize = records.iter().map(|record| record.json.len()).sum();
        assert_eq!(event.len(), envelope.size_with(sizes + 1));
    }

    #[test]
    fn a_self_managed_source_has_no_arn() {
        let envelope = Envelope::new(&EventSource::SelfManaged, "b:1", "t", 3).unwrap();
        let event: Value = serde_json::from_slice(&envelope.event(&[])).unwrap();
        assert_eq!(
            event,
            json!({"eventSource": "SelfManagedKafka", "bootstrapServers": "b:1", "records": {"t-3": []}})
        );
    }
}
