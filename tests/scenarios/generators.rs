//! `tidemill load` against a running system: every count that it prints is a count that SQL answers.

use std::collections::BTreeMap;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tests::eventually;
use tests::stack::{Stack, binaries};

/// Counts by event_type.
type Counts = BTreeMap<String, u64>;

const STOCKS: &str =
    "SELECT event_type FROM stock_call UNION ALL SELECT event_type FROM stock_operation";

#[tokio::test(flavor = "multi_thread")]
async fn what_the_generators_print_is_what_sql_counts() {
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;

    let stocks = sent(&load(&stack, &["stocks", "--runs", "20", "--seed", "1"]));
    assert!(
        (20..=200).contains(&stocks.values().sum::<u64>()),
        "{stocks:?}"
    );
    arrives(&stack, STOCKS, &stocks).await;

    let purchases = sent(&load(&stack, &["purchases", "5", "--seed", "1"]));
    assert!(purchases.values().sum::<u64>() >= 10, "{purchases:?}");
    arrives(&stack, "SELECT event_type FROM events", &purchases).await;
    let foreign = "SELECT COUNT(*) FROM events WHERE Host NOT LIKE 'user%.com'";
    assert_eq!(stack.count(foreign).await, 0);

    let mut games = sent(&load(
        &stack,
        &["games", "-u", "50", "-e", "9", "-n", "200"],
    ));
    assert_eq!(games.values().sum::<u64>(), 200);
    assert!(games.len() > 5, "{games:?}");
    arrives(&stack, "SELECT event_type FROM game_events", &games).await;

    let batches = sent(&load(
        &stack,
        &["games", "-u", "3", "-e", "2", "-n", "50", "-b"],
    ));
    assert_eq!(batches.values().sum::<u64>(), 50);
    assert!(
        batches
            .keys()
            .all(|kind| kind == "purchase_sword" || kind == "purchase_shield"),
        "{batches:?}"
    );
    add(&mut games, batches);
    arrives(&stack, "SELECT event_type FROM game_events", &games).await;

    let so_far = interrupted(&stack, &games).await;
    add(&mut games, so_far);
    arrives(&stack, "SELECT event_type FROM game_events", &games).await;

    // Whoever plays says so twice, without quotes; and spaces came through the query string.
    let impostors =
        "SELECT COUNT(*) FROM game_events WHERE Host <> concat('user-00', userid, '.comcast.com')";
    assert_eq!(stack.count(impostors).await, 0);
    let guilds = "SELECT COUNT(*) FROM guild_events \
        WHERE guild_name NOT IN ('Knights of the Round Table', 'Game of Thrones', 'Castle of Rock')";
    assert_eq!(stack.count(guilds).await, 0);
    let greedy = "SELECT COUNT(*) FROM purchase_events WHERE amount_purchased NOT BETWEEN 1 AND \
        CASE item_type WHEN 'sword' THEN 10 WHEN 'shield' THEN 5 ELSE 100 END";
    assert_eq!(stack.count(greedy).await, 0);
}

#[test]
fn bad_arguments_are_told_apart_from_missing_ones() {
    let nowhere = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        Command::new(binaries().join("tidemill"))
            .arg("load")
            .args(arguments)
            .env("TIDEMILL_DATA", nowhere.path())
            .output()
            .unwrap()
    };
    let missing = run(&["games", "-u", "5", "-n", "7"]);
    assert_eq!(missing.status.code(), Some(1));
    let help = String::from_utf8(missing.stdout).unwrap();
    assert!(
        help.contains("Usage: tidemill load games") && help.contains("--seed"),
        "{help}"
    );
    let reason = String::from_utf8(missing.stderr).unwrap();
    assert!(
        reason.contains("-e ENDPOINTS") && !reason.contains("-u USERS"),
        "{reason}"
    );
    for bad in [
        &["games", "-u", "5", "-e", "10", "-n", "7"][..],
        &["games", "-u", "five", "-e", "9", "-n", "7"],
        &["games", "-u", "5", "-e", "9", "-n", "-7"],
        &["purchases"],
        &["purchases", "0"],
        &["stocks", "--runs", "0"],
        &["stocks", "--concurrency", "0"],
        &["stocks", "--url", "somewhere"],
        &["nonsense"],
        &[],
    ] {
        assert_eq!(run(bad).status.code(), Some(2), "{bad:?}");
    }
    let stopped = run(&["stocks"]);
    assert_eq!(stopped.status.code(), Some(1));
    let reason = String::from_utf8(stopped.stderr).unwrap();
    assert!(
        reason.contains("make run") && reason.contains("--url"),
        "{reason}"
    );
}

