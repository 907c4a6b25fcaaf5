//! What operators see: counts that are exact after known traffic, one line for each invocation, and no secret anywhere.

mod names;
mod traces;

use std::fs;
use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::eventually;
use tests::http::{client, get, send};
use tests::kafka;
use tests::metrics::Scrape;
use tests::stack::Stack;

const FUNCTIONS: [&str; 6] = [
    "stocks", "games", "exchange", "archive", "evaluate", "query",
];

const SECRETS: [(&str, &str); 3] = [
    ("Authorization", "Bearer s3cret-token"),
    ("Cookie", "session=s3cret-cookie"),
    ("X-Api-Key", "s3cret-key"),
];

/// A call whose headers and parameters are secret.
async fn call(method: Method, url: String, status: u16) {
    let mut request = client().request(method, format!("{url}?token=s3cret-parameter"));
    for (name, value) in SECRETS {
        request = request.header(name, value);
    }
    let answer = send(request).await;
    assert_eq!(answer.status, status, "{url}: {}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_exact_after_known_traffic_and_lag_returns_to_zero() {
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    let begun = stack.metrics().await;
    for (metric, labels) in [
        (
            "lake_gaps_total",
            [("function", "archive"), ("table", "ticks")],
        ),
        (
            "lake_gaps_total",
            [("function", "evaluate"), ("table", "evaluations")],
        ),
        (
            "lake_other_logs_total",
            [("function", "archive"), ("table", "events")],
        ),
        (
            "archive_dead_letters_total",
            [("function", "archive"), ("table", "ticks")],
        ),
        (
            "trigger_lost_records_total",
            [("function", "archive"), ("topic", "events")],
        ),
        (
            "trigger_given_up_records_total",
            [("function", "evaluate"), ("topic", "StockExchange")],
        ),
    ] {
        let values: Vec<f64> = begun.matching(metric, &labels).collect();
        assert_eq!(values, [0.0], "{metric} before anything happened");
    }
    let (stocks, games) = (&stack.run.stocks, &stack.run.games);
    for _ in 0..5 {
        call(Method::GET, format!("{stocks}/GOOG"), 200).await;
    }
    for _ in 0..2 {
        call(Method::POST, format!("{stocks}/AMZN/buy/10"), 201).await;
    }
    call(Method::GET, format!("{stocks}/NOPE"), 404).await;
    call(Method::GET, format!("{games}/join_guild"), 200).await;
    for exchange in ["se1", "se2"] {
        let event = json!({"exchange": exchange, "ticks": 12, "pace": "burst", "start": "2026-03-20T15:38:01Z"});
        stack.invoke("exchange", &event).await;
    }
    let event = json!({"exchange": "se1", "ticks": 20, "pace": "burst", "start": "2026-03-20T15:39:00Z", "seed": 7});
    stack.invoke("exchange", &event).await;
    let garbage: [&[u8]; 3] = [b"no json", b"{}", b"{\"TICK\":1}"];
    kafka::publish(&stack.run.kafka, "StockExchange", &garbage).await;
    stack
        .sql_until("SELECT COUNT(*) AS n FROM dead_letter", |rows| {
            rows[0]["n"] == 3
        })
        .await;
    let scrape = settled(&stack).await;
    let evaluations = stack.count("SELECT COUNT(*) FROM evaluations").await as f64;
    assert!(evaluations > 0.0);
    let (archive, evaluate) = (("function", "archive"), ("function", "evaluate"));
    let rows = [
        ("stock_call", 5.0),
        ("stock_operation", 2.0),
        ("game_events", 1.0),
        ("ticks", 44.0),
    ];
    for (table, expected) in rows {
        let labels = [archive, ("table", table)];
        assert_eq!(
            scrape.sum("archive_rows_total", &labels),
            expected,
            "{table}"
        );
    }
    assert_eq!(
        scrape.sum("archive_dead_letters_total", &[("table", "ticks")]),
        3.0
    );
    for table in [
        "stock_call",
        "stock_operation",
        "ticks",
        "dead_letter",
        "evaluations",
    ] {
        let links = parquet_files(&stack.data().join("lake").join(table));
        assert!(links > 0.0, "{table}");
        let commits = scrape.sum("lake_commits_total", &[("table", table)]);
        assert_eq!(commits, links, "{table}");
        let fresh: Vec<f64> = scrape
            .matching("lake_freshness_seconds", &[("table", table)])
            .collect();
        assert!(
            fresh.len() == 1 && (0.0..60.0).contains(&fresh[0]),
            "{table}: {fresh:?}"
        );
    }
    for quiet in [
        "lake_conflicts_total",
        "lake_gaps_total",
        "lake_retries_total",
        "lake_other_logs_total",
        "stream_unacknowledged_records_total",
        "trigger_retries_total",
        "trigger_lost_records_total",
        "function_errors_total",
        "function_throttles_total",
        "function_child_exits_total",
        "invocation_failures_total",
        "trigger_oldest_unread_age_seconds",
        "function_waiting_invocations",
    ] {
        assert_eq!(scrape.sum(quiet, &[]), 0.0, "{quiet}");
    }
    let published = |function, topic| {
        scrape.sum(
            "stream_published_records_total",
            &[("function", function), ("topic", topic)],
        )
    };
    assert_eq!(published("stocks", "stock_call"), 5.0);
    assert_eq!(published("games", "game_events"), 1.0);
    assert_eq!(published("exchange", "StockExchange"), 44.0);
    assert_eq!(published("evaluate", "portfolios"), evaluations);
    assert_eq!(
        scrape.sum("evaluate_evaluations_total", &[evaluate]),
        evaluations
    );
    assert_eq!(scrape.sum("evaluate_ticks_total", &[evaluate]), 44.0);
    assert_eq!(
        scrape.sum("evaluate_undecodable_records_total", &[evaluate]),
        3.0
    );
    let windows = scrape.sum("evaluate_windows_total", &[evaluate]);
    assert!(windows > 0.0);
    assert_eq!(
        scrape.sum("evaluate_window_delay_seconds_count", &[evaluate]),
        windows
    );
    let refused = [("function", "stocks"), ("status", "4xx")];
    assert_eq!(scrape.sum("http_responses_total", &refused), 1.0);
    assert_eq!(
        scrape.sum("function_invocations_total", &[("function", "exchange")]),
        3.0
    );
    names::are_documented(&scrape);

    for function in FUNCTIONS {
        let lines = invocations(&stack, function);
        let cold = lines.iter().any(|line| line["cold_start"] == true);
        assert!(cold, "{function} began cold");
    }
    no_secret(&stack).await;
}

/// A scrape in which every partition is done, and every invocation has told what it did: a function writes its metrics
/// before the line that is counted here.
async fn settled(stack: &Stack) -> Scrape {
    eventually("lag returns to 0", Duration::from_secs(60), || async {
        // Before the scrape, so that it knows what these lines' invocations did.
        let lines = FUNCTIONS.map(|function| invocations(stack, function).len() as f64);
        let scrape = stack.metrics().await;
        let lag: Vec<f64> = scrape.matching("trigger_lag_records", &[]).collect();
        // archive reads 16 partitions, evaluate 1.
        let done = lag.len() >= 17 && lag.iter().all(|records| *records == 0.0);
        let idle = scrape.sum("trigger_oldest_unread_age_seconds", &[]) == 0.0;
        let told = FUNCTIONS.iter().zip(lines).all(|(function, lines)| {
            scrape.sum("function_invocations_total", &[("function", function)]) == lines
        });
        if done && idle && told {
            Ok(scrape)
        } else {
            Err(scrape.text)
        }
    })
    .await
}

/// The lines of a function's invocations, each with the fields that are promised.
fn invocations(stack: &Stack, function: &str) -> Vec<Value> {
    let log = stack.log(function);
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .filter(|line: &Value| line["target"] == "invocation")
        .collect();
    assert!(!log.contains("\"_aws\""), "metrics are no log");
    for line in &lines {
        assert_eq!(line["message"], "invocation done");
        assert_eq!(line["function"], function);
        assert!(
            line["request_id"].as_str().is_some_and(|id| !id.is_empty()),
            "{line}"
        );
        for field in ["records", "bytes"] {
            assert!(line[field].is_u64(), "{field} in {line}");
        }
        assert!(
            line["duration_ms"].as_f64().is_some_and(|ms| ms > 0.0),
            "{line}"
        );
        assert!(line["cold_start"].is_boolean(), "{line}");
        assert!(
            ["ok", "refused"].contains(&line["outcome"].as_str().unwrap()),
            "{line}"
        );
        if ["stocks", "games", "query"].contains(&function) {
            for field in ["method", "route"] {
                assert!(line[field].is_string(), "{field} in {line}");
            }
            assert!(line["status"].is_u64(), "{line}");
        }
    }
    lines
}

async fn no_secret(stack: &Stack) {
    let mut told = vec![stack.terminal(), stack.metrics().await.text];
    for file in fs::read_dir(stack.data().join("logs")).unwrap() {
        told.push(fs::read_to_string(file.unwrap().path()).unwrap());
    }
    assert!(told.iter().all(|text| !text.contains("s3cret")));
}

fn parquet_files(folder: &Path) -> f64 {
    let mut found = 0.0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found += parquet_files(&path);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "parquet")
        {
            found += 1.0;
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_dies_is_an_error_and_an_exit() {
    let stack = Stack::start(&[("SCHEDULES", "off")]).await;
    let before = stack.metrics().await;
    assert_eq!(before.sum("function_child_exits_total", &[]), 0.0);
    let pids = &stack.run.functions["stocks"].pids;
    tests::stack::end(pids[0]);
    eventually("the end is counted", Duration::from_secs(20), || async {
        let scrape = stack.metrics().await;
        let exits = scrape.sum("function_child_exits_total", &[("function", "stocks")]);
        if exits == 1.0 {
            Ok(())
        } else {
            Err(scrape.text)
        }
    })
    .await;
    assert_eq!(get(format!("{}/GOOG", stack.run.stocks)).await.status, 200);
    let after = stack.metrics().await;
    let starts =
        |scrape: &Scrape| scrape.sum("function_child_starts_total", &[("function", "stocks")]);
    assert_eq!(starts(&after), starts(&before) + 1.0);
}
