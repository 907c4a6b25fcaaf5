//! The broker as a Kafka client sees it.

use std::collections::VecDeque;
use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::producer::future_producer::DeliveryFuture;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::Value;

/// A record of a topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// Its partition.
    pub partition: i32,
    /// Its place in the partition.
    pub offset: i64,
    /// Its key.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
    /// Its headers, by name.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// Every record of a topic, from the beginning to where it ends now, as `(key, value)`.
pub fn read(brokers: &str, topic: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let records = records(brokers, topic).into_iter();
    records.map(|record| (record.key, record.value)).collect()
}

/// Every record of a topic, from the beginning to where it ends now, by partition and offset.
pub fn records(brokers: &str, topic: &str) -> Vec<Record> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "reader")
        .create()
        .unwrap();
    let patience = Duration::from_secs(10);
    let metadata = consumer.fetch_metadata(Some(topic), patience).unwrap();
    let mut wanted = 0;
    let mut from = TopicPartitionList::new();
    for partition in metadata.topics()[0].partitions() {
        let (low, high) = consumer
            .fetch_watermarks(topic, partition.id(), patience)
            .unwrap();
        wanted += high - low;
        from.add_partition_offset(topic, partition.id(), Offset::Offset(low))
            .unwrap();
    }
    consumer.assign(&from).unwrap();
    let mut records = Vec::new();
    while i64::try_from(records.len()).unwrap() < wanted {
        let message = consumer
            .poll(patience)
            .expect("a record within the patience")
            .unwrap();
        let headers = message.headers().into_iter().flat_map(|all| all.iter());
        records.push(Record {
            headers: headers
                .map(|header| {
                    let value = header.value.unwrap_or_default();
                    (header.key.to_owned(), value.to_vec())
                })
                .collect(),
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().unwrap_or_default().to_vec(),
            value: message.payload().unwrap_or_default().to_vec(),
        });
    }
    records.sort_unstable();
    records
}

/// The values of a topic as JSON.
pub fn values(brokers: &str, topic: &str) -> Vec<Value> {
    read(brokers, topic)
        .iter()
        .map(|(_, value)| serde_json::from_slice(value).unwrap())
        .collect()
}

/// Publishes values to a topic's partition 0, in order.
pub async fn publish(brokers: &str, topic: &str, values: &[&[u8]]) {
    let values: Vec<Option<&[u8]>> = values.iter().map(|value| Some(*value)).collect();
    publish_some(brokers, topic, &values).await;
}

/// Publishes records to a topic's partition 0, in order; one without a value is a tombstone.
pub async fn publish_some(brokers: &str, topic: &str, values: &[Option<&[u8]>]) {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()
        .unwrap();
    for value in values {
        let mut record = FutureRecord::<(), [u8]>::to(topic).partition(0);
        record.payload = *value;
        producer
            .send(record, Duration::from_secs(10))
            .await
            .unwrap();
    }
}

/// Publishes as many records as fast as the broker takes them, over all partitions of a topic; each is acknowledged.
pub async fn flood(brokers: &str, topic: &str, records: u64, value: impl Fn(u64) -> String) {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("enable.idempotence", "true")
        .set("linger.ms", "20")
        .set("queue.buffering.max.messages", "20000")
        .create()
        .unwrap();
    let mut deliveries = VecDeque::new();
    for number in 0..records {
        let (key, value) = (number.to_string(), value(number));
        // As many on their way as the producer has room for.
        if deliveries.len() == 10_000 {
            let delivery: DeliveryFuture = deliveries.pop_front().unwrap();
            delivery.await.unwrap().unwrap();
        }
        let record = FutureRecord::to(topic).key(&key).payload(&value);
        deliveries.push_back(
            producer
                .send_result(record)
                .map_err(|(why, _)| why)
                .unwrap(),
        );
    }
    for delivery in deliveries {
        delivery.await.unwrap().unwrap();
    }
}
