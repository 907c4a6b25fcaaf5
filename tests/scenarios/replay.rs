//! `tidemill replay`: a topic's table rebuilt while the system runs and is read.

use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Method;
use serde_json::json;
use tests::broker::Faulty;
use tests::stack::Stack;
use tests::tools::printed;
use tests::{kafka, load};

async fn run(stack: &Stack, arguments: &[&str]) -> Output {
    let mut command = stack.tidemill(arguments);
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_rebuilt_under_load_and_no_reader_misses_a_row() {
    let stack = Arc::new(Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await);
    kafka::publish(&stack.run.kafka, "stock_call", &[b"garbage"]).await;
    let calls = format!("{}/GOOG", stack.run.stocks);
    load::run(Method::GET, &calls, 200, 8, 200).await;
    stack
        .sql_until("SELECT COUNT(*) AS n FROM stock_call", |rows| {
            rows[0]["n"] == 200
        })
        .await;

    // Somebody reads all the while: rows may come, and none may go or come twice.
    let stop = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (stack, stop) = (Arc::clone(&stack), Arc::clone(&stop));
        async move {
            let (mut before, mut reads) = (200, 0);
            while !stop.load(Ordering::SeqCst) {
                let row = &stack
                    .sql("SELECT COUNT(*) AS n, COUNT(DISTINCT \"Host\" || event_type || query_timestamp) AS d FROM stock_call")
                    .await[0];
                let n = row["n"].as_i64().unwrap();
                assert!(n >= before, "{n} after {before}");
                (before, reads) = (n, reads + 1);
            }
            reads
        }
    });
    let loading = tokio::spawn({
        let calls = calls.clone();
        async move { load::run(Method::GET, &calls, 300, 4, 200).await }
    });
    let said = printed(&run(&stack, &["replay", "topic", "stock_call"]).await);
    assert!(
        said.contains("stock_call-0:") && said.contains("1 records undecodable; swapped in"),
        "{said}"
    );
    loading.await.unwrap();
    stack
        .sql_until("SELECT COUNT(*) AS n FROM stock_call", |rows| {
            rows[0]["n"] == 500
        })
        .await;
    // Two at once: both end, and the table is whole.
    let (one, other) = tokio::join!(
        run(&stack, &["replay", "topic", "stock_call"]),
        run(&stack, &["replay", "topic", "stock_call"]),
    );
    let ends: Vec<_> = [&one, &other].iter().map(|it| it.status.code()).collect();
    assert!(ends.contains(&Some(0)), "{one:?} {other:?}");
    stop.store(true, Ordering::SeqCst);
    assert!(reader.await.unwrap() > 0);
    assert_eq!(stack.count("SELECT COUNT(*) FROM stock_call").await, 500);
    let places = "SELECT COUNT(DISTINCT _partition * 1000000 + _offset) FROM stock_call";
    assert_eq!(stack.count(places).await, 500);
    assert_eq!(stack.count("SELECT COUNT(*) FROM dead_letter").await, 1);
    // A reader of plain files finds the same.
    let lake = stack
        .run
        .lake_url
        .strip_prefix("file://")
        .unwrap()
        .to_owned();
    assert_eq!(
        plain_rows(&std::path::Path::new(&lake).join("stock_call")),
        500
    );
    load::run(Method::GET, &calls, 50, 4, 200).await;
    stack
        .sql_until("SELECT COUNT(*) AS n FROM stock_call", |rows| {
            rows[0]["n"] == 550
        })
        .await;
}

