//! More than the system can do at once: a burst of requests, and a topic with many records waiting.
//!
//! `make test` sends sizes that take seconds; `make overload` those of the promise, `OVERLOAD_REQUESTS=100000` and
//! `OVERLOAD_RECORDS=1000000`, the latter on a broker that can hold as many.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use tests::stack::{Stack, binaries};
use tests::{eventually, kafka, memory};

fn size(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |size| size.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_requests_is_answered_and_what_was_acknowledged_is_there() {
    let requests = size("OVERLOAD_REQUESTS", 6000).to_string();
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    // More at once than may wait for a child.
    let output = Command::new(binaries().join("tidemill"))
        .args(["load", "games", "-u", "500", "-e", "9", "-n", &requests])
        .args(["--concurrency", "1500"])
        .env("TIDEMILL_DATA", stack.data())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let (types, doubtful) = told(&printed);
    let acknowledged: u64 = types.values().sum();
    assert!(acknowledged > 0, "{printed}");
    let statement = "SELECT event_type, COUNT(*) AS n FROM game_events GROUP BY event_type";
    let limit = Duration::from_secs(300);
    let rows = eventually("every acknowledged call is a row", limit, || async {
        let rows: BTreeMap<String, u64> = stack
            .sql(statement)
            .await
            .iter()
            .map(|row| {
                (
                    row["event_type"].as_str().unwrap().to_owned(),
                    row["n"].as_u64().unwrap(),
                )
            })
            .collect();
        let short = types
            .iter()
            .any(|(kind, n)| rows.get(kind).copied().unwrap_or_default() < *n);
        if short {
            Err(format!("{rows:?} instead of {types:?}"))
        } else {
            Ok(rows)
        }
    })
    .await;
    let stored: u64 = rows.values().sum();
    assert!(
        (acknowledged..=acknowledged + doubtful).contains(&stored),
        "{stored} rows of {acknowledged} acknowledged and {doubtful} doubtful calls: {printed}"
    );
    let peaks = memory::assert_bounded(&stack);
    eprintln!("{printed}\n{stored} rows, {doubtful} doubtful; peaks in MiB: {peaks:?}");
    assert!(!stack.terminal().contains("LOST"), "{}", stack.terminal());
}

/// What was acknowledged, by type, and how many calls ended so that nobody knows. A 429 was not tried.
fn told(printed: &str) -> (BTreeMap<String, u64>, u64) {
    let mut types = BTreeMap::new();
    let mut doubtful = 0;
    let mut in_table = true;
    for line in printed.lines().skip(1) {
        let columns: Vec<_> = line
            .split("  ")
            .map(str::trim)
            .filter(|it| !it.is_empty())
            .collect();
        if let [count, reason, ..] = columns[..]
            && let Some(count) = count.strip_prefix("failed: ")
        {
            let count: u64 = count.parse().unwrap();
            match reason.split(' ').next().unwrap() {
                "429" => {}
                "503" => doubtful += count,
                _ => panic!("neither 429 nor 503: {printed}"),
            }
        } else if let [name, _, acknowledged, _] = columns[..]
            && in_table
        {
            in_table = name != "total";
            if in_table {
                types.insert(name.to_owned(), acknowledged.parse().unwrap());
            }
        }
    }
    (types, doubtful)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_with_many_records_waiting_is_worked_off_in_bounded_memory() {
    let records = size("OVERLOAD_RECORDS", 30_000);
    let kafka = std::env::var("OVERLOAD_KAFKA").unwrap_or_else(|_| "embedded".to_owned());
    let settings = [
        ("SCHEDULES", "off"),
        ("BATCHING_WINDOW", "0.5"),
        ("KAFKA", kafka.as_str()),
    ];
    let stack = Stack::start(&settings).await;
    kafka::flood(&stack.run.kafka, "game_events", records, |number| {
        format!(r#"{{"event_type":"level_up","userid":"{number}","level":1,"Host":"flood.test"}}"#)
    })
    .await;
    let statement = "SELECT COUNT(*) AS n, COUNT(DISTINCT userid) AS players FROM game_events";
    let limit = Duration::from_secs(60 + records / 500);
    let rows = eventually("every record is a row", limit, || async {
        let rows = stack.sql(statement).await;
        let n = rows[0]["n"].as_u64().unwrap();
        if n < records {
            Err(format!("{n} of {records}"))
        } else {
            Ok(rows)
        }
    })
    .await;
    assert_eq!(
        (rows[0]["n"].as_u64(), rows[0]["players"].as_u64()),
        (Some(records), Some(records)),
        "each once"
    );
    let peaks = memory::assert_bounded(&stack);
    eprintln!("{records} records; peaks in MiB: {peaks:?}");
}
