//! The local Lambda host with real processes: what they may do to it, and what it promises.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod fake;

use std::{
    env, fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use bytes::Bytes;
use fake::{Host, is_alive, spec, until};
use serde_json::{Value, json};
use tidemill::functions::{Functions, InvokeError, InvokeOptions, Outcome, PAYLOAD_LIMIT};
use uuid::Uuid;

async fn invoke(functions: &Functions, name: &str, event: &Value) -> Outcome {
    functions
        .invoke(
            name,
            Bytes::from(event.to_string()),
            InvokeOptions::default(),
        )
        .await
        .unwrap()
}

async fn success(functions: &Functions, name: &str, event: &Value) -> Value {
    match invoke(functions, name, event).await {
        Outcome::Success(answer) => serde_json::from_slice(&answer).unwrap(),
        failed @ Outcome::FunctionError { .. } => panic!("{failed:?}"),
    }
}

async fn failure(functions: &Functions, name: &str, event: &Value) -> Value {
    match invoke(functions, name, event).await {
        Outcome::FunctionError {
            kind: "Unhandled",
            payload,
        } => serde_json::from_slice(&payload).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn within(limit: Duration) -> InvokeOptions {
    InvokeOptions {
        limit: Some(limit),
        ..InvokeOptions::default()
    }
}

fn pids(functions: &Functions, name: &str) -> Vec<u32> {
    functions
        .pids()
        .borrow()
        .get(name)
        .cloned()
        .unwrap_or_default()
}

#[tokio::test]
async fn a_child_gets_the_event_and_is_used_again() {
    let host = Host::start(&[spec("f")]);
    assert_eq!(pids(&host.functions, "f"), Vec::<u32>::new());
    let first = success(&host.functions, "f", &json!({"a": [1, "ü"]})).await;
    assert_eq!(first["event"], json!({"a": [1, "ü"]}));
    let second = success(&host.functions, "f", &json!({})).await;
    assert_eq!(second["pid"], first["pid"]);
    assert_eq!(json!(pids(&host.functions, "f")), json!([first["pid"]]));
}

#[tokio::test]
async fn the_environment_is_lambdas_the_templates_and_the_runners_and_no_more() {
    let host = Host::start(&[spec("f")]);
    let env = success(&host.functions, "f", &json!({"do": "env"})).await;
    for (name, value) in [
        ("AWS_LAMBDA_FUNCTION_NAME", "f"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/f"),
        ("TZ", "UTC"),
        ("_HANDLER", "bootstrap"),
        ("DECLARED", "in the template"),
        ("FORCED", "by the runner"),
    ] {
        assert_eq!(env[name], value, "{name}");
    }
    for name in [
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_REGION",
        "LAMBDA_TASK_ROOT",
    ] {
        assert!(env[name].is_string(), "{name}");
    }
    assert_eq!(
        env.get("CARGO_MANIFEST_DIR"),
        None,
        "the developer's variables stay outside"
    );
}

#[tokio::test]
async fn an_invocation_has_id_deadline_arn_trace_and_context() {
    let host = Host::start(&[spec("f")]);
    let id = Uuid::new_v4();
    let options = InvokeOptions {
        request_id: Some(id),
        client_context: Some(r#"{"custom":{}}"#.to_owned()),
        ..InvokeOptions::default()
    };
    let event = Bytes::from_static(br#"{"do":"head"}"#);
    let Outcome::Success(answer) = host.functions.invoke("f", event, options).await.unwrap() else {
        panic!()
    };
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["id"], id.to_string());
    let head = answer["head"].as_str().unwrap().to_ascii_lowercase();
    let value = |name: &str| {
        head.split_once(&format!("{name}: "))
            .unwrap()
            .1
            .lines()
            .next()
            .unwrap()
            .to_owned()
    };
    let now = i128::from(chrono::Utc::now().timestamp_millis());
    let left = value("lambda-runtime-deadline-ms").parse::<i128>().unwrap() - now;
    assert!((10_000..=20_000).contains(&left), "{left}");
    assert!(value("lambda-runtime-invoked-function-arn").ends_with(":function:f"));
    assert!(value("lambda-runtime-trace-id").starts_with("root=1-"));
    assert_eq!(value("lambda-runtime-client-context"), r#"{"custom":{}}"#);
}

#[tokio::test]
async fn a_functions_own_error_is_its_outcome_and_costs_no_child() {
    let host = Host::start(&[spec("f")]);
    let before = success(&host.functions, "f", &json!({})).await;
    let error = failure(&host.functions, "f", &json!({"do": "error"})).await;
    assert_eq!(
        error,
        json!({"errorType": "Boom", "errorMessage": "as asked"})
    );
    assert_eq!(
        success(&host.functions, "f", &json!({})).await["pid"],
        before["pid"]
    );
}

#[tokio::test]
async fn a_child_that_exits_is_replaced() {
    let host = Host::start(&[spec("f")]);
    let before = success(&host.functions, "f", &json!({})).await;
    let error = failure(&host.functions, "f", &json!({"do": "exit"})).await;
    assert_eq!(error["errorType"], "Runtime.ExitError");
    let message = error["errorMessage"].as_str().unwrap();
    assert!(
        message.starts_with("RequestId: ") && message.ends_with("exit status 3"),
        "{message}"
    );
    assert_ne!(
        success(&host.functions, "f", &json!({})).await["pid"],
        before["pid"]
    );
}

#[tokio::test]
async fn the_log_tells_which_invocation_a_child_died_of() {
    let host = Host::start(&[spec("f")]);
    let id = Uuid::new_v4();
    let options = InvokeOptions {
        request_id: Some(id),
        ..InvokeOptions::default()
    };
    let event = Bytes::from_static(br#"{"do":"exit"}"#);
    host.functions.invoke("f", event, options).await.unwrap();
    let lines = [
        format!("Z RequestId: {id} last words\n"),
        format!("Z RequestId: {id} invocation failed: "),
    ];
    until("both lines in the log", || {
        let log = fs::read_to_string(host.folder.path().join("logs/f.log")).unwrap();
        lines.iter().all(|line| log.contains(line))
    })
    .await;
}

#[tokio::test]
async fn a_child_that_hangs_is_killed_and_replaced() {
    let mut slow = spec("f");
    slow.timeout = Duration::from_secs(1);
    let host = Host::start(&[slow]);
    let before = success(&host.functions, "f", &json!({})).await["pid"]
        .as_u64()
        .unwrap();
    let error = failure(&host.functions, "f", &json!({"do": "hang"})).await;
    assert_eq!(error["errorType"], "Sandbox.Timedout");
    assert!(
        error["errorMessage"]
            .as_str()
            .unwrap()
            .ends_with("Task timed out after 1.00 seconds"),
        "{error}"
    );
    until("the child's end", || !is_alive(before)).await;
    assert_ne!(
        success(&host.functions, "f", &json!({})).await["pid"],
        before
    );
}

#[tokio::test]
async fn a_child_that_dies_while_idle_costs_nobody_an_invocation() {
    let host = Host::start(&[spec("f")]);
    for _ in 0..5 {
        let pid = success(&host.functions, "f", &json!({})).await["pid"]
            .as_u64()
            .unwrap();
        let killed = Command::new("kill")
            .args(["-9", &pid.to_string()])
            .status()
            .unwrap();
        assert!(killed.success());
        until("the child's end", || !is_alive(pid)).await;
        assert_ne!(success(&host.functions, "f", &json!({})).await["pid"], pid);
    }
}

#[tokio::test]
async fn an_init_that_fails_is_told_to_the_caller_and_not_tried_at_once_again() {
    for (init, reason) in [("error", "LAKE_URL is missing"), ("exit", "exit status 7")] {
        let mut bad = spec("f");
        bad.env.insert("FAKE_INIT".to_owned(), init.to_owned());
        let host = Host::start(&[bad]);
        let start = async || {
            host.functions
                .invoke("f", Bytes::from_static(b"{}"), InvokeOptions::default())
                .await
        };
        let first = start().await.unwrap_err();
        assert!(
            matches!(&first, InvokeError::StartFailed { reason: why, .. } if why.contains(reason)),
            "{first:?}"
        );
        until("all children's end", || {
            pids(&host.functions, "f").is_empty()
        })
        .await;
        // The pauses double, so that soon a caller meets one.
        let began = Instant::now();
        let mut tried = 0;
        loop {
            let asked = Instant::now();
            let InvokeError::StartFailed { retry_after, .. } = start().await.unwrap_err() else {
                panic!()
            };
            assert!(retry_after <= Duration::from_secs(10));
            tried += 1;
            if asked.elapsed() < Duration::from_millis(1)
                && retry_after > Duration::from_millis(100)
            {
                break;
            }
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "no pause after {tried} starts"
            );
        }
    }
}

#[tokio::test]
async fn no_more_children_than_declared_run_at_once() {
    let mut narrow = spec("f");
    narrow.concurrency = Some(2);
    let host = Host::start(&[narrow]);
    let event = json!({"do": "sleep", "ms": 50});
    let calls = (0..8).map(|_| success(&host.functions, "f", &event));
    let mut seen: Vec<u64> = futures::future::join_all(calls)
        .await
        .iter()
        .map(|answer| answer["pid"].as_u64().unwrap())
        .collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn callers_wait_as_long_as_they_can_and_the_invocation_goes_on() {
    let mut one = spec("f");
    one.concurrency = Some(1);
    let host = Host::start(&[one]);
    success(&host.functions, "f", &json!({})).await;
    let event = Bytes::from(json!({"do": "sleep", "ms": 600}).to_string());
    let limit = Duration::from_millis(100);
    let late = host
        .functions
        .invoke("f", event, within(limit))
        .await
        .unwrap_err();
    assert_eq!(
        late,
        InvokeError::TimedOut {
            function: "f".to_owned(),
            limit
        }
    );
    let busy = host
        .functions
        .invoke("f", Bytes::from_static(b"{}"), within(limit))
        .await
        .unwrap_err();
    assert_eq!(
        busy,
        InvokeError::Throttled {
            function: "f".to_owned(),
            concurrency: 1
        }
    );
    success(&host.functions, "f", &json!({})).await;
    let log = fs::read_to_string(host.folder.path().join("logs/f.log")).unwrap();
    assert_eq!(
        log.matches("started").count(),
        1,
        "the slow child was not replaced"
    );
    assert!(!log.contains("answered 400"), "the slow answer was awaited");
}

#[tokio::test]
async fn an_answer_may_have_6_mb_and_no_more() {
    let host = Host::start(&[spec("f")]);
    let Outcome::Success(answer) = invoke(
        &host.functions,
        "f",
        &json!({"do": "big", "size": PAYLOAD_LIMIT}),
    )
    .await
    else {
        panic!()
    };
    assert_eq!(answer.len(), PAYLOAD_LIMIT);
    let error = failure(
        &host.functions,
        "f",
        &json!({"do": "big", "size": PAYLOAD_LIMIT + 1}),
    )
    .await;
    assert_eq!(error["errorType"], "Function.ResponseSizeTooLarge");
    success(&host.functions, "f", &json!({})).await;
    let log = fs::read_to_string(host.folder.path().join("logs/f.log")).unwrap();
    assert!(log.contains("answered 413"), "{log}");
}

#[tokio::test]
async fn a_child_can_answer_only_what_it_was_asked() {
    let host = Host::start(&[spec("f")]);
    let statuses = success(&host.functions, "f", &json!({"do": "wrong-id"})).await;
    assert_eq!(
        statuses,
        json!({"response": 400, "error": 400, "next": 403})
    );
}

#[tokio::test]
async fn an_unknown_function_is_told_with_those_that_exist() {
    let host = Host::start(&[spec("f"), spec("g")]);
    let error = host
        .functions
        .invoke("h", Bytes::new(), InvokeOptions::default())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("`h`") && error.to_string().contains("f, g"),
        "{error}"
    );
}

#[tokio::test]
async fn stopping_ends_children_and_theirs() {
    let host = Host::start(&[spec("f")]);
    let pids = success(&host.functions, "f", &json!({"do": "fork"})).await;
    let (parent, child) = (
        pids["pid"].as_u64().unwrap(),
        pids["child"].as_u64().unwrap(),
    );
    assert!(is_alive(parent) && is_alive(child));
    host.functions.stop(&["f"], Duration::from_secs(5)).await;
    until("the end of both", || !is_alive(parent) && !is_alive(child)).await;
    let error = host
        .functions
        .invoke("f", Bytes::new(), InvokeOptions::default())
        .await
        .unwrap_err();
    assert!(matches!(error, InvokeError::Exited { .. }), "{error:?}");
}

#[tokio::test]
async fn a_child_that_is_stopped_while_it_starts_has_not_failed() {
    let mut slow = spec("f");
    slow.env.insert("FAKE_INIT".to_owned(), "hang".to_owned());
    let host = Host::start(&[slow]);
    let call = host
        .functions
        .invoke("f", Bytes::new(), InvokeOptions::default());
    let stop = async {
        until("a child", || !pids(&host.functions, "f").is_empty()).await;
        host.functions.stop(&["f"], Duration::from_secs(5)).await;
    };
    let (answer, ()) = tokio::join!(call, stop);
    assert!(
        matches!(answer, Err(InvokeError::Exited { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn dropping_the_host_kills_its_children() {
    let host = Host::start(&[spec("f")]);
    let pid = success(&host.functions, "f", &json!({})).await["pid"]
        .as_u64()
        .unwrap();
    drop(host);
    until("the child's end", || !is_alive(pid)).await;
}

#[tokio::test]
async fn children_do_not_outlive_a_runner_that_is_killed() {
    let this = env::current_exe().unwrap();
    let mut runner = Command::new(this)
        .args(["--exact", "runner", "--include-ignored", "--nocapture"])
        .env("FAKE_RUNNER", "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(runner.stdout.take().unwrap()).lines();
    let pid = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("child ")?.parse().ok())
        .unwrap();
    assert!(is_alive(pid));
    runner.kill().unwrap();
    runner.wait().unwrap();
    until("the child's end", || !is_alive(pid)).await;
}

#[tokio::test]
#[ignore = "not a test: the runner that another test kills"]
async fn runner() {
    if env::var_os("FAKE_RUNNER").is_none() {
        return;
    }
    let host = Host::start(&[spec("f")]);
    println!(
        "\nchild {}",
        success(&host.functions, "f", &json!({})).await["pid"]
    );
    std::future::pending::<()>().await;
}
