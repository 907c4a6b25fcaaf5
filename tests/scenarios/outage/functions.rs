//! Functions that are killed, that run out of memory, and that hang.

use std::process::Command;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tests::calls::Calls;
use tests::http::{client, send};
use tests::stack::{Stack, changed_template};
use tests::tools::printed;
use tests::{eventually, kafka, memory};

use super::SETTINGS;

const HIT: [&str; 2] = ["games", "archive"];

fn hit(stack: &Stack, signal: Signal) {
    let run = stack.run_now().expect("it runs");
    for pid in HIT.iter().flat_map(|name| &run.functions[*name].pids) {
        // One may have ended since.
        let _ = kill(Pid::from_raw(*pid), signal);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_that_are_killed_or_hang_cost_answers_and_no_records() {
    // Nobody wants to wait for a minute here.
    let hasty = changed_template(&[("      Timeout: 60\n", "      Timeout: 8\n")]);
    let settings = [
        SETTINGS[0],
        SETTINGS[1],
        ("--template", hasty.path().to_str().unwrap()),
    ];
    let stack = Stack::start(&settings).await;
    let mut calls = Calls::default();
    calls.make(&stack, 50, 8).await;

    // Killed again and again while they work.
    for _ in 0..10 {
        tokio::join!(calls.make(&stack, 40, 8), async {
            hit(&stack, Signal::SIGKILL);
        });
    }
    calls
        .until_acknowledged(&stack, Duration::from_secs(30))
        .await;
    assert!(calls.acknowledged() > 100, "{calls:?}");

    // Hung, those that were there.
    for _ in 0..2 {
        hit(&stack, Signal::SIGSTOP);
        calls.make(&stack, 12, 12).await;
        calls
            .until_acknowledged(&stack, Duration::from_secs(30))
            .await;
    }
    assert!(calls.refused(503) > 0, "{calls:?}");
    calls.make(&stack, 50, 8).await;
    calls.all_arrive(&stack).await;
    eprintln!("peaks in MiB: {:?}", memory::assert_bounded(&stack));
}

/// From now on the process gets no more memory than it has.
fn exhaust(pid: i32) {
    let has = memory::data(pid).expect("it lives");
    let mut limit = Command::new("prlimit");
    limit.args(["--pid", &pid.to_string(), &format!("--data={has}")]);
    printed(&limit.output().unwrap());
}

/// A batch of megabytes meets processes that get no more memory: they end in the midst of it, and others take it.
#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_runs_out_of_memory_is_replaced_and_loses_nothing() {
    let stack = Stack::start(&[SETTINGS[0], ("BATCHING_WINDOW", "2")]).await;
    let mut calls = Calls::default();
    calls.make(&stack, 20, 4).await;
    calls.all_arrive(&stack).await;
    let archives = stack.pids(&["archive"]);
    assert!(!archives.is_empty());
    archives.iter().copied().for_each(exhaust);

    let host = "x".repeat(700_000);
    let large: Vec<String> = (0..5)
        .map(|at| {
            json!({"event_type": "level_up", "userid": format!("large-{at}"), "Host": host})
                .to_string()
        })
        .collect();
    let values: Vec<&[u8]> = large.iter().map(String::as_bytes).collect();
    kafka::publish(&stack.run.kafka, "game_events", &values).await;
    let arrived = "SELECT userid, COUNT(*) AS n FROM game_events WHERE userid LIKE 'large-%' GROUP BY 1 ORDER BY 1";
    let each: Vec<Value> = (0..5)
        .map(|at| json!({"userid": format!("large-{at}"), "n": 1}))
        .collect();
    stack.sql_until(arrived, |rows| rows == each).await;
    let log = stack.log("archive");
    assert!(
        log.contains("memory allocation of") || log.contains("Cannot allocate memory"),
        "{log}"
    );
    let exits = [("function", "archive")];
    assert!(
        stack
            .metrics()
            .await
            .sum("function_child_exits_total", &exits)
            >= 1.0
    );
}

/// A body of megabytes meets processes that get no more memory: its caller is told in time, and others are served.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_takes_more_memory_than_there_is_is_a_503_and_others_are_served() {
    let stack = Stack::start(&SETTINGS).await;
    let mut calls = Calls::default();
    calls.make(&stack, 50, 8).await;
    let games = stack.pids(&["games"]);
    games.iter().copied().for_each(exhaust);
    let url = format!("{}/purchase_a_sword?userid=too-large", stack.run.games);
    let body = vec![b'x'; 3 << 20];
    send(client().post(url).body(body)).await.problem(503);
    let limit = Duration::from_secs(30);
    eventually("its last words", limit, || async {
        let log = stack.log("games");
        let is_told = log.contains("memory allocation of");
        is_told.then_some(()).ok_or(log)
    })
    .await;
    // The other ones that were there have no memory either, and are replaced in their turn.
    calls
        .until_acknowledged(&stack, Duration::from_secs(30))
        .await;
    calls.make(&stack, 50, 8).await;
    calls.all_arrive(&stack).await;
}
