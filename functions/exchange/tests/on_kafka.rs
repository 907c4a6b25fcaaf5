//! An exchange on Kafka itself: what its log tells after a cold start, and the order of a burst.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use chrono::TimeDelta;
use exchange::{Config, Context, KafkaTickLog, TickLog, handle};
use lambda_kit::Deadline;
use rdkafka::mocking::MockCluster;
use serde_json::{Value, json};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};
use stream::Connection;

async fn run(brokers: &str, event: Value) -> u32 {
    let cold = Context::connect(Config {
        kafka: Connection::plaintext(brokers).into(),
    })
    .await
    .unwrap();
    let deadline = Deadline::at(SystemTime::now() + Duration::from_secs(60));
    handle(event, deadline, &cold).await.unwrap().published
}

/// Every value of the log, in order.
async fn values(brokers: &str) -> Vec<Vec<u8>> {
    let values = Mutex::new(Vec::new());
    let keep = |value: &[u8]| {
        values.lock().unwrap().push(value.to_vec());
        false
    };
    let connection = Connection::plaintext(brokers);
    stream::find_from_start(
        &connection,
        "StockExchange",
        0,
        Duration::from_secs(20),
        keep,
    )
    .await
    .unwrap();
    values.into_inner().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_keeps_its_order_and_the_log_tells_who_has_started() {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("StockExchange", 1, 1).unwrap();
    let brokers = cluster.bootstrap_servers();

    assert_eq!(
        run(
            &brokers,
            json!({"exchange": "se1", "ticks": 3000, "pace": "burst"})
        )
        .await,
        3000
    );
    assert_eq!(
        run(&brokers, json!({"exchange": "se1", "ticks": 1})).await,
        1
    );
    let values = values(&brokers).await;
    let tick =
        |value: &Vec<u8>| wire::decode_tick(Some(value), i64::MAX, TimeDelta::zero()).unwrap();
    let ticks: Vec<_> = values.iter().map(tick).collect();
    assert_eq!(ticks.len(), 3001);
    assert!(ticks[..3000].is_sorted_by_key(|tick| tick.event_time));
    let log = KafkaTickLog::new(Connection::plaintext(brokers));
    assert_eq!(
        log.tickers_seen(domain::Exchange::Se1).await.unwrap().len(),
        12
    );
    assert_eq!(
        log.tickers_seen(domain::Exchange::Se2).await.unwrap().len(),
        0
    );
}
