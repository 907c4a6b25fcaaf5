//! Reading a partition that grows.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use rdkafka::producer::{FutureProducer, FutureRecord};

use super::*;
use crate::broker::{Broker, BrokerChoice, RETENTION_HOURS, TopicSpec};

async fn publish(broker: &Broker, records: usize) {
    let producer: FutureProducer = broker.connection().client().create().unwrap();
    for _ in 0..records {
        let record = FutureRecord::<str, str>::to("t").partition(0).payload("x");
        producer
            .send(record, Duration::from_secs(30))
            .await
            .unwrap();
    }
}

/// Reads until the end is met: whoever has read as far before has met it by then, too.
async fn meet_the_end(brokers: &str) {
    let logs = Logs::of(brokers).unwrap();
    let mut log = logs.read("t", 0, 0).unwrap();
    while log.next().await.unwrap().is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_was_met_before_the_head_moved_is_not_the_end() {
    let topic = TopicSpec {
        name: "t".to_owned(),
        partitions: 1,
        retention: RETENTION_HOURS,
    };
    let choice = BrokerChoice::Embedded { port: 0 };
    let broker = Broker::start(&choice, &[topic]).await.unwrap();
    let brokers = broker.connection().brokers();
    publish(&broker, 6).await;
    let logs = Logs::of(brokers).unwrap();
    let mut head = 3;
    let mut reader = Reader {
        log: logs.read("t", 0, 0).unwrap(),
        next: 0,
        carried: None,
        read_for: head,
    };
    let mut read = Vec::new();
    for _ in 0..5 {
        let (batch, upto) = reader.batch(head).await.unwrap();
        assert_eq!(upto, Some(head));
        read.extend(batch.iter().map(|record| record.offset));
        assert_eq!(
            read,
            Vec::from_iter(0..head),
            "below the head nothing is left out"
        );
        meet_the_end(brokers).await;
        // The head is past the end that was met, and below the end that there is now.
        publish(&broker, 4).await;
        head += 4;
    }
}

#[test]
fn holes_are_found_before_within_and_after_a_batch() {
    let hole = |next, offsets: &[i64], upto| first_hole(next, offsets.iter().copied(), upto);
    assert_eq!(hole(3, &[3, 4, 5], None), None);
    assert_eq!(hole(3, &[3, 4, 5], Some(6)), None);
    assert_eq!(hole(3, &[4, 5], None), Some(3));
    assert_eq!(
        hole(3, &[3, 9], None),
        Some(4),
        "retention overtook the reader"
    );
    assert_eq!(hole(3, &[3, 4], Some(6)), Some(5));
    assert_eq!(hole(3, &[], Some(6)), Some(3));
    assert_eq!(hole(3, &[], None), None);
}
