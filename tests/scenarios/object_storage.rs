//! A lake on S3: LocalStack as a child of the runner, and buckets elsewhere that cannot be used.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::Method;
use serde_json::{Value, json};
use tests::http::{client, get, send};
use tests::ports::free_port;
use tests::stack::{Stack, alive, up};
use tests::{eventually, load, localstack};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const KEYS: [(&str, &str); 2] = [
    ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
    ("AWS_SECRET_ACCESS_KEY", "a-secret-that-must-not-show"),
];

/// The last tick is of 15:39:25, so this is the start of the last window that closes.
const LAST_WINDOW: &str = "2022-03-20T15:39:00";

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_on_localstack_keeps_what_it_has() {
    let Some(home) = localstack::home() else {
        return;
    };
    let settings = [
        ("SCHEDULES", "off"),
        ("BATCHING_WINDOW", "1"),
        ("LAKE", "localstack"),
        ("LOCALSTACK_HOME", &home),
        // Real keys of the user's have no business in LocalStack.
        KEYS[0],
        KEYS[1],
    ];
    let mut stack = Stack::start(&settings).await;
    assert_eq!(stack.run.lake_url, "s3://tidemill");
    calls(&stack, 200).await;
    ticks(&stack, "2022-03-20T15:38:01Z").await;
    let edited = json!({"investor": 1, "portfolio": 1, "holdings": {"IBM": 7}, "active": true});
    edit(&stack, &edited).await;
    let before = answers(&stack, 200).await;
    for page in ["", "prices", "portfolios", "behaviour", "sql", "csv/"] {
        let answer = get(format!("{}/{page}", stack.run.lake)).await;
        assert_eq!(answer.status, 200, "/{page}: {}", answer.text());
    }
    let evaluated = before["evaluations"].as_array().unwrap();
    assert!(!evaluated.is_empty());

    let pids = processes(&stack);
    stack.restart().await;
    gone(&pids).await;
    assert_eq!(answers(&stack, 200).await, before, "a restart keeps it all");
    let holdings = get(format!("{}/api/portfolios/1.1", stack.run.lake)).await;
    assert_eq!(holdings.json()["holdings"], edited["holdings"]);

    // Killed in the middle of a load, and started again by the runner.
    let killed = stack.run.services["localstack"].pids[0];
    let load = calls(&stack, 200);
    let murder = async { kill(Pid::from_raw(killed), Signal::SIGKILL).unwrap() };
    tokio::join!(load, murder);
    eventually("the lake is back", Duration::from_secs(60), || async {
        let answer = stack.ask("SELECT COUNT(*) FROM stock_call").await;
        if answer.status == 200 {
            Ok(())
        } else {
            Err(answer.text())
        }
    })
    .await;
    let after = answers(&stack, 400).await;
    assert_eq!(after["evaluations"], before["evaluations"]);
    assert_eq!(after["distinct"], after["calls"], "no row is there twice");

    // The runner killed: nothing of it stays, and what was committed is there.
    let pids = processes(&stack);
    stack.kill();
    gone(&pids).await;
    stack.start_again().await;
    assert_eq!(answers(&stack, 400).await, after);
    let (status, took) = stack.stop();
    assert!(status.success(), "{status}: {}", stack.terminal());
    assert!(took < Duration::from_secs(10), "{took:?}");
    gone(&processes(&stack)).await;
    assert!(!anywhere(stack.data(), KEYS[1].1), "a key is in the folder");
}

async fn calls(stack: &Stack, requests: usize) {
    let url = format!("{}/GOOG", stack.run.stocks);
    load::run(Method::GET, &url, requests, 8, 200).await;
}

async fn ticks(stack: &Stack, start: &str) {
    for exchange in ["se1", "se2"] {
        let event =
            json!({"exchange": exchange, "ticks": 40, "pace": "burst", "seed": 1, "start": start});
        stack.invoke("exchange", &event).await;
    }
}

