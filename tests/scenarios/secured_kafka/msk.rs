//! MSK as functions and the runner meet it: a control plane of the test's own that tells the brokers of a cluster, and
//! a cluster that lets in who has a token signed with its keys.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};
use tests::apache::jars;
use tests::msk::{KEYS, Msk, REGION};
use tests::runtime::Function;
use tests::stack::{Stack, up};
use tests::tools::printed;
use tests::{eventually, kafka};
use tokio::net::TcpListener;

use super::{everything_flows, files_with};
use crate::commands::refused;
use crate::topics_function::Waiting;

const ARN: &str =
    "arn:aws:kafka:eu-west-1:123456789012:cluster/events/4c4c4c4c-1111-2222-3333-444455556666-s1";
const LIMIT: Duration = Duration::from_secs(20);

type Asked = Arc<Mutex<Vec<(String, String)>>>;

#[derive(Clone)]
struct ControlPlane {
    asked: Asked,
    answer: Value,
    /// How many are refused before one is answered.
    refusals: usize,
}

/// Answers every question so; keeps what was asked, with its authorization.
async fn control_plane(answer: Value) -> (String, Asked) {
    refusing_first(0, answer).await
}

/// As one that does not know a role yet.
async fn refusing_first(refusals: usize, answer: Value) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Asked::default();
    let state = ControlPlane {
        asked: asked.clone(),
        answer,
        refusals,
    };
    let routes = Router::new().fallback(told).with_state(state);
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    (url, asked)
}

async fn told(
    State(state): State<ControlPlane>,
    uri: Uri,
    headers: HeaderMap,
) -> (StatusCode, String) {
    let by = headers["authorization"].to_str().unwrap().to_owned();
    let mut asked = state.asked.lock().unwrap();
    asked.push((uri.to_string(), by));
    if asked.len() <= state.refusals {
        let reason = json!({"message": "not authorized to perform: kafka:GetBootstrapBrokers"});
        return (StatusCode::FORBIDDEN, reason.to_string());
    }
    (StatusCode::OK, state.answer.to_string())
}

