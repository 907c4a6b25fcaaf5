//! Triggers against the embedded broker, with functions that live in the test.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod chain;
mod panics;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use rdkafka::{
    ClientConfig, Message,
    consumer::{Consumer, StreamConsumer},
    producer::{FutureProducer, FutureRecord},
};
use serde_json::Value;
use tokio::{sync::watch, time::timeout};

use super::*;
use crate::{
    broker::{Broker, BrokerChoice, RETENTION_HOURS, TopicSpec},
    clock::SystemClock,
    functions::{InvokeError, Outcome},
    template::{EventSource, StartingPosition},
};

const PATIENCE: Duration = Duration::from_secs(30);

type Answer = Box<dyn Fn(&Call) -> Result<Outcome, InvokeError> + Send + Sync>;

/// One invocation: the partition, and its records' offsets and values.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Call {
    number: usize,
    partition: String,
    records: Vec<(i64, Vec<u8>)>,
    bytes: usize,
}

impl Call {
    fn offsets(&self) -> Vec<i64> {
        self.records.iter().map(|(offset, _)| *offset).collect()
    }
}

/// A function that keeps what it is called with.
struct Function {
    calls: watch::Sender<Vec<Call>>,
    running: Mutex<BTreeMap<String, usize>>,
    answer: Answer,
}

impl Function {
    fn new(
        answer: impl Fn(&Call) -> Result<Outcome, InvokeError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let (calls, _) = watch::channel(Vec::new());
        Arc::new(Self {
            calls,
            running: Mutex::default(),
            answer: Box::new(answer),
        })
    }

    async fn calls_until(&self, enough: impl Fn(&[Call]) -> bool) -> Vec<Call> {
        let mut calls = self.calls.subscribe();
        let seen = timeout(PATIENCE, calls.wait_for(|calls| enough(calls))).await;
        match seen {
            Ok(calls) => calls.unwrap().clone(),
            Err(_) => panic!("not in time; so far {:?}", self.calls.borrow()),
        }
    }
}

#[async_trait]
impl Invoke for Function {
    async fn invoke(&self, function: &str, payload: Bytes) -> Result<Outcome, InvokeError> {
        assert_eq!(function, "reader");
        let event: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(event["eventSource"], "aws:kafka");
        let partitions = event["records"].as_object().unwrap();
        let (partition, records) = partitions.iter().next().unwrap();
        let record = |record: &Value| {
            let value = STANDARD.decode(record["value"].as_str().unwrap()).unwrap();
            (record["offset"].as_i64().unwrap(), value)
        };
        let records = records.as_array().unwrap().iter().map(record).collect();
        let number = self.calls.borrow().len() + 1;
        let call = Call {
            number,
            partition: partition.clone(),
            records,
            bytes: payload.len(),
        };
        let running = {
            let mut running = self.running.lock().unwrap();
            let running = running.entry(partition.clone()).or_default();
            *running += 1;
            *running
        };
        assert_eq!(running, 1, "one invocation in flight for a partition");
        let answer = (self.answer)(&call);
        tokio::task::yield_now().await;
        *self.running.lock().unwrap().get_mut(partition).unwrap() -= 1;
        self.calls.send_modify(|calls| calls.push(call));
        answer
    }
}

fn succeeds(_: &Call) -> Result<Outcome, InvokeError> {
    Ok(Outcome::Success(Bytes::from_static(b"null")))
}

fn fails() -> Result<Outcome, InvokeError> {
    Ok(Outcome::FunctionError {
        kind: "Unhandled",
        payload: Bytes::from_static(b"{}"),
    })
}

async fn broker(topics: &[(&str, i32)]) -> Broker {
    let spec = |(name, partitions): &(&str, i32)| TopicSpec {
        name: (*name).to_owned(),
        partitions: *partitions,
        retention: RETENTION_HOURS,
    };
    let topics: Vec<TopicSpec> = topics.iter().map(spec).collect();
    Broker::start(&BrokerChoice::Embedded { port: 0 }, &topics)
        .await
        .unwrap()
}

async fn publish(
    broker: &Broker,
    topic: &str,
    partition: i32,
    values: impl IntoIterator<Item = Vec<u8>>,
) {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", broker.connection().brokers())
        .set("message.max.bytes", "10000000")
        .set("linger.ms", "0")
        .create()
        .unwrap();
    for value in values {
        let record = FutureRecord::<[u8], [u8]>::to(topic)
            .partition(partition)
            .payload(&value);
        producer.send(record, PATIENCE).await.unwrap();
    }
}

fn numbers(range: std::ops::Range<u32>) -> impl Iterator<Item = Vec<u8>> {
    range.map(|number| number.to_string().into_bytes())
}

fn spec() -> FunctionSpec {
    let text = "{Resources: {Reader: {Type: AWS::Serverless::Function, Properties: \
                {FunctionName: reader, Runtime: provided.al2023}}}}";
    crate::template::Template::parse(text, &BTreeMap::new())
        .unwrap()
        .functions
        .remove(0)
}

