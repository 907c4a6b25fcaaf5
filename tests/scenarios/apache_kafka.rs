//! Apache Kafka as a child of the runner: durable, supervised, gone with the runner, and clear about what it needs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::Method;
use serde_json::{Value, json};
use tests::apache::jars;
use tests::stack::{Stack, alive, up};
use tests::{eventually, http, kafka, load, tools};

use crate::commands::refused;

const ROWS_BY_OFFSET: &str =
    "SELECT COUNT(*) AS n, COUNT(DISTINCT _partition || '/' || _offset) AS places FROM stock_call";

fn broker(stack: &Stack) -> i32 {
    stack.run.services["kafka"].pids[0]
}

async fn gone(pid: i32) {
    eventually(
        "the broker's process is gone",
        Duration::from_secs(10),
        || async {
            if alive(pid) {
                Err(format!("{pid} is alive"))
            } else {
                Ok(())
            }
        },
    )
    .await;
}

async fn call(stack: &Stack, requests: usize) {
    let url = format!("{}/GOOG", stack.run.stocks);
    load::run(Method::GET, &url, requests, 8, 200).await;
}

async fn rows(stack: &Stack, wanted: i64) {
    let counts = [json!({"n": wanted, "places": wanted})];
    stack.sql_until(ROWS_BY_OFFSET, |rows| rows == counts).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_log_outlives_restarts_and_kills() {
    let Some(jars) = jars() else { return };
    let settings = [
        ("KAFKA", "apache"),
        ("KAFKA_JARS", jars.to_str().unwrap()),
        ("SCHEDULES", "off"),
        ("BATCHING_WINDOW", "0.2"),
    ];
    let mut stack = Stack::start(&settings).await;
    call(&stack, 100).await;
    let burst =
        json!({"exchange": "se1", "ticks": 40, "pace": "burst", "start": "2026-03-20T15:38:01Z"});
    stack.invoke("exchange", &burst).await;
    rows(&stack, 100).await;
    stack
        .sql_until("SELECT COUNT(*) AS n FROM ticks", |rows| rows[0]["n"] == 40)
        .await;
    assert_eq!(kcat(&stack.run.kafka, "stock_call").unwrap_or(100), 100);
    let first = kafka::records(&stack.run.kafka, "stock_call");

    // A restart: the same log, the same life, offsets go on.
    let before = broker(&stack);
    stack.restart().await;
    assert!(!alive(before), "the broker ends with the runner");
    assert_eq!(kafka::records(&stack.run.kafka, "stock_call"), first);
    call(&stack, 50).await;
    rows(&stack, 150).await;
    let epochs = fs::read_dir(stack.data().join("lake/stock_call")).unwrap();
    assert_eq!(epochs.count(), 1, "one life of the log");

    // A broker that is killed comes back, and who asks in the meantime is told the truth.
    let before = broker(&stack);
    kill(Pid::from_raw(before), Signal::SIGKILL).unwrap();
    eventually("another broker runs", Duration::from_secs(60), || async {
        let services = stack.run_now().map(|run| run.services).unwrap_or_default();
        match services.get("kafka").and_then(|kafka| kafka.pids.first()) {
            Some(pid) if *pid != before => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    let said = stack.terminal();
    assert!(
        said.contains("Apache Kafka ended (signal: SIGKILL); it is started again"),
        "{said}"
    );
    eventually("calls are taken again", Duration::from_secs(30), || async {
        let answer = http::get(format!("{}/GOOG", stack.run.stocks)).await;
        if answer.status == 200 {
            Ok(())
        } else {
            Err(answer.text())
        }
    })
    .await;
    stack
        .sql_until(ROWS_BY_OFFSET, |rows| rows[0]["n"].as_i64() > Some(150))
        .await;

    // A runner that is killed takes the broker with it, and the log stays.
    let log = kafka::read(&stack.run.kafka, "stock_call").len();
    let before = stack.run_now().unwrap().services["kafka"].pids[0];
    stack.kill();
    gone(before).await;
    stack.start_again().await;
    assert_eq!(kafka::read(&stack.run.kafka, "stock_call").len(), log);
    rows(&stack, i64::try_from(log).unwrap()).await;
    let (status, took) = stack.stop();
    assert!(status.success(), "{status}: {}", stack.terminal());
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(stack.data().join("logs/kafka.log").exists());
}

/// How many records kcat reads from the beginning; `None` where it is not installed.
fn kcat(brokers: &str, topic: &str) -> Option<usize> {
    let read = [
        "-C",
        "-b",
        brokers,
        "-t",
        topic,
        "-o",
        "beginning",
        "-e",
        "-q",
    ];
    let printed = tools::printed(&tools::run("kcat", &read)?);
    for line in printed.lines() {
        serde_json::from_str::<Value>(line).expect("one JSON object a line");
    }
    Some(printed.lines().count())
}

/// A folder with nothing on the PATH but these programs.
fn path_of(programs: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, script) in programs {
        let program = folder.path().join(name);
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

#[test]
fn says_what_it_needs_in_one_line() {
    let data = tempfile::tempdir().unwrap();
    let jars = data.path().join("no-jars-yet");
    let line = |path: &Path| {
        let settings = [("KAFKA", "apache"), ("KAFKA_JARS", jars.to_str().unwrap())];
        let mut command = up(data.path(), &settings);
        command.env("PATH", path);
        refused(command)
    };
    let said = line(path_of(&[]).path());
    assert!(
        said.contains("Java 17") && said.contains("KAFKA=embedded"),
        "{said}"
    );

    let old = path_of(&[("java", r#"echo 'openjdk version "11.0.2"' >&2"#)]);
    let said = line(old.path());
    assert!(
        said.contains("Java 17") && said.contains("11.0.2"),
        "{said}"
    );

    let java = ("java", r#"echo 'openjdk version "17.0.1"' >&2"#);
    let said = line(path_of(&[java]).path());
    assert!(
        said.contains("mvn") && said.contains("KAFKA_JARS"),
        "{said}"
    );

    let failing = path_of(&[
        java,
        ("mvn", "echo '[ERROR] no route to the repository'; exit 1"),
    ]);
    let said = line(failing.path());
    assert!(said.contains("no route to the repository"), "{said}");
    assert!(!jars.exists(), "nothing half done stays behind");
}