/// The rows of every Parquet file under a folder, by their footers alone.
fn plain_rows(folder: &std::path::Path) -> i64 {
    let mut rows = 0;
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            rows += plain_rows(&path);
        } else if path.extension().is_some_and(|it| it == "parquet") {
            let file = std::fs::File::open(&path).unwrap();
            let reader = parquet::file::metadata::ParquetMetaDataReader::new();
            let metadata = reader.parse_and_finish(&file).unwrap();
            rows += metadata.file_metadata().num_rows();
        }
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn replays_say_what_they_did_and_refuse_in_words() {
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    kafka::publish(&stack.run.kafka, "stock_call", &[b"{not json"]).await;
    stack
        .sql_until("SELECT status FROM dead_letter_status", |rows| {
            rows == [json!({"status": "dead"})]
        })
        .await;
    let said = printed(&run(&stack, &["replay", "dead-letter", "--since", "2026-01-01"]).await);
    assert!(
        said.starts_with("0 replayed, 0 already in, 1 still undecodable"),
        "{said}"
    );
    assert!(
        said.contains("1 x the value is not an event in JSON"),
        "{said}"
    );
    for (arguments, code, word) in [
        (
            &["replay", "dead-letter", "--table", "nope"][..],
            1,
            "there are default_call",
        ),
        (
            &["replay", "dead-letter", "--since", "soon"],
            2,
            "2026-11-25",
        ),
        (&["replay", "topic", "nope"], 1, "no topic nope"),
        (
            &["replay", "topic", "stock_call", "--partition", "7"],
            1,
            "it has 0 to 2",
        ),
        (&["replay"], 2, "Usage: tidemill replay"),
        (&["accept-gap"], 2, "--all"),
        (&["accept-gap", "--topic", "stock_call"], 2, "--partition"),
        (
            &["accept-gap", "--topic", "stock_call"],
            2,
            "Usage: tidemill accept-gap <--topic TOPIC --partition N|--all> [OPTIONS]",
        ),
    ] {
        let output = run(&stack, arguments).await;
        let reason = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {reason}");
        assert!(reason.contains(word), "{arguments:?}: {reason}");
    }
    // A command that is mistyped is its sender's trouble: the system says one line of it.
    let told = |word: &str| {
        let terminal = stack.terminal();
        let lines = terminal.lines().filter(|line| line.contains(word));
        let trouble = lines.filter(|line| line.contains("ERROR") || line.contains("WARN"));
        trouble.map(str::to_owned).collect::<Vec<_>>()
    };
    let lines = told("no table `nope` is fed");
    assert_eq!(lines.len(), 1, "{lines:?}");
    let nowhere = tempfile::tempdir().unwrap();
    for arguments in [&["replay", "dead-letter"][..], &["accept-gap", "--all"]] {
        let mut command = stack.tidemill(arguments);
        let output = command
            .env("TIDEMILL_DATA", nowhere.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let reason = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(reason.contains("nothing runs on"), "{reason}");
    }
}

/// A log that ends before its table does would take rows away without a word.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_made_anew_rebuilds_nothing() {
    let (old, new) = (Faulty::default(), Faulty::default());
    let address = old.address();
    let settings = [
        ("SCHEDULES", "off"),
        ("BATCHING_WINDOW", "1"),
        ("LOG_EPOCH", "0"),
        ("KAFKA", address.as_str()),
    ];
    let mut stack = Stack::start(&settings).await;
    let calls = format!("{}/GOOG", stack.run.stocks);
    load::run(Method::GET, &calls, 40, 4, 200).await;
    let count = "SELECT COUNT(*) AS n FROM stock_call";
    stack.sql_until(count, |rows| rows[0]["n"] == 40).await;
    stack.set("KAFKA", &new.address());
    stack.restart().await;
    let refused = run(&stack, &["replay", "topic", "stock_call", "--lose-older"]).await;
    let reason = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{reason}");
    assert!(
        reason.contains("ends at 0, before the head of its table") && reason.contains("LOG_EPOCH"),
        "{reason}"
    );
    let said = printed(&run(&stack, &["accept-gap", "--all"]).await);
    assert!(
        said.contains("no gap, but the brokers' log ends at 0"),
        "{said}"
    );
    assert_eq!(stack.count("SELECT COUNT(*) FROM stock_call").await, 40);
}

/// Ticks two hours ahead of the broker are dead letters; a higher bound is the fix after which they are none.
#[tokio::test(flavor = "multi_thread")]
async fn letters_are_put_in_once_by_two_at_once_and_after_a_crash() {
    let ahead = hours_from_now(2);
    let mut stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    for exchange in ["se1", "se2"] {
        let event = json!({"exchange": exchange, "ticks": 12, "pace": "burst", "start": "2026-03-20T15:38:01Z"});
        stack.invoke("exchange", &event).await;
    }
    let ticks: Vec<String> = (0..300)
        .map(|at| json!({"TICK": "IBM", "PRICE": format!("{at}.00"), "TS": ahead}).to_string())
        .collect();
    let values: Vec<&[u8]> = ticks.iter().map(String::as_bytes).collect();
    kafka::publish(&stack.run.kafka, "StockExchange", &values).await;
    stack
        .sql_until("SELECT COUNT(*) AS n FROM dead_letter", |rows| {
            rows[0]["n"] == 300
        })
        .await;
    let evaluations = "SELECT COUNT(*) FROM evaluations";
    stack.set("MAX_AHEAD_SECONDS", "86400");
    stack.restart().await;
    let before = stack.count(evaluations).await;

    // One crashes somewhere on its way: its function is killed under it.
    let mut crashing = stack.tidemill(&["replay", "dead-letter"]).spawn().unwrap();
    for pid in stack.pids(&["archive"]) {
        let _ = nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(pid),
            nix::sys::signal::Signal::SIGKILL,
        );
    }
    crashing.wait().unwrap();
    let already = stack.count("SELECT COUNT(*) FROM ticks").await - 24;
    let (one, other) = tokio::join!(
        run(&stack, &["replay", "dead-letter", "--table", "ticks"]),
        run(&stack, &["replay", "dead-letter"]),
    );
    let count = |output: &Output| -> i64 {
        let said = printed(output);
        said.split(' ').next().unwrap().parse().unwrap()
    };
    assert_eq!(
        count(&one) + count(&other) + already,
        300,
        "{one:?} {other:?}"
    );
    let again = printed(&run(&stack, &["replay", "dead-letter"]).await);
    assert!(
        again.starts_with("0 replayed, 300 already in, 0 still undecodable"),
        "{again}"
    );
    let rows = stack
        .sql("SELECT COUNT(*) AS n, COUNT(DISTINCT _offset) AS d FROM ticks")
        .await;
    assert_eq!(rows, [json!({"n": 324, "d": 324})]);
    let status = "SELECT status, COUNT(*) AS n FROM dead_letter_status GROUP BY status";
    assert_eq!(
        stack.sql(status).await,
        [json!({"status": "replayed", "n": 300})]
    );
    assert_eq!(
        stack.count(evaluations).await,
        before,
        "what was evaluated stays as it was"
    );
}

