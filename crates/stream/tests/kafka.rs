//! The Kafka adapter against brokers that are absent, come late, refuse, or break the producer; and scans of a log.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::net::TcpListener;
use std::time::{Duration, Instant};

use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use stream::{
    Connection, KafkaPublisher, Position, Publish, PublishError, Record, Scan, ScanError,
    find_from_start,
};

const RECORD: Record<'static> = Record {
    topic: "ticks",
    key: b"IBM",
    value: b"{}",
    headers: &[],
};
const WAIT: Duration = Duration::from_secs(10);

/// An address at which nothing listens.
fn closed_port() -> String {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string()
}

fn cluster() -> (
    MockCluster<'static, rdkafka::producer::DefaultProducerContext>,
    String,
) {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("ticks", 1, 1).unwrap();
    let brokers = cluster.bootstrap_servers();
    (cluster, brokers)
}

#[tokio::test]
async fn a_closed_port_is_a_retryable_error_within_five_seconds() {
    let publisher = KafkaPublisher::new(&Connection::plaintext(closed_port())).unwrap();
    for _ in 0..2 {
        let began = Instant::now();
        let failed = publisher.publish(RECORD).await.unwrap_err();
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{:?}",
            began.elapsed()
        );
        assert!(
            matches!(&failed, PublishError::NotAcknowledged { topic, .. } if topic == "ticks"),
            "{failed:?}"
        );
        assert!(failed.is_retryable());
    }
}

#[tokio::test]
async fn a_passing_refusal_is_not_even_seen() {
    let (cluster, brokers) = cluster();
    let publisher = KafkaPublisher::new(&Connection::plaintext(&brokers)).unwrap();
    let refusal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS;
    cluster.request_errors(RDKafkaApiKey::Produce, &[refusal, refusal]);
    assert_eq!(
        publisher.publish(RECORD).await.unwrap(),
        Position {
            partition: 0,
            offset: 0
        }
    );
}

#[tokio::test]
async fn a_producer_that_met_a_fatal_error_is_made_anew() {
    let (cluster, brokers) = cluster();
    let publisher = KafkaPublisher::new(&Connection::plaintext(&brokers)).unwrap();
    publisher.publish(RECORD).await.unwrap();
    let fatal = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    cluster.request_errors(RDKafkaApiKey::Produce, &[fatal]);
    let failed = publisher.publish(RECORD).await.unwrap_err();
    assert!(failed.is_retryable(), "{failed:?}");
    // A producer with a fatal error refuses every record for ever.
    assert_eq!(
        publisher.publish(RECORD).await.unwrap(),
        Position {
            partition: 0,
            offset: 1
        }
    );
}

#[tokio::test]
async fn a_record_that_no_broker_takes_is_not_retryable() {
    let (_cluster, brokers) = cluster();
    let publisher = KafkaPublisher::new(&Connection::plaintext(&brokers)).unwrap();
    let value = vec![b'x'; 2_000_000];
    let failed = publisher
        .publish(Record {
            value: &value,
            ..RECORD
        })
        .await
        .unwrap_err();
    assert!(!failed.is_retryable(), "{failed:?}");
}

#[tokio::test]
async fn a_scan_finds_what_is_in_the_log_and_stops_at_its_end() {
    let (_cluster, brokers) = cluster();
    let is_amd = |value: &[u8]| value == b"AMD";
    let connection = Connection::plaintext(&brokers);
    let scan = |wanted: fn(&[u8]) -> bool| find_from_start(&connection, "ticks", 0, WAIT, wanted);
    assert_eq!(scan(is_amd).await.unwrap(), Scan::NotFound, "an empty log");
    let publisher = KafkaPublisher::new(&Connection::plaintext(&brokers)).unwrap();
    for value in ["IBM", "AMD", "HPQ"] {
        publisher
            .publish(Record {
                value: value.as_bytes(),
                ..RECORD
            })
            .await
            .unwrap();
    }
    assert_eq!(scan(is_amd).await.unwrap(), Scan::Found);
    assert_eq!(scan(|value| value == b"ZM").await.unwrap(), Scan::NotFound);

    let mut seen = Vec::new();
    let all = |value: &[u8]| {
        seen.push(value.to_vec());
        false
    };
    find_from_start(&Connection::plaintext(&brokers), "ticks", 0, WAIT, all)
        .await
        .unwrap();
    assert_eq!(seen, [b"IBM", b"AMD", b"HPQ"]);
}

#[tokio::test]
async fn a_log_whose_beginning_is_gone_is_told() {
    let (_cluster, brokers) = cluster();
    let publisher = KafkaPublisher::new(&Connection::plaintext(&brokers)).unwrap();
    // The mock keeps five mebibytes of a partition and drops the oldest.
    let value = vec![b'x'; 900_000];
    for _ in 0..8 {
        publisher
            .publish(Record {
                value: &value,
                ..RECORD
            })
            .await
            .unwrap();
    }
    assert_eq!(
        find_from_start(&Connection::plaintext(&brokers), "ticks", 0, WAIT, |_| true)
            .await
            .unwrap(),
        Scan::Trimmed
    );
}

#[tokio::test]
async fn a_scan_without_a_broker_ends_in_time() {
    let began = Instant::now();
    let limit = Duration::from_millis(1500);
    let failed = find_from_start(
        &Connection::plaintext(closed_port()),
        "ticks",
        0,
        limit,
        |_| true,
    )
    .await
    .unwrap_err();
    assert!(
        matches!(&failed, ScanError::Read { topic, partition: 0, .. } if topic == "ticks"),
        "{failed:?}"
    );
    assert!(failed.is_retryable(), "{failed:?}");
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}
