//! The whole flow by AWS's own command line: EventBridge and SQS of LocalStack, our Lambda API, and the lake in
//! LocalStack's S3, in the bucket that infra/lake.yaml makes.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tests::metrics::Scrape;
use tests::stack::Stack;
use tests::{eventually, http};

use crate::alarms::watched;
use crate::cloud::{Cloud, REGION, keys};
use crate::declared::{TOPICS, views};
use crate::stacks::policies;

const TICKS: i64 = 200;

/// A run without troubles has none of these.
const OF_TROUBLES: [&str; 2] = [
    "invocation_failures_total",
    "stream_unacknowledged_records_total",
];

/// The moves of both games.
const SMALL: [&str; 3] = ["purchase/sword", "purchase/shield", "join_a_guild"];
const LARGE: [&str; 9] = [
    "purchase_a_sword",
    "purchase_a_shield",
    "purchase_a_potion",
    "join_guild",
    "take_potion",
    "find_treasure",
    "enemy_attack",
    "defeat_enemy",
    "level_up",
];

#[tokio::test(flavor = "multi_thread")]
async fn an_event_gets_from_a_rule_to_rows() {
    let Some(cloud) = Cloud::start().await else {
        return;
    };
    let bucket = cloud.lake().await;
    let lake = format!("s3://{bucket}");
    let [id, secret] = keys();
    let stack = Stack::start(&[
        ("SCHEDULES", "off"),
        ("BATCHING_WINDOW", "1"),
        ("LAKE", &lake),
        ("AWS_ENDPOINT_URL", &cloud.endpoint),
        ("AWS_REGION", REGION),
        id,
        secret,
    ])
    .await;

    // A rule puts what asks for ticks into a queue.
    let queue = cloud.aws(&["sqs", "create-queue", "--queue-name", "exchanges"])["QueueUrl"]
        .as_str()
        .unwrap()
        .to_owned();
    let asked = [
        "sqs",
        "get-queue-attributes",
        "--queue-url",
        &queue,
        "--attribute-names",
        "QueueArn",
    ];
    let arn = cloud.aws(&asked)["Attributes"]["QueueArn"]
        .as_str()
        .unwrap()
        .to_owned();
    let pattern = json!({"source": ["tidemill"], "detail-type": ["open"]}).to_string();
    cloud.aws(&[
        "events",
        "put-rule",
        "--name",
        "open",
        "--event-pattern",
        &pattern,
    ]);
    let target = json!([{"Id": "queue", "Arn": arn, "InputPath": "$.detail"}]).to_string();
    cloud.aws(&[
        "events",
        "put-targets",
        "--rule",
        "open",
        "--targets",
        &target,
    ]);
    let detail = json!({"exchange": "se1", "ticks": TICKS, "pace": "burst", "seed": 7, "start": "2026-11-02T08:00:00Z"});
    let entry = json!([{"Source": "tidemill", "DetailType": "open", "Detail": detail.to_string()}])
        .to_string();
    let put = cloud.aws(&["events", "put-events", "--entries", &entry]);
    assert_eq!(put["FailedEntryCount"], 0, "{put}");

    // What Lambda's poller would do with it.
    let message = eventually("a message", Duration::from_secs(30), || async {
        let got = cloud.aws(&[
            "sqs",
            "receive-message",
            "--queue-url",
            &queue,
            "--wait-time-seconds",
            "1",
        ]);
        let message = got["Messages"][0].clone();
        if message.is_null() {
            Err(got.to_string())
        } else {
            Ok(message)
        }
    })
    .await;
    let answer = invoke(
        &cloud,
        &stack,
        "exchange",
        message["Body"].as_str().unwrap(),
    );
    assert_eq!(answer["published"], TICKS, "{answer}");
    let handle = message["ReceiptHandle"].as_str().unwrap();
    cloud.text(&[
        "sqs",
        "delete-message",
        "--queue-url",
        &queue,
        "--receipt-handle",
        handle,
    ]);

    // Calls for every other topic, of every kind.
    let (stocks, games) = (&stack.run.stocks, &stack.run.games);
    let bought = http::post(format!("{stocks}/GOOG/buy/1")).await;
    assert!(bought.status < 300, "{}", bought.text());
    for call in [stocks.clone(), format!("{stocks}/GOOG")] {
        assert_eq!(http::get(call).await.status, 200);
    }
    for move_ in SMALL.iter().chain(&LARGE) {
        let answer = http::get(format!("{games}/{move_}?userid=1&n=1")).await;
        assert_eq!(answer.status, 200, "{move_}: {}", answer.text());
    }

    // Links in the bucket, which `aws s3 ls` shows; rows in SQL.
    let tables = [
        "default_call",
        "stock_call",
        "stock_operation",
        "events",
        "game_events",
        "ticks",
        "evaluations",
    ];
    let listed = eventually("links of all tables", Duration::from_secs(60), || async {
        let listed = cloud.text(&["s3", "ls", &format!("{lake}/"), "--recursive"]);
        let has = |table: &&str| {
            listed.contains(&format!(" {table}/0/")) || listed.contains(&format!(" {table}/1/"))
        };
        if tables.iter().all(has) {
            Ok(listed)
        } else {
            Err(listed)
        }
    })
    .await;
    stack
        .sql_until("SELECT COUNT(*) AS n FROM ticks", |rows| {
            rows[0]["n"] == TICKS
        })
        .await;
    let evaluated = stack.count("SELECT COUNT(*) FROM evaluations").await;
    assert!(evaluated > 0, "{evaluated}");
    let http = invoke(
        &cloud,
        &stack,
        "query",
        &sql_event("SELECT COUNT(*) AS n FROM ticks"),
    );
    let body: Value = serde_json::from_str(http["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["rows"][0]["n"], TICKS, "{http}");

    // Athena's views are those of SQL.
    for (table, moves) in [("events", SMALL.len()), ("game_events", LARGE.len())] {
        let all = format!("SELECT COUNT(*) AS n FROM {table}");
        stack.sql_until(&all, |rows| rows[0]["n"] == moves).await;
    }
    for (view, columns, from) in views() {
        let shown = stack
            .ask(&format!("SELECT * FROM {view} LIMIT 1"))
            .await
            .json();
        let shown = shown["columns"].as_array().unwrap().iter();
        let shown: Vec<_> = shown
            .map(|it| it["name"].as_str().unwrap().to_lowercase())
            .collect();
        assert_eq!(shown, columns, "{view}");
        let rows = stack.count(&format!("SELECT COUNT(*) FROM {view}")).await;
        assert_eq!(
            rows,
            stack.count(&format!("SELECT COUNT(*) FROM {from}")).await,
            "{view}"
        );
        assert!(rows > 0, "{view}");
    }

    // Whoever wrote it could have done so on AWS.
    let scrape = stack.metrics().await;
    let committers = told(&scrape, "lake_commits_total", "table");
    let allowed = policies(&cloud, &bucket, "MSK_IAM", "").await;
    let by_name = |name: &str| &allowed.iter().find(|(it, _)| it == name).unwrap().1;
    for line in listed.lines() {
        let key = line.split_whitespace().nth(3).unwrap();
        let (table, _) = key.split_once('/').unwrap();
        // No tables; the first two are the runner's own.
        if ["created-once", "epochs", "holdings"].contains(&table) {
            continue;
        }
        let of_table = committers.iter().filter(|(_, it)| it == table);
        let writers: Vec<_> = of_table.map(|(function, _)| function).collect();
        assert!(!writers.is_empty(), "{key}: {committers:?}");
        let arn = format!("arn:aws:s3:::{bucket}/{key}");
        for writer in writers {
            assert!(
                by_name(writer).allows("s3:PutObject", &arn),
                "{writer}: {key}"
            );
        }
    }
    let published = told(&scrape, "stream_published_records_total", "topic");
    let declared = TOPICS.map(|(topic, function, _)| (function.to_owned(), topic.to_owned()));
    assert_eq!(published, declared.into());

    // What is watched is told, with these dimensions, but for what only troubles make.
    let mut silent = watched();
    silent.retain(|it| !OF_TROUBLES.contains(&it.name()) && !it.was_told(&scrape));
    assert!(silent.is_empty(), "{silent:?}\n{}", scrape.text);
}

/// `aws lambda invoke` at our own Lambda API.
fn invoke(cloud: &Cloud, stack: &Stack, function: &str, payload: &str) -> Value {
    let out = stack.data().join("answer.json");
    let arguments = [
        "lambda",
        "invoke",
        "--function-name",
        function,
        "--payload",
        payload,
        out.to_str().unwrap(),
    ];
    let mut command = cloud.command(&stack.run.lambda, &arguments);
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&said["StatusCode"], &said["FunctionError"]),
        (&Value::from(200), &Value::Null),
        "{said}"
    );
    serde_json::from_slice(&std::fs::read(out).unwrap()).unwrap()
}

/// A call of the Lake API, as API Gateway hands it over.
fn sql_event(statement: &str) -> String {
    json!({
        "version": "2.0", "routeKey": "ANY /api/{proxy+}", "rawPath": "/api/sql", "rawQueryString": "",
        "headers": {"content-type": "text/plain"}, "body": statement, "isBase64Encoded": false,
        "requestContext": {
            "accountId": "000000000000", "apiId": "lake", "domainName": "lake", "domainPrefix": "lake",
            "http": {"method": "POST", "path": "/api/sql", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "aws"},
            "requestId": "r", "routeKey": "ANY /api/{proxy+}", "stage": "$default",
            "time": "02/Nov/2026:08:00:00 +0000", "timeEpoch": 1793606400000_i64
        }
    })
    .to_string()
}

/// Which function has told more than 0 of what.
fn told(scrape: &Scrape, metric: &str, of: &str) -> BTreeSet<(String, String)> {
    let some = scrape.samples[metric]
        .iter()
        .filter(|(_, count)| *count > 0.0);
    some.map(|(labels, _)| (labels["function"].clone(), labels[of].clone()))
        .collect()
}
