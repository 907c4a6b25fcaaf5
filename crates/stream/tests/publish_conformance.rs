//! What every adapter of the publish port must do, run over each of them.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::Headers;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use stream::{
    Connection, KafkaPublisher, MemoryPublisher, Position, Publish, PublishError, Record,
};

/// What every record bears.
const HEADER: (&str, &[u8]) = ("origin", b"\x00\xff");

/// A record as it is read back: partition, offset, key, value.
type Read = (i32, i64, Vec<u8>, Vec<u8>);

/// An adapter and the log behind it, which can be read, broken and mended.
trait Log {
    fn publisher(&self) -> &dyn Publish;
    fn read(&self, topic: &str) -> Vec<Read>;
    fn break_down(&self);
    fn mend(&self);
}

struct Memory(MemoryPublisher);

impl Log for Memory {
    fn publisher(&self) -> &dyn Publish {
        &self.0
    }

    fn read(&self, topic: &str) -> Vec<Read> {
        let records = self.0.records_of(topic).into_iter();
        records
            .inspect(|r| assert_eq!(r.headers, [(HEADER.0.to_owned(), HEADER.1.to_vec())]))
            .map(|r| (r.position.partition, r.position.offset, r.key, r.value))
            .collect()
    }

    fn break_down(&self) {
        self.0.set_failing(true);
    }

    fn mend(&self) {
        self.0.set_failing(false);
    }
}

struct Kafka {
    publisher: KafkaPublisher,
    cluster: MockCluster<'static, DefaultProducerContext>,
}

const PARTITIONS: i32 = 3;

impl Kafka {
    fn start() -> Self {
        let cluster = MockCluster::new(1).unwrap();
        for topic in ["stock_call", "portfolios"] {
            cluster.create_topic(topic, PARTITIONS, 1).unwrap();
        }
        Self {
            publisher: KafkaPublisher::new(&Connection::plaintext(cluster.bootstrap_servers()))
                .unwrap(),
            cluster,
        }
    }
}

impl Log for Kafka {
    fn publisher(&self) -> &dyn Publish {
        &self.publisher
    }

    fn read(&self, topic: &str) -> Vec<Read> {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.cluster.bootstrap_servers())
            .set("group.id", "conformance")
            .create()
            .unwrap();
        let mut assignment = TopicPartitionList::new();
        let mut expected = 0;
        for partition in 0..PARTITIONS {
            let wait = Duration::from_secs(10);
            expected += consumer.fetch_watermarks(topic, partition, wait).unwrap().1;
            assignment
                .add_partition_offset(topic, partition, Offset::Beginning)
                .unwrap();
        }
        consumer.assign(&assignment).unwrap();
        let mut records = Vec::new();
        while (records.len() as i64) < expected {
            let record = consumer
                .poll(Duration::from_secs(10))
                .expect("a record in time")
                .unwrap();
            let header = record.headers().expect("headers").get(0);
            assert_eq!((header.key, header.value), (HEADER.0, Some(HEADER.1)));
            records.push((
                record.partition(),
                record.offset(),
                record.key().unwrap().to_vec(),
                record.payload().unwrap().to_vec(),
            ));
        }
        records
    }

    fn break_down(&self) {
        self.cluster.broker_down(-1).unwrap();
    }

    fn mend(&self) {
        self.cluster.broker_up(-1).unwrap();
    }
}

async fn publish(
    log: &dyn Log,
    topic: &str,
    key: &str,
    value: &str,
) -> Result<Position, PublishError> {
    log.publisher()
        .publish(Record {
            topic,
            key: key.as_bytes(),
            value: value.as_bytes(),
            headers: &[HEADER],
        })
        .await
}

