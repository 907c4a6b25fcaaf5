//! Brokers as the runner sees them.

#![allow(clippy::unwrap_used)]

use std::time::Instant;

use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
    producer::{FutureProducer, FutureRecord},
};

use super::*;

fn spec(name: &str, partitions: i32) -> TopicSpec {
    TopicSpec {
        name: name.to_owned(),
        partitions,
        retention: RETENTION_HOURS,
    }
}

const EMBEDDED: BrokerChoice = BrokerChoice::Embedded { port: 0 };

fn external(brokers: impl Into<String>) -> BrokerChoice {
    BrokerChoice::External(Connection::plaintext(brokers))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_broker_is_reached_through_its_port_and_tells_its_watermarks() {
    let broker = Broker::start(&EMBEDDED, &[spec("a", 3), spec("b", 1)])
        .await
        .unwrap();
    assert!(broker.forgets());
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", broker.address())
        .create()
        .unwrap();
    for _ in 0..3 {
        let record = FutureRecord::<[u8], str>::to("a").partition(2).payload("x");
        producer
            .send(record, Duration::from_secs(10))
            .await
            .unwrap();
    }
    let partitions = [
        ("a".to_owned(), 2),
        ("a".to_owned(), 0),
        ("b".to_owned(), 0),
    ];
    let watermarks = broker
        .watermarks()
        .unwrap()
        .read(&partitions)
        .await
        .unwrap();
    let empty = Watermark { low: 0, high: 0 };
    assert_eq!(watermarks, [Watermark { low: 0, high: 3 }, empty, empty]);

    // As an external broker its topics are found, and one whose order matters is refused with three partitions.
    let elsewhere = external(broker.address());
    let found = Broker::start(&elsewhere, &[spec("a", 3), spec("b", 1)])
        .await
        .unwrap();
    assert!(!found.forgets());
    assert!(found.cluster().is_some_and(|id| !id.is_empty()));
    let refused = Broker::start(&elsewhere, &[spec("a", 1)])
        .await
        .unwrap_err();
    assert!(
        matches!(refused, BrokerError::Partitions { found: 3, .. }),
        "{refused}"
    );
    // The mock cluster has no admin calls: a missing topic cannot be made there.
    let refused = Broker::start(&elsewhere, &[spec("missing", 1)])
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("topic missing"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn localhost_is_the_broker_in_both_address_families() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: no IPv6 on this machine");
        return;
    }
    let broker = Broker::start(&EMBEDDED, &[spec("a", 1)]).await.unwrap();
    let Broker::Embedded(embedded) = &broker else {
        panic!("{broker:?}");
    };
    let port = embedded.address().port();
    for host in ["127.0.0.1", "[::1]"] {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", format!("{host}:{port}"))
            .create()
            .unwrap();
        let ask = move || consumer.fetch_metadata(Some("a"), Duration::from_secs(10));
        let metadata = tokio::task::spawn_blocking(ask).await.unwrap().unwrap();
        assert_eq!(metadata.topics()[0].partitions().len(), 1, "{host}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_in_use_is_an_error_that_says_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = Broker::start(&BrokerChoice::Embedded { port }, &[])
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains(&format!("KAFKA_PORT={port}")),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_nobody_serves_is_an_error_within_the_limit() {
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let begun = Instant::now();
    let error = Broker::start(&external(free.to_string()), &[])
        .await
        .unwrap_err();
    assert!(
        begun.elapsed() < Duration::from_secs(7),
        "{:?}",
        begun.elapsed()
    );
    let error = error.to_string();
    assert!(
        error.contains(&free.to_string()) && error.contains("refused"),
        "{error}"
    );
}

#[tokio::test]
async fn settings_that_are_refused() {
    for setting in [
        "",
        "localhost",
        "localhost:",
        ":9092",
        "a:1,,b:2",
        "a:99999",
        "a:0",
    ] {
        let error = Broker::start(&external(setting), &[]).await.unwrap_err();
        assert!(
            matches!(error, BrokerError::Setting { .. }),
            "{setting}: {error}"
        );
    }
}

#[test]
fn topics_are_the_systems_and_the_triggers() {
    let text = "{Resources: {F: {Type: AWS::Serverless::Function, Properties: {Runtime: provided.al2023, Events: \
                {A: {Type: SelfManagedKafka, Properties: {Topics: [own, StockExchange], DestinationConfig: {OnFailure: {Destination: 'kafka://given-up'}}}}}}}}}";
    let template = Template::parse(text, &Default::default()).unwrap();
    let topics = topics(&template, RETENTION_HOURS);
    assert!(topics.contains(&spec("own", 3)));
    assert!(topics.contains(&spec("StockExchange", 1)));
    assert!(topics.contains(&spec("given-up", 3)));
    assert_eq!(topics.len(), 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_valve_refuses_records_and_an_open_one_takes_them_in_their_order() {
    let broker = Broker::start(&EMBEDDED, &[spec("a", 1)]).await.unwrap();
    let valve = broker.valve().unwrap();
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", broker.connection().brokers())
        .set("enable.idempotence", "true")
        .set("message.timeout.ms", "60000")
        .create()
        .unwrap();
    let send = |text: &'static str| {
        let record = FutureRecord::<[u8], str>::to("a").payload(text);
        producer.send_result(record).unwrap()
    };
    send("first").await.unwrap().unwrap();
    valve.close(true);
    let kept = || async {
        let partition = ("a".to_owned(), 0);
        broker
            .watermarks()
            .unwrap()
            .read(&[partition])
            .await
            .unwrap()[0]
            .high
    };
    // Longer than the refusals of one closing last at this rate: it is closed anew.
    let mut refused = send("second");
    let since = Instant::now();
    while since.elapsed() < RENEWED {
        let waited = tokio::time::timeout(Duration::from_millis(100), &mut refused).await;
        assert!(waited.is_err(), "{waited:?}");
    }
    assert_eq!(kept().await, 1);
    valve.close(false);
    assert_eq!(refused.await.unwrap().unwrap().offset, 1);
    assert_eq!(send("third").await.unwrap().unwrap().offset, 2);
}

const RENEWED: Duration = Duration::from_millis(700);