fn call() -> Value {
    json!({
        "version": "2.0", "routeKey": "GET /", "rawPath": "/", "rawQueryString": "",
        "headers": {"host": "localhost"}, "isBase64Encoded": false,
        "requestContext": {"accountId": "1", "apiId": "a", "stage": "$default", "requestId": "r", "routeKey": "GET /",
            "domainName": "localhost", "domainPrefix": "localhost", "time": "25/Nov/2026:06:00:00 +0000",
            "timeEpoch": 1_795_586_400_000_u64,
            "http": {"method": "GET", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "::1", "userAgent": "t"}},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_finds_its_brokers_by_the_clusters_name() {
    let broker = tests::broker::Faulty::default();
    let brokers = broker.address();
    let (url, asked) = control_plane(json!({"bootstrapBrokerString": brokers})).await;
    let variables = [
        ("KAFKA_CLUSTER_ARN", ARN),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "hush-hush"),
        ("AWS_ENDPOINT_URL_KAFKA", url.as_str()),
    ];
    let stocks = Function::start("stocks", &variables).await;
    for _ in 0..2 {
        let answer = stocks.invoke(call(), LIMIT).await.unwrap();
        assert_eq!(answer["statusCode"], 200, "{answer}");
    }
    assert_eq!(kafka::values(&brokers, "default_call").len(), 2);
    let asked = asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 1, "once for a process: {asked:?}");
    let (path, by) = &asked[0];
    assert!(
        path.starts_with("/v1/clusters/arn") && path.ends_with("/bootstrap-brokers"),
        "{path}"
    );
    assert!(
        by.contains("AKIDEXAMPLE") && by.contains("/eu-west-1/kafka/aws4_request"),
        "{by}"
    );
    assert!(!stocks.log().contains("hush-hush"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_without_brokers_says_why() {
    let (url, _) = control_plane(json!({"bootstrapBrokerStringSaslIam": "b:9098"})).await;
    let mut variables = vec![
        ("KAFKA_CLUSTER_ARN", ARN),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "hush-hush"),
        ("AWS_ENDPOINT_URL", url.as_str()),
    ];
    let log = Function::start("games", &variables).await.ended().await;
    assert!(
        log.contains("function cannot start") && log.contains("SASL_SSL, MSK_IAM"),
        "{log}"
    );

    variables[1].1 = "us-east-1";
    variables.push(("KAFKA_BROKERS", "b:9092"));
    let log = Function::start("exchange", &variables).await.ended().await;
    assert!(
        log.contains("KAFKA_CLUSTER_ARN: is set as well as KAFKA_BROKERS"),
        "{log}"
    );
    variables.pop();
    let log = Function::start("exchange", &variables).await.ended().await;
    assert!(
        log.contains("cluster in eu-west-1, and AWS_REGION is us-east-1"),
        "{log}"
    );
    let log = Function::start("stocks", &[]).await.ended().await;
    assert!(
        log.contains("KAFKA_BROKERS: is not set, and neither is KAFKA_CLUSTER_ARN"),
        "{log}"
    );
    assert!(!log.contains("hush-hush"));
}

#[tokio::test(flavor = "multi_thread")]
async fn cloudformation_hears_where_a_clusters_brokers_are() {
    let all = json!({"bootstrapBrokerStringSaslIam": "i:9098", "bootstrapBrokerStringSaslScram": "s:9096"});
    let (url, asked) = refusing_first(1, all).await;
    let waiting = Waiting::start().await;
    let mut variables = vec![
        ("KAFKA_CLUSTER_ARN", ARN),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "hush-hush"),
        ("AWS_ENDPOINT_URL_KAFKA", url.as_str()),
        ("KAFKA_SECURITY_PROTOCOL", "SASL_SSL"),
        ("KAFKA_SASL_MECHANISM", "MSK_IAM"),
    ];
    let mut event = waiting.event("Create", json!(null));
    event["ResourceType"] = json!("Custom::KafkaBrokers");
    let by_iam = Function::start("topics", &variables).await;
    by_iam.invoke(event.clone(), LIMIT).await.unwrap();
    let answer = waiting.answer();
    assert_eq!(answer["Data"]["Brokers"], "i:9098", "{answer}");
    assert_eq!(
        asked.lock().unwrap().len(),
        2,
        "a role that was just made is not known at once"
    );

    // As infra/topics.yaml has it for a password, which nobody needs for asking.
    variables.pop();
    variables.extend([
        ("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512"),
        ("KAFKA_USERNAME", "none"),
        ("KAFKA_PASSWORD", "none"),
    ]);
    let by_password = Function::start("topics", &variables).await;
    by_password.invoke(event.clone(), LIMIT).await.unwrap();
    assert_eq!(waiting.answer()["Data"]["Brokers"], "s:9096");

    let (nothing, _) = control_plane(json!({})).await;
    variables[4].1 = &nothing;
    let in_vain = Function::start("topics", &variables).await;
    let short = Duration::from_secs(12);
    in_vain.invoke(event, short).await.unwrap();
    let answer = waiting.answer();
    assert_eq!(answer["Status"], "FAILED");
    let reason = answer["Reason"].as_str().unwrap();
    assert!(reason.contains("no broker for SASL/SCRAM"), "{reason}");
}

#[test]
fn a_runner_without_credentials_says_so() {
    let data = tempfile::tempdir().unwrap();
    let settings = [
        ("KAFKA", "127.0.0.1:9"),
        ("KAFKA_SECURITY_PROTOCOL", "SASL_SSL"),
        ("KAFKA_SASL_MECHANISM", "MSK_IAM"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ];
    let line = refused(up(data.path(), &settings));
    assert!(
        line.contains("no credentials were found") && line.contains("AWS_PROFILE"),
        "{line}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_flows_by_tokens() {
    let Some(jars) = jars() else { return };
    let msk = Msk::start(&jars).await;
    let ca = msk.ca_file().display().to_string();
    let mut settings = vec![
        ("KAFKA", msk.address.as_str()),
        ("KAFKA_SECURITY_PROTOCOL", "SASL_SSL"),
        ("KAFKA_SASL_MECHANISM", "MSK_IAM"),
        ("KAFKA_CA_FILE", ca.as_str()),
        ("AWS_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", KEYS.0),
        ("AWS_SECRET_ACCESS_KEY", "another-key"),
        ("SCHEDULES", "off"),
        ("BATCHING_WINDOW", "0.2"),
    ];
    let data = tempfile::tempdir().unwrap();
    let wrong = refused(up(data.path(), &settings));
    assert!(wrong.contains("Access denied"), "{wrong}");
    let (none, _, refusals) = msk.tokens();
    assert!(none == 0 && refusals > 0, "{:?}", msk.tokens());

    settings[6].1 = KEYS.1;
    let mut stack = Stack::start(&settings).await;
    everything_flows(&stack).await;
    // Publishers, triggers and who watches them stay in past the life of their connections.
    let (_, before, refusals) = msk.tokens();
    eventually("connections show other tokens", LIMIT, || async {
        let (first, again, _) = msk.tokens();
        let enough = again >= before + first;
        enough
            .then_some(())
            .ok_or_else(|| format!("{:?}", msk.tokens()))
    })
    .await;
    let url = format!("{}/GOOG", stack.run.stocks);
    tests::load::run(reqwest::Method::GET, &url, 10, 2, 200).await;
    let rows = "SELECT COUNT(*) AS n FROM stock_call";
    stack.sql_until(rows, |rows| rows[0]["n"] == 50).await;
    let mut command = stack.tidemill(&["replay", "topic", "stock_call"]);
    command.envs(settings.iter().copied());
    let replayed = tokio::task::spawn_blocking(move || command.output().unwrap());
    let said = printed(&replayed.await.unwrap());
    assert!(said.contains("swapped in"), "{said}");
    assert_eq!(msk.tokens().2, refusals, "none was refused");

    stack.stop();
    for secret in [KEYS.1, "X-Amz-Signature"] {
        let files = files_with(stack.data(), secret);
        assert!(files.is_empty(), "{secret}: {files:?}");
    }
}