fn trigger(topic: &str) -> KafkaTrigger {
    KafkaTrigger {
        id: "T".to_owned(),
        source: EventSource::Msk { arn: None },
        topics: vec![topic.to_owned()],
        batch_size: 100,
        batching_window: Duration::from_millis(100),
        starting_position: StartingPosition::TrimHorizon,
        consumer_group: "group".to_owned(),
        report_batch_item_failures: false,
        maximum_retry_attempts: None,
        on_failure: None,
    }
}

async fn start(broker: &Broker, trigger: &KafkaTrigger, function: &Arc<Function>) -> Trigger {
    let (invoke, clock) = (Arc::clone(function), Arc::new(SystemClock::start()));
    Trigger::start(&spec(), trigger, broker.connection(), None, invoke, clock)
        .await
        .unwrap()
}

fn count(calls: &[Call]) -> usize {
    calls.iter().map(|call| call.records.len()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_record_of_every_partition_comes_once_and_in_order() {
    let broker = broker(&[("t", 3)]).await;
    for partition in 0..3 {
        publish(&broker, "t", partition, numbers(0..250)).await;
    }
    let function = Function::new(succeeds);
    let trigger = start(&broker, &trigger("t"), &function).await;
    let calls = function.calls_until(|calls| count(calls) == 750).await;
    for partition in ["t-0", "t-1", "t-2"] {
        let of_it = calls.iter().filter(|call| call.partition == partition);
        let records: Vec<(i64, Vec<u8>)> = of_it.flat_map(|call| call.records.clone()).collect();
        let expected: Vec<(i64, Vec<u8>)> = (0..250).zip(numbers(0..250)).collect();
        assert_eq!(records, expected, "{partition}");
    }
    assert!(calls.iter().all(|call| call.records.len() <= 100));
    assert_eq!(trigger.drain(PATIENCE).await, []);
    assert_eq!(count(&function.calls.borrow()), 750);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_batch_does_not_wait_and_a_drain_flushes_the_rest() {
    let broker = broker(&[("t", 1)]).await;
    let function = Function::new(succeeds);
    let patient = KafkaTrigger {
        batch_size: 10,
        batching_window: Duration::from_secs(300),
        ..trigger("t")
    };
    let trigger = start(&broker, &patient, &function).await;
    publish(&broker, "t", 0, numbers(0..25)).await;
    let calls = function.calls_until(|calls| calls.len() == 2).await;
    assert_eq!(calls[1].offsets(), (10..20).collect::<Vec<_>>());
    let lag = trigger.lag().await.unwrap();
    assert_eq!(
        (lag.len(), lag[0].records() + lag[0].position, lag[0].end),
        (1, 25, 25)
    );
    assert_eq!(trigger.drain(PATIENCE).await, []);
    assert_eq!(
        function.calls.borrow()[2].offsets(),
        (20..25).collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_batch_comes_again_from_the_same_offset_before_anything_else() {
    let broker = broker(&[("t", 1)]).await;
    publish(&broker, "t", 0, numbers(0..6)).await;
    let function = Function::new(|call| match call.number {
        1 => fails(),
        2 => Err(InvokeError::Throttled {
            function: "reader".to_owned(),
            concurrency: 1,
        }),
        _ => succeeds(call),
    });
    let trigger = start(
        &broker,
        &KafkaTrigger {
            batch_size: 4,
            ..trigger("t")
        },
        &function,
    )
    .await;
    let calls = function.calls_until(|calls| calls.len() == 4).await;
    let offsets: Vec<_> = calls.iter().map(Call::offsets).collect();
    assert_eq!(
        offsets,
        [
            vec![0, 1, 2, 3],
            vec![0, 1, 2, 3],
            vec![0, 1, 2, 3],
            vec![4, 5]
        ]
    );
    assert_eq!(trigger.drain(PATIENCE).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_fails_in_part_comes_again_from_its_lowest_failure() {
    let broker = broker(&[("t", 1)]).await;
    publish(&broker, "t", 0, numbers(0..5)).await;
    let answer = r#"{"batchItemFailures":[{"itemIdentifier":{"partition":"t-0","offset":4}},{"itemIdentifier":{"partition":"t-0","offset":3}}]}"#;
    let function = Function::new(move |call| match call.number {
        1 => Ok(Outcome::Success(Bytes::from_static(answer.as_bytes()))),
        2 => Ok(Outcome::Success(Bytes::from_static(
            br#"{"batchItemFailures":[{"itemIdentifier":{"partition":"t-0","offset":0}}]}"#,
        ))),
        _ => succeeds(call),
    });
    let reporting = KafkaTrigger {
        report_batch_item_failures: true,
        batch_size: 5,
        ..trigger("t")
    };
    let trigger = start(&broker, &reporting, &function).await;
    let calls = function.calls_until(|calls| calls.len() == 3).await;
    let offsets: Vec<_> = calls.iter().map(Call::offsets).collect();
    assert_eq!(
        offsets,
        [vec![0, 1, 2, 3, 4], vec![3, 4], vec![3, 4]],
        "an offset of another batch fails all of it"
    );
    assert_eq!(trigger.drain(PATIENCE).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_goes_on_at_the_committed_offset() {
    let broker = broker(&[("t", 2)]).await;
    let function = Function::new(succeeds);
    for round in 0..3u32 {
        publish(&broker, "t", 0, numbers(round * 10..round * 10 + 10)).await;
        let trigger = start(&broker, &trigger("t"), &function).await;
        function
            .calls_until(|calls| count(calls) == 10 * (round as usize + 1))
            .await;
        assert_eq!(trigger.drain(PATIENCE).await, []);
    }
    let offsets: Vec<i64> = function
        .calls
        .borrow()
        .iter()
        .flat_map(Call::offsets)
        .collect();
    assert_eq!(offsets, (0..30).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn latest_starts_at_what_comes() {
    let broker = broker(&[("t", 1)]).await;
    publish(&broker, "t", 0, numbers(0..10)).await;
    let function = Function::new(succeeds);
    let latest = KafkaTrigger {
        starting_position: StartingPosition::Latest,
        ..trigger("t")
    };
    let trigger = start(&broker, &latest, &function).await;
    publish(&broker, "t", 0, numbers(10..12)).await;
    function.calls_until(|calls| count(calls) == 2).await;
    assert_eq!(function.calls.borrow()[0].offsets()[0], 10);
    assert_eq!(trigger.drain(PATIENCE).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_event_is_larger_than_an_invocation_may_carry() {
    let broker = broker(&[("t", 1)]).await;
    // Eight of 700 kB are more than 6 MB once they are base64; the broker keeps 5 MiB.
    publish(&broker, "t", 0, (0..7).map(|_| vec![b'x'; 700_000])).await;
    let function = Function::new(succeeds);
    let trigger = start(
        &broker,
        &KafkaTrigger {
            batching_window: Duration::from_secs(5),
            ..trigger("t")
        },
        &function,
    )
    .await;
    let calls = function.calls_until(|calls| count(calls) == 7).await;
    let offsets: Vec<_> = calls.iter().map(Call::offsets).collect();
    assert_eq!(offsets, [vec![0, 1, 2, 3, 4, 5], vec![6]]);
    assert!(calls.iter().all(|call| call.bytes <= record::PAYLOAD_LIMIT));
    assert_eq!(trigger.drain(PATIENCE).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_is_given_up_goes_to_its_destination() {
    let broker = broker(&[("t", 1), ("failed", 1)]).await;
    publish(&broker, "t", 0, numbers(0..3)).await;
    let function = Function::new(|call| {
        if call.records[0].0 == 0 {
            fails()
        } else {
            succeeds(call)
        }
    });
    let limited = KafkaTrigger {
        maximum_retry_attempts: Some(2),
        batch_size: 2,
        on_failure: Some(OnFailure::KafkaTopic("failed".to_owned())),
        ..trigger("t")
    };
    let trigger = start(&broker, &limited, &function).await;
    let calls = function.calls_until(|calls| calls.len() == 4).await;
    let offsets: Vec<_> = calls.iter().map(Call::offsets).collect();
    assert_eq!(offsets, [vec![0, 1], vec![0, 1], vec![0, 1], vec![2]]);
    assert_eq!(trigger.drain(PATIENCE).await, []);

    let consumer: StreamConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker.connection().brokers())
        .set("group.id", "test")
        .create()
        .unwrap();
    let mut list = rdkafka::TopicPartitionList::new();
    list.add_partition_offset("failed", 0, rdkafka::Offset::Beginning)
        .unwrap();
    consumer.assign(&list).unwrap();
    let message = timeout(PATIENCE, consumer.recv()).await.unwrap().unwrap();
    let record: Value = serde_json::from_slice(message.payload().unwrap()).unwrap();
    assert_eq!(
        record["requestContext"]["condition"],
        "RetryAttemptsExhausted"
    );
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 3);
    assert_eq!(record["KafkaBatchInfo"]["endOffset"], 1);
    assert_eq!(
        record["payload"]["records"]["t-0"][1]["value"],
        STANDARD.encode("1")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_tells_what_it_leaves_behind() {
    let broker = broker(&[("t", 2)]).await;
    publish(&broker, "t", 1, numbers(0..7)).await;
    let function = Function::new(|_| fails());
    let trigger = start(&broker, &trigger("t"), &function).await;
    function.calls_until(|calls| !calls.is_empty()).await;
    let left = trigger.drain(Duration::from_millis(500)).await;
    assert_eq!(
        left,
        [Remaining {
            topic: "t".to_owned(),
            partition: 1,
            records: Some(7)
        }]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_not_there_is_an_error() {
    let broker = broker(&[("t", 1)]).await;
    let function = Function::new(succeeds);
    let (invoke, clock) = (Arc::clone(&function), Arc::new(SystemClock::start()));
    let mut missing = trigger("t");
    missing.topics = vec!["no/topic".to_owned()];
    let started = Trigger::start(&spec(), &missing, broker.connection(), None, invoke, clock).await;
    assert!(started.is_err(), "{started:?}");
}
