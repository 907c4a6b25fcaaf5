//! Gaps on a real broker, made with Kafka's own tool: before a batch, and inside of what one batch would be.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tests::apache::{delete_records, jars};
use tests::stack::{Stack, changed_template};
use tests::tools::printed;
use tests::{eventually, kafka};

use super::{signal, tick};

/// The batch with the hole: a record before it, and six after it.
const WHOLE: u64 = 7;
const TABLES: [&str; 2] = ["evaluations", "ticks"];

#[tokio::test(flavor = "multi_thread")]
async fn deleted_records_are_gaps_wherever_they_stood() {
    let Some(jars) = jars() else { return };
    let settings = [
        ("KAFKA", "apache"),
        ("KAFKA_JARS", jars.to_str().unwrap()),
        ("SCHEDULES", "off"),
        ("BATCHING_WINDOW", "1"),
    ];
    let mut stack = Stack::start(&settings).await;
    publish(&stack, 0..5).await;
    heads(&stack, 5).await;

    // While nothing is read: the next batch begins above the heads.
    stop_reading(&stack).await;
    publish(&stack, 5..15).await;
    drop_below(&stack, &jars, 10);
    signal(&[stack.run.pid], Signal::SIGCONT);
    stands_still(&stack, 5, 9).await;
    accept(&stack, 5, 9);
    heads(&stack, 15).await;

    // While a batch is collected that has one record so far: it goes on above the hole. It is whole with what is
    // there after it, however long that takes.
    let whole = format!("BatchSize: {WHOLE}\n");
    let sized = changed_template(&[
        ("BatchSize: 10000\n", &whole),
        ("BatchSize: 1000\n", &whole),
    ]);
    stack.set("--template", sized.path().to_str().unwrap());
    stack.set("BATCHING_WINDOW", "300");
    stack.restart().await;
    publish(&stack, 15..16).await;
    eventually(
        "both functions' batches are begun",
        Duration::from_secs(20),
        || async {
            let metrics = stack.metrics().await;
            let ages = ["archive", "evaluate"].map(|function| {
                let labels = [("function", function), ("topic", "StockExchange")];
                metrics.sum("trigger_oldest_unread_age_seconds", &labels)
            });
            ages.iter()
                .all(|age| *age > 0.0)
                .then_some(())
                .ok_or(format!("{ages:?}"))
        },
    )
    .await;
    stop_reading(&stack).await;
    publish(&stack, 16..26).await;
    drop_below(&stack, &jars, 20);
    signal(&[stack.run.pid], Signal::SIGCONT);
    stands_still(&stack, 16, 19).await;
    for function in ["archive", "evaluate"] {
        let log = stack.log(function);
        let invocations = log
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let whole = |line: &Value| line["message"] == "invocation done" && line["records"] == WHOLE;
        assert!(
            invocations.into_iter().any(|line| whole(&line)),
            "{function}: what stands before the hole and after it came in one batch: {log}"
        );
    }
    accept(&stack, 16, 19);
    heads(&stack, 26).await;

    let rows = stack.sql("SELECT _offset FROM ticks ORDER BY 1").await;
    let rows: Vec<i64> = rows
        .iter()
        .map(|row| row["_offset"].as_i64().unwrap())
        .collect();
    let kept = (0..5).chain(10..16).chain(20..26);
    assert_eq!(rows, kept.collect::<Vec<i64>>());
    let gaps = stack
        .sql(r#"SELECT table_name, first, "end", records FROM gaps ORDER BY 1, 2"#)
        .await;
    let gap = |table: &str, first: i64, end: i64| json!({"table_name": table, "first": first, "end": end, "records": end - first});
    let expected: Vec<Value> = TABLES
        .iter()
        .flat_map(|table| [gap(table, 5, 10), gap(table, 16, 20)])
        .collect();
    assert_eq!(gaps, expected);
}

/// Stops the runner, and lets a fetch that it has under way end without a record: the broker holds one for 0.1 s.
async fn stop_reading(stack: &Stack) {
    signal(&[stack.run.pid], Signal::SIGSTOP);
    tokio::time::sleep(Duration::from_secs(1)).await;
}

async fn publish(stack: &Stack, numbers: std::ops::Range<usize>) {
    let ticks: Vec<String> = numbers.map(|at| tick(at, 0)).collect();
    let values: Vec<&[u8]> = ticks.iter().map(String::as_bytes).collect();
    kafka::publish(&stack.run.kafka, "StockExchange", &values).await;
}

fn drop_below(stack: &Stack, jars: &Path, offset: i64) {
    let low = delete_records(jars, &stack.run.kafka, "StockExchange", offset);
    assert!(low.contains(&format!("low_watermark: {offset}")), "{low}");
}

/// Waits until both chains end there.
async fn heads(stack: &Stack, end: i64) {
    for (function, table) in [("archive", "ticks"), ("evaluate", "evaluations")] {
        let what = format!("{table} is at {end}");
        eventually(&what, Duration::from_secs(90), || async {
            let ends = stack
                .invoke(function, &json!({"command": {"chains": {}}}))
                .await;
            let chains = ends["chains"].as_array().unwrap();
            let is_there = |chain: &Value| chain["table"] == table && chain["head"] == end;
            chains
                .iter()
                .any(is_there)
                .then_some(())
                .ok_or(ends.to_string())
        })
        .await;
    }
}

/// Waits for the alarm of both tables, and sees that they have everything before the gap and nothing after it.
async fn stands_still(stack: &Stack, first: i64, last: i64) {
    for table in TABLES {
        let missing = last - first + 1;
        let line = format!(
            "GAP: table {table} stands still: {missing} records of StockExchange-0 are missing, offsets {first} to {last}."
        );
        eventually(&line, Duration::from_secs(120), || async {
            let said = stack.terminal();
            said.contains(&line).then_some(()).ok_or(said)
        })
        .await;
    }
    heads(stack, first).await;
    let rows = stack.sql("SELECT MAX(_offset) AS last FROM ticks").await;
    assert_eq!(rows[0]["last"], first - 1);
}

fn accept(stack: &Stack, first: i64, last: i64) {
    let command = ["accept-gap", "--topic", "StockExchange", "--partition", "0"];
    let said = printed(&stack.tidemill(&command).output().unwrap());
    for table in TABLES {
        let missing = last - first + 1;
        let line = format!(
            "{table} of StockExchange-0: {missing} records are lost, offsets {first} to {last}; accepted, it goes on at {}",
            last + 1
        );
        assert!(said.contains(&line), "{said}");
    }
}
