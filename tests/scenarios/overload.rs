//! More than the system can do at once: a burst of requests, and a topic with many records waiting.
//!
//! `make test` sends sizes that take seconds; `make overload` those of the promise, `OVERLOAD_REQUESTS=100000` and
//! `OVERLOAD_RECORDS=1000000`, the latter on a broker that can hold as many.

use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tests::calls::Calls;
use tests::stack::Stack;
use tests::{eventually, kafka, memory};

fn size(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |size| size.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_requests_is_answered_and_what_was_acknowledged_is_there() {
    let requests = size("OVERLOAD_REQUESTS", 6000);
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    // More at once than may wait for a child, each of them a connection.
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    let mut calls = Calls::default();
    calls
        .make(&stack, usize::try_from(requests).unwrap(), 1500)
        .await;
    assert!(calls.acknowledged() > 0, "{calls:?}");
    calls
        .all_arrive_within(&stack, Duration::from_secs(300))
        .await;
    let peaks = memory::assert_bounded(&stack);
    let [busy, doubtful] = [429, 503].map(|status| calls.refused(status));
    eprintln!(
        "{requests} calls: {} acknowledged, {busy} refused, {doubtful} doubtful; peaks in MiB: {peaks:?}",
        calls.acknowledged()
    );
    assert!(!stack.terminal().contains("LOST"), "{}", stack.terminal());
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
