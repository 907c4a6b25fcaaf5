//! S3 is slow, or answers 503 `SlowDown`, under load.

use std::time::{Duration, Instant};

use serde_json::json;
use tests::calls::Calls;
use tests::http::{client, send};
use tests::ports::free_port;
use tests::s3::{Proxy, Traffic};
use tests::stack::Stack;
use tests::{eventually, localstack, memory};

use super::SETTINGS;

/// A client of the Lake API's gives up after this: API Gateway does.
const IN_TIME: Duration = Duration::from_secs(32);

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_slow_or_busy_costs_time_and_no_records() {
    let Some(home) = localstack::home() else {
        return;
    };
    let port = free_port().to_string();
    // The S3 is another system's, which uses the same bucket and notices nothing.
    let owner = [
        SETTINGS[0],
        ("LAKE", "localstack"),
        ("LOCALSTACK_HOME", home.as_str()),
        ("LOCALSTACK_PORT", port.as_str()),
    ];
    let owner = Stack::start(&owner).await;
    let proxy = Proxy::before(format!("http://127.0.0.1:{port}")).await;
    let settings = [
        SETTINGS[0],
        SETTINGS[1],
        ("LAKE", "s3://tidemill/behind-a-proxy"),
        ("AWS_ENDPOINT_URL", proxy.endpoint.as_str()),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "us-east-1"),
    ];
    let stack = Stack::start(&settings).await;
    let mut calls = Calls::default();
    calls.make(&stack, 50, 8).await;
    calls.all_arrive(&stack).await;

    // Troubles that are got over while they last, and troubles that have to end first.
    for (trouble, is_over) in [
        (Traffic::Slow(Duration::from_millis(200)), false),
        (Traffic::OneOf(2), false),
        (Traffic::Jammed, true),
        (Traffic::Slow(Duration::from_secs(10)), true),
    ] {
        let (acknowledged, refused) = (calls.acknowledged(), proxy.refused());
        let (storage, trigger) = retries(&stack).await;
        proxy.set(trouble);
        calls.make(&stack, 200, 8).await;
        assert_eq!(
            calls.acknowledged(),
            acknowledged + 200,
            "{trouble:?}: the broker has them"
        );
        answers_in_time(&stack, trouble).await;
        if is_over {
            eventually(
                &format!("{trouble:?}: retries are seen"),
                Duration::from_secs(120),
                || async {
                    let now = retries(&stack).await;
                    (now.1 > trigger)
                        .then_some(())
                        .ok_or(format!("{storage} {trigger}, now {now:?}"))
                },
            )
            .await;
            proxy.set(Traffic::Flows);
        }
        calls.make(&stack, 20, 8).await;
        calls.all_arrive(&stack).await;
        let is_busy = matches!(trouble, Traffic::OneOf(_) | Traffic::Jammed);
        assert_eq!(proxy.refused() > refused, is_busy, "{trouble:?}");
    }
    let (storage, trigger) = retries(&stack).await;
    assert!(storage > 0.0 && trigger > 0.0, "{storage} {trigger}");
    assert_eq!(stack.metrics().await.sum("lake_gaps_total", &[]), 0.0);
    assert!(!stack.terminal().contains("LOST"), "{}", stack.terminal());
    eprintln!(
        "{} calls, {} requests refused, {storage} retries of storage, {trigger} of triggers; peaks in MiB: {:?}",
        calls.acknowledged(),
        proxy.refused(),
        memory::assert_bounded(&stack)
    );
    assert_eq!(owner.count("SELECT COUNT(*) FROM game_events").await, 0);
}

/// Requests that the store failed, and batches that triggers handed over again.
async fn retries(stack: &Stack) -> (f64, f64) {
    let metrics = stack.metrics().await;
    let sum = |name| metrics.sum(name, &[]);
    (sum("lake_retries_total"), sum("trigger_retries_total"))
}

/// Whoever asks the lake is answered, or told in time when to come again.
async fn answers_in_time(stack: &Stack, trouble: Traffic) {
    let since = Instant::now();
    let read = stack.ask("SELECT COUNT(*) AS n FROM game_events").await;
    let portfolio = json!({"investor": 4, "portfolio": 1, "holdings": {"IBM": 1}, "active": true});
    let read_for = since.elapsed();
    let url = format!("{}/api/portfolios/4.1", stack.run.lake);
    let written = send(client().put(url).json(&portfolio)).await;
    let written_for = since.elapsed() - read_for;
    for (answer, took) in [(read, read_for), (written, written_for)] {
        assert!(took < IN_TIME, "{trouble:?}: {took:?}");
        // 504: a statement has ten seconds, whatever it spends them on.
        if answer.status == 504 {
            answer.problem(504);
        } else if ![200, 201].contains(&answer.status) {
            answer.problem(503);
            let after = answer.header("retry-after").parse::<u32>();
            assert!(after.is_ok_and(|after| after >= 1), "{trouble:?}");
        }
    }
}
