//! The broker drops records before they are read: the tables that miss them stand still with an alarm, until somebody
//! accepts the loss.

mod apache_kafka;

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tests::broker::Faulty;
use tests::stack::Stack;
use tests::tools::printed;
use tests::{eventually, kafka};

/// More than the test's broker keeps of a partition and the triggers hold on their way, in records of this size.
const BYTES: usize = 900_000;
const RECORDS: usize = 24;

#[tokio::test(flavor = "multi_thread")]
async fn a_table_stands_still_at_a_gap_until_it_is_accepted() {
    // The runner's own would refuse records rather than drop some that nobody has read.
    let broker = Faulty::default();
    let address = broker.address();
    let settings = [
        ("SCHEDULES", "off"),
        ("BATCHING_WINDOW", "1"),
        ("KAFKA", address.as_str()),
    ];
    let stack = Stack::start(&settings).await;
    kafka::publish(&stack.run.kafka, "StockExchange", &[tick(0, 0).as_bytes()]).await;
    stack
        .sql_until("SELECT tick FROM ticks", |rows| rows.len() == 1)
        .await;
    eventually(
        "evaluate has its first tick",
        Duration::from_secs(60),
        || async {
            let chains = stack
                .invoke("evaluate", &json!({"command": {"chains": {}}}))
                .await;
            (chains["chains"][0]["head"] == 1)
                .then_some(())
                .ok_or(chains.to_string())
        },
    )
    .await;

    // Both functions stand still while far more comes in than is kept.
    let pids = stack.pids(&["archive", "evaluate"]);
    signal(&pids, Signal::SIGSTOP);
    let large: Vec<String> = (1..=RECORDS).map(|at| tick(at, BYTES)).collect();
    let values: Vec<&[u8]> = large.iter().map(String::as_bytes).collect();
    kafka::publish(&stack.run.kafka, "StockExchange", &values).await;
    signal(&pids, Signal::SIGCONT);
    let alarms = |table: &str| {
        let line = format!("GAP: table {table} stands still");
        stack.terminal().matches(&line).count()
    };
    eventually("both alarms", Duration::from_secs(90), || async {
        let told = (alarms("ticks"), alarms("evaluations"));
        (told.0 > 0 && told.1 > 0)
            .then_some(())
            .ok_or(stack.terminal())
    })
    .await;
    assert!(
        stack.log("archive").contains(r#""gap":"#),
        "{}",
        stack.log("archive")
    );

    // Nothing is accepted that is not lost, nothing twice, and nothing else.
    let none = stack
        .tidemill(&["accept-gap", "--topic", "stock_call", "--partition", "0"])
        .output()
        .unwrap();
    assert_eq!(none.status.code(), Some(1));
    let reason = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(reason.contains("StockExchange-0"), "{reason}");
    let accept = ["accept-gap", "--all", "--reason", "the disk was full"];
    let said = printed(&stack.tidemill(&accept).output().unwrap());
    for table in ["ticks of", "evaluations of"] {
        assert!(said.contains(table), "{said}");
    }
    let again = printed(&stack.tidemill(&accept).output().unwrap());
    assert!(again.contains("no gap"), "{again}");

    // They go on with what the broker still has, and with what comes.
    let last = tick(RECORDS + 1, 0);
    kafka::publish(&stack.run.kafka, "StockExchange", &[last.as_bytes()]).await;
    let wanted = format!("SELECT _offset FROM ticks WHERE _offset = {}", RECORDS + 1);
    stack.sql_until(&wanted, |rows| rows.len() == 1).await;
    let end = i64::try_from(RECORDS).unwrap() + 2;
    eventually("evaluate goes on", Duration::from_secs(60), || async {
        let chains = stack
            .invoke("evaluate", &json!({"command": {"chains": {}}}))
            .await;
        (chains["chains"][0]["head"] == end)
            .then_some(())
            .ok_or(chains.to_string())
    })
    .await;
    let gaps = stack
        .sql(r#"SELECT table_name, topic, "partition", first, "end", records, reason FROM gaps ORDER BY table_name"#)
        .await;
    let tables: Vec<&Value> = gaps.iter().map(|gap| &gap["table_name"]).collect();
    assert_eq!(tables, ["evaluations", "ticks"], "{gaps:?}");
    let archived = &gaps[1];
    let lost = archived["records"].as_i64().unwrap();
    assert!(
        lost > 0
            && archived["reason"]
                .as_str()
                .unwrap()
                .starts_with("the disk was full"),
        "{archived}"
    );
    // Each record is a row or lost, never both.
    let rows = stack
        .count("SELECT COUNT(DISTINCT _offset) FROM ticks")
        .await;
    assert_eq!(rows + lost, end);
    assert_eq!(stack.count("SELECT COUNT(*) FROM ticks").await, rows);
    let inside = format!(
        "SELECT COUNT(*) FROM ticks WHERE _offset >= {} AND _offset < {}",
        archived["first"], archived["end"]
    );
    assert_eq!(stack.count(&inside).await, 0);
    assert_eq!(
        (alarms("ticks"), alarms("evaluations")),
        (1, 1),
        "told once, however often it was tried"
    );

    // Rebuilt is what the broker still has: what is lost with it is said first, and counted.
    let replay = ["replay", "topic", "StockExchange"];
    let refused = stack.tidemill(&replay).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let reason = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(reason.contains("--lose-older"), "{reason}");
    let unknown = [
        "replay",
        "topic",
        "StockExchange",
        "--resume",
        "never-begun",
    ];
    let refused = stack.tidemill(&unknown).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let reason = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        reason.contains("no rebuild of StockExchange has the name never-begun: none is begun"),
        "{reason}"
    );
    assert_eq!(stack.count("SELECT COUNT(*) FROM ticks").await, rows);
    let lossy = ["replay", "topic", "StockExchange", "--lose-older"];
    let said = printed(&stack.tidemill(&lossy).output().unwrap());
    let left = stack.count("SELECT COUNT(*) FROM ticks").await;
    assert!(left < rows, "{left} of {rows}: {said}");
    let lost = format!(
        "StockExchange-0: {} rows are lost, offsets 0 to ",
        rows - left
    );
    assert!(said.contains(&lost), "{said}");
    let given_up = stack
        .sql(r#"SELECT table_name, topic, first, reason LIKE 'rebuilt without them as %' AS told FROM gaps WHERE first = 0"#)
        .await;
    assert_eq!(
        given_up,
        [json!({"table_name": "ticks", "topic": "StockExchange", "first": 0, "told": true})]
    );
    // What was lost before is told once: each record is a row or lost.
    let gaps = stack
        .sql(r#"SELECT first, "end" FROM gaps WHERE table_name = 'ticks'"#)
        .await;
    let mut all = Vec::new();
    for gap in &gaps {
        all.extend(gap["first"].as_i64().unwrap()..gap["end"].as_i64().unwrap());
    }
    let kept = stack.sql("SELECT _offset FROM ticks").await;
    all.extend(kept.iter().map(|row| row["_offset"].as_i64().unwrap()));
    all.sort_unstable();
    assert_eq!(all, Vec::from_iter(0..end), "{gaps:?}");
}

/// A lake that came back from a backup ends before its consumer group does.
#[tokio::test(flavor = "multi_thread")]
async fn a_restored_lake_catches_up_with_what_the_broker_has() {
    let broker = Faulty::default();
    let address = broker.address();
    let settings = [
        ("SCHEDULES", "off"),
        ("BATCHING_WINDOW", "0"),
        ("KAFKA", address.as_str()),
    ];
    let mut stack = Stack::start(&settings).await;
    let count = "SELECT COUNT(*) AS n, COUNT(DISTINCT _offset) AS d FROM stock_call";
    for part in 0..3 {
        let values: Vec<String> = (0..10)
            .map(|at| format!(r#"{{"event_type":"check_stock_IBM","Host":"h{part}-{at}"}}"#))
            .collect();
        let values: Vec<&[u8]> = values.iter().map(String::as_bytes).collect();
        kafka::publish(&stack.run.kafka, "stock_call", &values).await;
        let there = 10 * (part + 1);
        stack
            .sql_until(count, |rows| rows == [json!({"n": there, "d": there})])
            .await;
    }
    let (status, _) = stack.stop();
    assert!(status.success(), "{}", stack.terminal());
    // The backup is older than the last links.
    let mut links = Vec::new();
    links_in(&stack.data().join("lake/stock_call"), &mut links);
    links.sort();
    assert!(links.len() >= 3, "{links:?}");
    for link in &links[1..] {
        std::fs::remove_file(link).unwrap();
    }
    stack.start_again().await;
    assert!(stack.count("SELECT COUNT(*) FROM stock_call").await < 30);
    kafka::publish(
        &stack.run.kafka,
        "stock_call",
        &[br#"{"event_type":"check_stock_IBM","Host":"last"}"#],
    )
    .await;
    stack
        .sql_until(count, |rows| rows == [json!({"n": 31, "d": 31})])
        .await;
    let terminal = stack.terminal();
    assert!(!terminal.contains("GAP"), "{terminal}");
}

/// The Parquet files below a folder.
fn links_in(folder: &Path, links: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            links_in(&path, links);
        } else if path.extension().is_some_and(|it| it == "parquet") {
            links.push(path);
        }
    }
}

/// A tick whose record has about this many bytes.
fn tick(at: usize, bytes: usize) -> String {
    let time = format!("2026-03-20 15:{:02}:{:02}.000000", 10 + at, 0);
    json!({"TICK": "IBM", "PRICE": "123.20", "TS": time, "X": "x".repeat(bytes)}).to_string()
}

fn signal(pids: &[i32], signal: Signal) {
    assert!(!pids.is_empty());
    for pid in pids {
        kill(Pid::from_raw(*pid), signal).unwrap();
    }
}