async fn what_was_acknowledged_is_in_the_log_where_it_was_said_to_be(log: &dyn Log) {
    let mut acknowledged = BTreeMap::new();
    for number in 0..20 {
        let (key, value) = (format!("key-{}", number % 5), format!("value-{number}"));
        let at = publish(log, "stock_call", &key, &value).await.unwrap();
        acknowledged.insert(at, (key, value));
    }
    assert_eq!(acknowledged.len(), 20, "no two records have one position");
    let mut partition_of = BTreeMap::new();
    let mut next = BTreeMap::new();
    for (at, (key, _)) in &acknowledged {
        assert_eq!(
            *partition_of.entry(key).or_insert(at.partition),
            at.partition,
            "a key stays in its partition"
        );
        let next = next.entry(at.partition).or_insert(0);
        assert_eq!(at.offset, *next, "offsets count up from zero");
        *next += 1;
    }
    let read: BTreeMap<_, _> = log
        .read("stock_call")
        .into_iter()
        .map(|(partition, offset, key, value)| {
            let text = |bytes| String::from_utf8(bytes).unwrap();
            (Position { partition, offset }, (text(key), text(value)))
        })
        .collect();
    assert_eq!(read, acknowledged);
    assert_eq!(log.read("portfolios"), [], "other topics are left alone");
}

async fn calls_side_by_side_keep_the_order_of_a_key(log: &dyn Log) {
    let values: Vec<_> = (0..200).map(|number| number.to_string()).collect();
    let calls = values
        .iter()
        .map(|value| publish(log, "portfolios", "1.2", value));
    let positions = join_all(calls).await;
    assert!(
        positions
            .windows(2)
            .all(|pair| pair[0].offset < pair[1].offset),
        "{positions:?}"
    );
    let read: Vec<_> = log
        .read("portfolios")
        .into_iter()
        .map(|(_, _, _, value)| value)
        .collect();
    assert_eq!(
        read,
        values
            .iter()
            .map(|value| value.as_bytes().to_vec())
            .collect::<Vec<_>>()
    );
}

/// Polls every call once in order before any is awaited, as `futures::future::join_all` does.
async fn join_all(
    calls: impl Iterator<Item = impl Future<Output = Result<Position, PublishError>>>,
) -> Vec<Position> {
    let mut calls: Vec<_> = calls.map(Box::pin).collect();
    let mut done: Vec<Option<Position>> = calls.iter().map(|_| None).collect();
    std::future::poll_fn(|task| {
        for (call, done) in calls
            .iter_mut()
            .zip(&mut done)
            .filter(|(_, done)| done.is_none())
        {
            if let std::task::Poll::Ready(outcome) = call.as_mut().poll(task) {
                *done = Some(outcome.unwrap());
            }
        }
        if done.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

async fn a_log_that_is_down_is_told_in_time_and_recovered_from(log: &dyn Log) {
    publish(log, "stock_call", "GOOG", "before").await.unwrap();
    let before = log.read("stock_call").len();
    log.break_down();
    let began = Instant::now();
    let failed = publish(log, "stock_call", "GOOG", "lost")
        .await
        .unwrap_err();
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    assert!(failed.is_retryable(), "{failed:?}");
    assert!(failed.to_string().contains("stock_call"), "{failed}");
    assert!(std::error::Error::source(&failed).is_some());
    log.mend();
    publish(log, "stock_call", "GOOG", "after").await.unwrap();
    let after = log.read("stock_call");
    assert_eq!(
        after.len(),
        before + 1,
        "what was refused is not in the log"
    );
    assert_eq!(after.last().unwrap().3, b"after");
}

async fn conforms(log: &dyn Log) {
    what_was_acknowledged_is_in_the_log_where_it_was_said_to_be(log).await;
    calls_side_by_side_keep_the_order_of_a_key(log).await;
    a_log_that_is_down_is_told_in_time_and_recovered_from(log).await;
}

#[tokio::test]
async fn memory_conforms() {
    conforms(&Memory(MemoryPublisher::new())).await;
}

#[tokio::test]
async fn kafka_conforms() {
    conforms(&Kafka::start()).await;
}