/// A load that would take for ever, ended by Ctrl-C when its first events have arrived.
async fn interrupted(stack: &Stack, before: &Counts) -> Counts {
    let child = command(stack, &["games", "-u", "50", "-e", "9", "-n", "100000000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Ended(Some(child));
    let before: u64 = before.values().sum();
    stack
        .sql_until("SELECT COUNT(*) AS n FROM game_events", |rows| {
            rows[0]["n"].as_u64() > Some(before)
        })
        .await;
    kill(
        Pid::from_raw(child.0.as_ref().unwrap().id().cast_signed()),
        Signal::SIGINT,
    )
    .unwrap();
    let output = child.0.take().unwrap().wait_with_output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(printed.contains("stopped after"), "{printed}");
    sent(&output)
}

/// Never left behind by a test that fails.
struct Ended(Option<Child>);

impl Drop for Ended {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn command(stack: &Stack, arguments: &[&str]) -> Command {
    let mut command = Command::new(binaries().join("tidemill"));
    command
        .arg("load")
        .args(arguments)
        .env("TIDEMILL_DATA", stack.data());
    command
}

fn load(stack: &Stack, arguments: &[&str]) -> Output {
    command(stack, arguments).output().unwrap()
}

/// What the table says was acknowledged, by type; the whole load must have been.
fn sent(output: &Output) -> Counts {
    let printed = tests::tools::printed(output);
    let mut lines = printed.lines().map(|line| {
        let columns = line
            .split("  ")
            .map(str::trim)
            .filter(|column| !column.is_empty());
        columns.map(str::to_owned).collect::<Vec<_>>()
    });
    assert_eq!(
        lines.next().unwrap(),
        ["event_type", "sent", "acknowledged", "failed"]
    );
    let mut counts = Counts::new();
    for line in lines {
        let [name, sent, acknowledged, failed] = &line[..] else {
            panic!("{printed}");
        };
        assert_eq!((sent, failed.as_str()), (acknowledged, "0"), "{printed}");
        let count = acknowledged.parse().unwrap();
        if name == "total" {
            assert_eq!(count, counts.values().sum::<u64>(), "{printed}");
            return counts;
        }
        counts.insert(name.clone(), count);
    }
    panic!("no total in {printed}");
}

fn add(counts: &mut Counts, more: Counts) {
    for (kind, count) in more {
        *counts.entry(kind).or_default() += count;
    }
}

/// Waits until the rows of `relation` are exactly these, by type.
async fn arrives(stack: &Stack, relation: &str, expected: &Counts) {
    let statement =
        format!("SELECT event_type, COUNT(*) AS n FROM ({relation}) GROUP BY event_type");
    eventually(&statement, Duration::from_secs(60), || async {
        let rows = stack.sql(&statement).await;
        let counts: Counts = rows
            .iter()
            .map(|row| {
                (
                    row["event_type"].as_str().unwrap().to_owned(),
                    row["n"].as_u64().unwrap(),
                )
            })
            .collect();
        if counts == *expected {
            Ok(())
        } else {
            Err(format!("{counts:?} instead of {expected:?}"))
        }
    })
    .await;
}