async fn edit(stack: &Stack, portfolio: &Value) {
    let url = format!("{}/api/portfolios/1.1", stack.run.lake);
    let answer = send(client().put(url).json(portfolio)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Waits for so many calls and all ticks; answers what SQL says of everything.
async fn answers(stack: &Stack, calls: i64) -> Value {
    let count = "SELECT COUNT(*) AS n FROM stock_call";
    stack
        .sql_until(count, |rows| rows[0]["n"].as_i64() >= Some(calls))
        .await;
    let ticks = "SELECT COUNT(*) AS n FROM ticks";
    stack.sql_until(ticks, |rows| rows[0]["n"] == 80).await;
    let evaluations = "SELECT * FROM evaluations ORDER BY window_start, portfolio";
    let evaluations = stack
        .sql_until(evaluations, |rows| {
            let starts = rows.iter().map(|row| row["window_start"].as_str());
            starts.flatten().any(|start| start.starts_with(LAST_WINDOW))
        })
        .await;
    let distinct =
        "SELECT COUNT(*) FROM (SELECT DISTINCT _partition, _offset, _timestamp FROM stock_call)";
    json!({
        "calls": stack.count("SELECT COUNT(*) FROM stock_call").await,
        "distinct": stack.count(distinct).await,
        "evaluations": evaluations,
    })
}

fn processes(stack: &Stack) -> Vec<i32> {
    let functions = stack.run.functions.values();
    let all = functions.chain(stack.run.services.values());
    all.flat_map(|each| each.pids.clone()).collect()
}

async fn gone(pids: &[i32]) {
    assert!(!pids.is_empty());
    eventually(
        "no process stays behind",
        Duration::from_secs(10),
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

/// Whether any file below `folder` has the text in it.
fn anywhere(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return anywhere(&path, text);
        }
        let content = std::fs::read(&path).unwrap_or_default();
        content.windows(text.len()).any(|at| at == text.as_bytes())
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_cannot_be_used_is_one_line() {
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let line = refused(&nobody, &KEYS).await;
    assert!(
        line.contains("s3://lake/part") && line.contains(&nobody),
        "{line}"
    );

    for (status, code, said) in [
        (404, "NoSuchBucket", "there is no bucket `lake`"),
        (403, "InvalidAccessKeyId", "AWS_ACCESS_KEY_ID"),
        (403, "AccessDenied", "access to the bucket `lake` is denied"),
        (301, "PermanentRedirect", "AWS_REGION"),
    ] {
        let store = refusing(status, code).await;
        let line = refused(&store, &KEYS).await;
        assert!(line.contains(said), "{code}: {line}");
        assert!(!line.contains(KEYS[1].1), "{line}");
    }

    let store = refusing(500, "InternalError").await;
    // Where the instance's own credentials are asked for in vain, the SDK has much to say about it.
    for nothing in [
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", nobody.as_str()),
    ] {
        let line = refused(&store, &[nothing, ("HOME", "/nowhere")]).await;
        assert!(line.contains("no credentials were found"), "{line}");
    }
}

/// A start on `s3://lake/part` that has to fail; its one line.
async fn refused(endpoint: &str, variables: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = vec![("LAKE", "s3://lake/part"), ("AWS_ENDPOINT_URL", endpoint)];
    settings.extend(variables);
    let mut command = up(folder.path(), &settings);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await;
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 1, "{said}");
    assert!(lines[0].starts_with("tidemill: "), "{said}");
    assert!(!folder.path().join("run.json").exists());
    lines[0].to_owned()
}

/// A store that answers everything with the same error.
async fn refusing(status: u16, code: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>");
    let answer = format!(
        "HTTP/1.1 {status} x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let answer = answer.clone();
            tokio::spawn(async move {
                // A listing has no body: its request is there with its head.
                let mut request = [0; 16_384];
                let _ = client.read(&mut request).await;
                let _ = client.write_all(answer.as_bytes()).await;
                let _ = client.shutdown().await;
            });
        }
    });
    url
}