/// A tick's time so many hours from now.
fn hours_from_now(hours: u64) -> String {
    let at = std::time::SystemTime::now() + std::time::Duration::from_secs(3600 * hours);
    let seconds = at.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let output = std::process::Command::new("date")
        .args([
            "-u",
            "-d",
            &format!("@{seconds}"),
            "+%Y-%m-%d %H:%M:%S.000000",
        ])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// What comes in slowly meets a rebuild that is at the end again and again: an end that was met before is not the end.
#[tokio::test(flavor = "multi_thread")]
async fn records_that_trickle_in_while_a_table_is_rebuilt_are_all_there_once() {
    let stack = Arc::new(Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "0")]).await);
    let value = |at: usize| format!(r#"{{"event_type":"check_stock_IBM","Host":"h{at}"}}"#);
    let first: Vec<String> = (0..500).map(value).collect();
    let first: Vec<&[u8]> = first.iter().map(String::as_bytes).collect();
    kafka::publish(&stack.run.kafka, "stock_call", &first).await;
    let stop = Arc::new(AtomicBool::new(false));
    let trickle = tokio::spawn({
        let (brokers, stop) = (stack.run.kafka.clone(), Arc::clone(&stop));
        async move {
            let mut sent = 500;
            // Each is on its way alone: the next one is sent when this one is acknowledged.
            while !stop.load(Ordering::SeqCst) {
                kafka::publish(&brokers, "stock_call", &[value(sent).as_bytes()]).await;
                sent += 1;
            }
            sent
        }
    });
    let replay = ["replay", "topic", "stock_call", "--partition", "0"];
    for _ in 0..5 {
        let said = printed(&run(&stack, &replay).await);
        assert!(said.contains("swapped in"), "{said}");
    }
    stop.store(true, Ordering::SeqCst);
    let sent = trickle.await.unwrap();
    assert!(sent > 500);
    let count = "SELECT COUNT(*) AS n, COUNT(DISTINCT _offset) AS d, COUNT(DISTINCT \"Host\") AS h FROM stock_call";
    stack
        .sql_until(count, |rows| {
            rows == [json!({"n": sent, "d": sent, "h": sent})]
        })
        .await;
}

/// Killed at its work, function and command, and taken up again.
#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_that_was_killed_goes_on() {
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    let values: Vec<String> = (0..3_000)
        .map(|at| format!(r#"{{"event_type":"check_stock_IBM","Host":"h{at}"}}"#))
        .collect();
    let values: Vec<&[u8]> = values.iter().map(String::as_bytes).collect();
    kafka::publish(&stack.run.kafka, "stock_call", &values).await;
    let count = "SELECT COUNT(*) AS n, COUNT(DISTINCT _offset) AS d FROM stock_call";
    let whole = [json!({"n": 3000, "d": 3000})];
    stack.sql_until(count, |rows| rows == whole).await;

    let said = stack.data().join("replay.txt");
    let mut command = stack.tidemill(&["replay", "topic", "stock_call", "--partition", "0"]);
    let output = std::fs::File::create(&said).unwrap();
    let mut killed = command.stdout(output).spawn().unwrap();
    let id = tests::eventually(
        "the rebuild has a name",
        std::time::Duration::from_secs(60),
        || async {
            let text = std::fs::read_to_string(&said).unwrap();
            let id = text
                .split("--resume ")
                .nth(1)
                .and_then(|rest| rest.split(' ').next());
            id.map(str::to_owned).ok_or(text)
        },
    )
    .await;
    let staged = stack.data().join("lake/rebuild");
    tests::eventually(
        "something is staged",
        std::time::Duration::from_secs(60),
        || async {
            staged
                .exists()
                .then_some(())
                .ok_or_else(|| "nothing yet".to_owned())
        },
    )
    .await;
    for pid in stack.pids(&["archive"]) {
        let _ = nix::sys::signal::kill(
            nix::unistd::Pid::from_raw(pid),
            nix::sys::signal::Signal::SIGKILL,
        );
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(stack.sql(count).await, whole, "old or new, and whole");
    let resume = [
        "replay",
        "topic",
        "stock_call",
        "--partition",
        "0",
        "--resume",
        &id,
    ];
    let resumed = run(&stack, &resume).await;
    assert!(printed(&resumed).contains("swapped in"), "{resumed:?}");
    assert_eq!(stack.sql(count).await, whole);
    let again = printed(&run(&stack, &resume).await);
    assert!(again.contains("swapped in before"), "{again}");
    kafka::publish(&stack.run.kafka, "stock_call", &values[..1]).await;
    stack
        .sql_until(count, |rows| rows == [json!({"n": 3001, "d": 3001})])
        .await;
}
