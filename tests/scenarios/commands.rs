//! `tidemill up` as a command: what it says and leaves behind when it cannot start, and how it stops.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::json;
use tests::ports::free_port;
use tests::stack::{Stack, alive, binaries, up};
use tests::{eventually, http, tools};

/// Runs a start that has to fail, and returns its one line.
pub(crate) fn refused(mut command: Command) -> String {
    let Output { status, stderr, .. } = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&stderr).into_owned();
    assert_eq!(status.code(), Some(1), "{stderr}");
    let last = stderr.lines().last().unwrap_or_default().to_owned();
    assert!(last.starts_with("tidemill: "), "{stderr}");
    last
}

#[tokio::test(flavor = "multi_thread")]
async fn says_why_it_cannot_start() {
    let mut stack = Stack::start(&[("SCHEDULES", "off")]).await;

    let second = refused(up(stack.data(), &[]));
    assert!(
        second.contains(&stack.run.pid.to_string()),
        "names who holds the folder: {second}"
    );

    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let line = refused(up(folder.path(), &[("STOCKS_PORT", &port)]));
    assert!(
        line.contains(&port) && line.contains("STOCKS_PORT"),
        "{line}"
    );

    let closed = format!("127.0.0.1:{}", free_port());
    let line = refused(up(folder.path(), &[("KAFKA", &closed)]));
    assert!(line.contains(&closed), "{line}");

    let line = refused(up(Path::new("/proc/nowhere"), &[]));
    assert!(line.contains("/proc/nowhere"), "{line}");

    let bad = Command::new(binaries().join("tidemill"))
        .args(["up", "--stocks-port", "many"])
        .output()
        .unwrap();
    assert_eq!(bad.status.code(), Some(2));

    let pids: Vec<i32> = stack
        .run
        .functions
        .values()
        .flat_map(|f| f.pids.clone())
        .collect();
    assert!(
        !pids.is_empty() && pids.iter().all(|pid| alive(*pid)),
        "{pids:?}"
    );
    let (status, took) = stack.stop();
    assert!(status.success(), "{status}: {}", stack.terminal());
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert!(!stack.data().join("run.json").exists());
    eventually(
        "no process stays behind",
        Duration::from_secs(5),
        || async {
            let left: Vec<_> = pids.iter().filter(|pid| alive(**pid)).collect();
            if left.is_empty() {
                Ok(())
            } else {
                Err(format!("{left:?}"))
            }
        },
    )
    .await;
}

/// What functions read themselves, the runner hears of when they end.
#[test]
fn says_which_setting_of_a_function_is_wrong() {
    let wrong = [
        ("QUOTES", "somewhere"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "somewhere"),
        ("RUST_LOG", "a=b=c"),
    ];
    for (name, value) in wrong {
        let folder = tempfile::tempdir().unwrap();
        let output = up(folder.path(), &[(name, value)]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{name}");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        let reason = said.lines().find(|it| it.contains("cannot start"));
        assert!(reason.is_some_and(|it| it.contains(name)), "{name}: {said}");
        assert!(said.contains("does not get healthy"), "{name}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_runner_leaves_no_function_behind() {
    let mut stack = Stack::start(&[("SCHEDULES", "off")]).await;
    let pids: Vec<i32> = stack
        .run
        .functions
        .values()
        .flat_map(|f| f.pids.clone())
        .collect();
    stack.kill();
    eventually(
        "no process stays behind",
        Duration::from_secs(10),
        || async {
            if pids.iter().any(|pid| alive(*pid)) {
                Err(format!("{pids:?}"))
            } else {
                Ok(())
            }
        },
    )
    .await;
    // Its folder is not locked for ever.
    stack.start_again().await;
    assert_eq!(stack.sql("SELECT 1 AS one").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_function_is_replaced() {
    let stack = Stack::start(&[("SCHEDULES", "off")]).await;
    let pid = stack.run.functions["stocks"].pids[0];
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(pid),
        nix::sys::signal::Signal::SIGKILL,
    )
    .unwrap();
    eventually(
        "another process answers",
        Duration::from_secs(20),
        || async {
            let answer = http::get(format!("{}/GOOG", stack.run.stocks)).await;
            if answer.status == 200 {
                Ok(())
            } else {
                Err(answer.text())
            }
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_function_answers_cargo_lambda_invoke() {
    let stack = Stack::start(&[("SCHEDULES", "off")]).await;
    let port = stack.run.lambda.rsplit(':').next().unwrap().to_owned();
    let request = |path: &str| {
        json!({"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": {"host": "h"},
            "requestContext": {"accountId": "1", "apiId": "a", "domainName": "d", "domainPrefix": "d", "requestId": "r",
                "routeKey": "$default", "stage": "$default", "time": "20/Mar/2022:15:38:01 +0000", "timeEpoch": 1_647_790_681_000_u64,
                "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "cli"}},
            "isBase64Encoded": false})
    };
    let none = json!({"eventSource": "aws:kafka", "eventSourceArn": "arn:aws:kafka:eu-west-1:1:cluster/c/1",
        "bootstrapServers": "b:9092", "records": {}});
    let events = [
        ("stocks", request("/GOOG"), "Mean Price"),
        ("query", request("/api/tables"), "stock_call"),
        (
            "exchange",
            json!({"exchange": "se1", "ticks": 100, "pace": "burst", "seed": 7}),
            "\"published\":100",
        ),
        ("evaluate", none.clone(), "batchItemFailures"),
        ("archive", none, "batchItemFailures"),
    ];
    for (function, event, expected) in events {
        let event = event.to_string();
        let arguments = [
            "lambda",
            "invoke",
            "-A",
            "127.0.0.1",
            "-P",
            &port,
            function,
            "--data-ascii",
            &event,
        ];
        let output =
            tools::run("cargo-lambda", &arguments).expect("`make test` installs cargo-lambda");
        let printed = tools::printed(&output);
        assert!(printed.contains(expected), "{function}: {printed}");
    }
}
