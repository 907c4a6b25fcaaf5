//! The custom resources of topics and brokers on AWS: their real binary, as CloudFormation calls it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use serde_json::{Value, json};
use tests::apache::{GuardedKafka, USERS, jars};
use tests::runtime::Function;
use tokio::net::TcpListener;

const ALICE: (&str, &str) = USERS[0];
const BOB: (&str, &str) = USERS[1];
const LIMIT: Duration = Duration::from_secs(60);
const SIGNATURE: &str = "a-signature-that-nobody-may-see";

/// Where CloudFormation waits for answers.
pub(crate) struct Waiting {
    url: String,
    heard: Arc<Mutex<Heard>>,
}

#[derive(Default)]
struct Heard {
    answers: Vec<Value>,
    refusals: VecDeque<StatusCode>,
}

impl Waiting {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let routes = Router::new().fallback(told).with_state(heard.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        let url = format!("http://{address}/answer?X-Amz-Signature={SIGNATURE}&X-Amz-Expires=7200");
        Self { url, heard }
    }

    /// The answers that came since the last time.
    fn answers(&self) -> Vec<Value> {
        std::mem::take(&mut self.heard.lock().unwrap().answers)
    }

    /// The one that came since.
    pub(crate) fn answer(&self) -> Value {
        let mut answers = self.answers();
        assert_eq!(answers.len(), 1, "{answers:?}");
        answers.remove(0)
    }

    /// The next answers are refused so.
    fn refuse(&self, refusals: &[u16]) {
        let refusals = refusals
            .iter()
            .map(|status| StatusCode::from_u16(*status).unwrap());
        self.heard.lock().unwrap().refusals = refusals.collect();
    }

    /// What CloudFormation asks for about topics.
    pub(crate) fn event(&self, act: &str, topics: Value) -> Value {
        json!({
            "RequestType": act, "ResponseURL": self.url, "StackId": "arn:aws:cloudformation:stack", "RequestId": "r-1",
            "LogicalResourceId": "Topics", "ResourceType": "Custom::KafkaTopics",
            "ResourceProperties": {"ServiceToken": "arn:aws:lambda", "Topics": topics},
        })
    }
}

async fn told(
    State(heard): State<Arc<Mutex<Heard>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    assert_eq!(method, Method::PUT);
    assert!(uri.query().unwrap().contains(SIGNATURE));
    assert!(
        headers.get("content-type").is_none(),
        "the signature is for none: {headers:?}"
    );
    assert!(body.len() <= 4096);
    let mut heard = heard.lock().unwrap();
    if let Some(refusal) = heard.refusals.pop_front() {
        return refusal;
    }
    heard.answers.push(serde_json::from_slice(&body).unwrap());
    StatusCode::OK
}

fn topic(name: &str, partitions: u32, hours: u32) -> Value {
    // As CloudFormation hands numbers on.
    json!({"Name": name, "Partitions": partitions.to_string(), "RetentionHours": hours.to_string()})
}

