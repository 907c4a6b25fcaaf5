//! A Kafka that asks its clients who they are: runner, triggers and functions get in, and no secret gets out.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tests::apache::{GuardedKafka, USERS, jars};
use tests::stack::{Stack, binaries, up};
use tests::{eventually, load};

use crate::commands::refused;

// With OpenSSL and AWS's signatures: `make test` builds these apart, `make test TLS=1` all with them.
#[cfg(feature = "msk")]
mod msk;
#[cfg(feature = "msk")]
mod tls;
#[cfg(feature = "msk")]
mod tokens;

const ALICE: (&str, &str) = USERS[0];
const BOB: (&str, &str) = USERS[1];

fn settings<'a>(brokers: &'a str, (name, password): (&'a str, &'a str)) -> Vec<(&'a str, &'a str)> {
    vec![
        ("KAFKA", brokers),
        ("KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT"),
        ("KAFKA_SASL_MECHANISM", "PLAIN"),
        ("KAFKA_USERNAME", name),
        ("KAFKA_PASSWORD", password),
        ("SCHEDULES", "off"),
        ("BATCHING_WINDOW", "0.2"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_a_password_gets_in_and_the_password_stays_secret() {
    let Some(jars) = jars() else { return };
    let broker = GuardedKafka::start(&jars, None).await;
    let address = broker.sasl_plaintext.as_str();
    let data = tempfile::tempdir().unwrap();

    let wrong = refused(up(
        data.path(),
        &settings(address, ("alice", "guessed-word")),
    ));
    assert!(
        wrong.contains(address) && wrong.contains("uthentication"),
        "{wrong}"
    );
    assert!(!wrong.contains("guessed-word"), "{wrong}");
    let barred = refused(up(data.path(), &settings(address, BOB)));
    assert!(
        barred.contains("cannot be made") && barred.contains("LogAppendTime"),
        "{barred}"
    );

    let mut stack = Stack::start(&settings(address, ALICE)).await;
    everything_flows(&stack).await;

    let (_, secret) = ALICE;
    let mut pids = vec![stack.run.pid];
    let now = stack.run_now().unwrap();
    pids.extend(now.functions.values().flat_map(|function| &function.pids));
    assert!(pids.len() > 5, "{pids:?}");
    for pid in pids {
        let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&arguments).contains(secret));
    }
    // Functions that have no business with the broker do not know the password either.
    let environment = |function: &str| {
        let pid = now.functions[function].pids[0];
        fs::read(format!("/proc/{pid}/environ")).unwrap()
    };
    let knows = |function| String::from_utf8_lossy(&environment(function)).contains(secret);
    assert!(knows("stocks") && !knows("query") && !knows("archive"));
    let help = Command::new(binaries().join("tidemill"))
        .args(["up", "--help"])
        .envs(settings(address, ALICE))
        .output()
        .unwrap();
    assert!(help.status.success() && !String::from_utf8_lossy(&help.stdout).contains(secret));
    stack.stop();
    let files = files_with(stack.data(), secret);
    assert!(files.is_empty(), "{files:?}");
}

/// Calls and ticks become rows, and evaluations are published.
pub(crate) async fn everything_flows(stack: &Stack) {
    let url = format!("{}/GOOG", stack.run.stocks);
    load::run(Method::GET, &url, 40, 4, 200).await;
    for exchange in ["se1", "se2"] {
        let event = json!({"exchange": exchange, "ticks": 40, "pace": "burst", "start": "2026-03-20T15:38:01Z"});
        stack.invoke("exchange", &event).await;
    }
    stack
        .sql_until("SELECT COUNT(*) AS n FROM stock_call", |rows| {
            rows[0]["n"] == 40
        })
        .await;
    stack
        .sql_until("SELECT COUNT(*) AS n FROM ticks", |rows| rows[0]["n"] == 80)
        .await;
    eventually(
        "an evaluation is stored",
        Duration::from_secs(30),
        || async {
            match stack.count("SELECT COUNT(*) FROM evaluations").await {
                0 => Err("none".to_owned()),
                _ => Ok(()),
            }
        },
    )
    .await;
}

/// Every file below a folder that holds a text.
fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if String::from_utf8_lossy(&fs::read(&path).unwrap()).contains(text) {
            found.push(path.display().to_string());
        }
    }
    found
}

#[cfg(not(feature = "msk"))]
#[test]
fn a_build_without_openssl_says_how_to_get_one_with_it() {
    let data = tempfile::tempdir().unwrap();
    let mut settings = settings("127.0.0.1:9", ALICE);
    settings[1].1 = "SASL_SSL";
    settings[2].1 = "MSK_IAM";
    let line = refused(up(data.path(), &settings));
    for word in [
        "KAFKA_SECURITY_PROTOCOL",
        "make run TLS=1",
        "KAFKA_PASSWORD",
        "AWS_REGION",
    ] {
        assert!(line.contains(word), "{word}: {line}");
    }
}