async fn function(brokers: &str, (name, password): (&str, &str)) -> Function {
    let variables = [
        ("KAFKA_BROKERS", brokers),
        ("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
        ("KAFKA_SASL_MECHANISM", "PLAIN"),
        ("KAFKA_USERNAME", name),
        ("KAFKA_PASSWORD", password),
    ];
    Function::start("topics", &variables).await
}

fn partitions(broker: &GuardedKafka) -> BTreeMap<String, usize> {
    let client: BaseConsumer = broker.client(ALICE).create().unwrap();
    let metadata = client.fetch_metadata(None, LIMIT).unwrap();
    let topics = metadata.topics().iter();
    topics
        .map(|topic| (topic.name().to_owned(), topic.partitions().len()))
        .collect()
}

async fn configuration(broker: &GuardedKafka, topic: &str, names: [&str; 3]) -> [String; 3] {
    let admin: AdminClient<DefaultClientContext> = broker.client(ALICE).create().unwrap();
    let asked = [ResourceSpecifier::Topic(topic)];
    let described = admin.describe_configs(&asked, &AdminOptions::new()).await;
    let described = described.unwrap().remove(0).unwrap();
    names.map(|name| described.get(name).unwrap().value.clone().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn makes_topics_and_never_takes_any_away() {
    let Some(jars) = jars() else { return };
    let broker = GuardedKafka::start(&jars, None).await;
    let waiting = Waiting::start().await;
    let alice = function(&broker.sasl_plaintext, ALICE).await;
    let names = [
        "retention.ms",
        "message.timestamp.type",
        "max.message.bytes",
    ];
    let invoke = async |act: &str, topics: Value| {
        let told = alice
            .invoke(waiting.event(act, topics), LIMIT)
            .await
            .unwrap();
        let answer = waiting.answer();
        assert_eq!(told["status"], answer["Status"]);
        answer
    };

    let two = json!([topic("StockExchange", 1, 168), topic("events", 3, 24)]);
    let answer = invoke("Create", two.clone()).await;
    let wanted = json!({
        "Status": "SUCCESS", "Reason": "done", "PhysicalResourceId": "Topics",
        "StackId": "arn:aws:cloudformation:stack", "RequestId": "r-1", "LogicalResourceId": "Topics",
        "Data": {"Brokers": broker.sasl_plaintext, "Made": "StockExchange,events", "Grown": "", "Changed": "",
            "Wider": ""},
    });
    assert_eq!(answer, wanted);
    let made = partitions(&broker);
    assert_eq!((made["StockExchange"], made["events"]), (1, 3));
    let found = configuration(&broker, "events", names).await;
    assert_eq!(found[..2], ["86400000", "LogAppendTime"]);

    // The same again changes nothing.
    for act in ["Create", "Update"] {
        let answer = invoke(act, two.clone()).await;
        let data = answer["Data"].as_object().unwrap();
        let idle = data.iter().filter(|(name, _)| *name != "Brokers");
        assert!(idle.clone().all(|(_, value)| value == ""), "{answer}");
    }

    // What somebody else has set stays when the retention changes.
    let admin: AdminClient<DefaultClientContext> = broker.client(ALICE).create().unwrap();
    let by_hand = AlterConfig::new(ResourceSpecifier::Topic("events"))
        .set("max.message.bytes", "2000000")
        .set("retention.ms", "86400000");
    let altered = admin.alter_configs([&by_hand], &AdminOptions::new()).await;
    altered.unwrap().remove(0).unwrap();
    let wider = json!([
        topic("StockExchange", 1, 168),
        topic("events", 5, 48),
        topic("portfolios", 3, 24)
    ]);
    let answer = invoke("Create", wider.clone()).await;
    assert_eq!(
        [
            &answer["Data"]["Made"],
            &answer["Data"]["Grown"],
            &answer["Data"]["Changed"]
        ],
        ["portfolios", "events", ""]
    );
    let found = configuration(&broker, "events", names).await;
    assert_eq!(
        found,
        ["86400000", "CreateTime", "2000000"],
        "only an update changes it"
    );
    let answer = invoke("Update", wider).await;
    assert_eq!(answer["Data"]["Changed"], "events");
    let found = configuration(&broker, "events", names).await;
    assert_eq!(found, ["172800000", "LogAppendTime", "2000000"]);

    // Partitions cannot be taken away, which a rollback must survive, but where the order matters there must be one.
    let answer = invoke("Update", two.clone()).await;
    assert_eq!(
        (&answer["Status"], &answer["Data"]["Wider"]),
        (&json!("SUCCESS"), &json!("events"))
    );
    let answer = invoke("Update", json!([topic("portfolios", 1, 24)])).await;
    assert_eq!(answer["Status"], "FAILED");
    assert!(
        answer["Reason"]
            .as_str()
            .unwrap()
            .contains("portfolios should have one"),
        "{answer}"
    );

    // The resource's type decides: of brokers that are known nobody has to be asked.
    let mut brokers = waiting.event("Update", json!([]));
    brokers["ResourceType"] = json!("Custom::KafkaBrokers");
    alice.invoke(brokers, LIMIT).await.unwrap();
    let answer = waiting.answer();
    assert_eq!(
        (&answer["Status"], &answer["Data"]["Brokers"]),
        (&json!("SUCCESS"), &json!(broker.sasl_plaintext))
    );
    let mut other = waiting.event("Create", two.clone());
    other["ResourceType"] = json!("Custom::Kafka");
    alice.invoke(other, LIMIT).await.unwrap();
    let reason = waiting.answer()["Reason"].as_str().unwrap().to_owned();
    assert!(
        reason.contains("ResourceType is not Custom::KafkaBrokers"),
        "{reason}"
    );

    let mut gone = waiting.event("Delete", json!([]));
    gone["PhysicalResourceId"] = json!("Topics");
    alice.invoke(gone, LIMIT).await.unwrap();
    assert_eq!(waiting.answer()["Status"], "SUCCESS");
    let there = partitions(&broker);
    assert_eq!(
        [there["StockExchange"], there["events"], there["portfolios"]],
        [1, 5, 3]
    );

    let bob = function(&broker.sasl_plaintext, BOB).await;
    let mine = waiting.event("Create", json!([topic("mine", 1, 1)]));
    bob.invoke(mine, Duration::from_secs(12)).await.unwrap();
    let answer = waiting.answer();
    let reason = answer["Reason"].as_str().unwrap();
    assert_eq!(answer["Status"], "FAILED");
    assert!(
        reason.contains("topic mine cannot be made") && reason.contains("uthorization"),
        "{reason}"
    );
    // A role that was just made may be known a moment later.
    assert!(bob.log().contains("once more"), "{}", bob.log());

    for log in [alice.log(), bob.log()] {
        assert!(
            !log.contains(SIGNATURE) && !log.contains(ALICE.1) && !log.contains(BOB.1),
            "{log}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_failure_is_told_in_time() {
    let waiting = Waiting::start().await;
    let topics = json!([topic("events", 3, 24)]);

    let lost = function("127.0.0.1:9", ALICE).await;
    let limit = Duration::from_secs(9);
    let begun = Instant::now();
    let told = lost
        .invoke(waiting.event("Create", topics.clone()), limit)
        .await;
    assert!(begun.elapsed() < limit);
    assert_eq!(told.unwrap()["status"], "FAILED");
    let answer = waiting.answer();
    assert_eq!(answer["Status"], "FAILED");
    // The client library gives up on the topic, or on a slow machine the function on the brokers.
    let reason = answer["Reason"].as_str().unwrap();
    assert!(
        reason.contains("topic events") || reason.contains("the brokers did not do it"),
        "{answer}"
    );

    // A stack whose Kafka is gone can be deleted, and one that was made wrongly.
    lost.invoke(waiting.event("Delete", topics.clone()), LIMIT)
        .await
        .unwrap();
    assert_eq!(waiting.answer()["Status"], "SUCCESS");

    // CloudFormation is told again where it did not hear.
    waiting.refuse(&[503, 500]);
    let event = waiting.event("Delete", topics.clone());
    lost.invoke(event.clone(), LIMIT).await.unwrap();
    assert_eq!(waiting.answer()["Status"], "SUCCESS");
    waiting.refuse(&[403]);
    let failed = lost.invoke(event, LIMIT).await.unwrap_err();
    assert!(
        failed["errorMessage"]
            .as_str()
            .unwrap()
            .contains("status 403"),
        "{failed}"
    );
    assert_eq!(waiting.answers(), Vec::<Value>::new());

    let unset = Function::start("topics", &[("KAFKA_CA_FILE", "/no/file")]).await;
    unset
        .invoke(waiting.event("Update", topics), LIMIT)
        .await
        .unwrap();
    let reason = waiting.answer()["Reason"].as_str().unwrap().to_owned();
    assert!(
        reason.contains("KAFKA_BROKERS") && reason.contains("KAFKA_CA_FILE"),
        "{reason}"
    );
    unset
        .invoke(waiting.event("Create", json!("all")), LIMIT)
        .await
        .unwrap();
    let reason = waiting.answer()["Reason"].as_str().unwrap().to_owned();
    assert!(
        reason.contains("ResourceProperties.Topics is not a list"),
        "{reason}"
    );
    let failed = unset
        .invoke(json!({"ResponseURL": waiting.url}), LIMIT)
        .await
        .unwrap_err();
    assert!(
        failed["errorMessage"]
            .as_str()
            .unwrap()
            .contains("LogicalResourceId"),
        "{failed}"
    );

    for log in [lost.log(), unset.log()] {
        assert!(!log.contains(SIGNATURE), "{log}");
    }
}
