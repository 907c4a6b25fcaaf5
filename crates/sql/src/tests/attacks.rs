//! Every attack of `tests/fixtures/attacks`, on the real session with its real limits: none gets out, and the next
//! statement is answered. `ATTACKS=CUBE` tries only those that have `CUBE` in them, and tells how long each took.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::DirEntry;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures::future::join_all;
use lake::Table;
use serde_json::json;

use super::attacks_data::{self as data, Attack, Wanted};
use super::lakes::Lake;
use crate::{Answer, Format, Limits, Settings, SqlError};

/// What stands in the file that nobody may read.
const CANARY: &str = "canary-5f1c9b";
/// Statements whose threads had to be reported.
static RUNAWAYS: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Target {
    lake: Lake,
    folder: tempfile::TempDir,
    attacks: Vec<Attack>,
}

impl Target {
    async fn new(group: &str) -> Self {
        let settings = Settings {
            runaway: |why| RUNAWAYS.lock().unwrap().push(why.to_owned()),
            ..Settings::default()
        };
        let lake = Lake::alone_with(settings);
        lake.commit(Table::Ticks, &[json!({"tick": "IBM", "price": 12_320})])
            .await;
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("secret.csv");
        std::fs::write(&secret, format!("{CANARY}\n1\n")).unwrap();
        let out = folder.path().join("out");
        let attacks = data::all(&secret.display().to_string(), &out.display().to_string());
        let only = std::env::var("ATTACKS").unwrap_or_default();
        let attacks = attacks.into_iter();
        let attacks = attacks.filter(|it| it.group == group && it.written.contains(&only));
        let attacks = attacks.collect();
        Self {
            lake,
            folder,
            attacks,
        }
    }

    /// What is wrong with what became of an attack.
    async fn judge(&self, attack: &Attack) -> Option<String> {
        let begun = Instant::now();
        let outcome = self
            .lake
            .sql
            .run(&attack.statement, Limits::default())
            .await;
        let took = begun.elapsed();
        let (status, said) = told(&outcome);
        let mut wrong = Vec::new();
        if !attack.wanted.allows(status) {
            wrong.push(format!("{:?} wanted", attack.wanted));
        }
        let place = self.lake.path().display().to_string();
        if said.contains(CANARY) || said.contains(&place) {
            wrong.push("it tells what is kept from it".to_owned());
        }
        if took > Limits::default().timeout + Duration::from_secs(5) {
            wrong.push("it is late".to_owned());
        }
        if std::env::var_os("ATTACKS").is_some() {
            eprintln!("{took:?} {status} {attack:.200}");
        }
        let said: String = said.chars().take(300).collect();
        (!wrong.is_empty()).then(|| {
            let attack: String = attack.to_string().chars().take(300).collect();
            format!(
                "{attack}\n    {status} after {took:?}: {said}\n    {}",
                wrong.join(", ")
            )
        })
    }

    /// What is wrong with what they left behind.
    async fn judge_after(&self) -> Option<String> {
        // Other tests' statements are among them, and end as well; those that begin meanwhile are none of ours.
        let mut running = statements();
        let deadline = Instant::now() + Duration::from_secs(60);
        while !running.is_empty() && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let now = statements();
            running.retain(|thread| now.contains(thread));
        }
        if !running.is_empty() {
            return Some("a statement goes on and on".to_owned());
        }
        let runaways = RUNAWAYS.lock().unwrap().clone();
        if !runaways.is_empty() {
            return Some(format!("{runaways:?}"));
        }
        let left: Vec<_> = std::fs::read_dir(self.folder.path()).unwrap().collect();
        if left.len() != 1 {
            return Some(format!("{left:?}"));
        }
        let rows = self.lake.run("SELECT tick FROM ticks").await;
        (told(&rows).0 != 200).then(|| format!("the next statement: {rows:?}"))
    }
}

/// The status that the Lake API answers with, and what it says.
fn told(outcome: &Result<Answer, SqlError>) -> (u16, String) {
    match outcome {
        Ok(answer) if answer.row_count() > Limits::default().rows => (500, "too many rows".into()),
        Ok(answer) => match Format::Json.write(answer, Duration::ZERO, 6 << 20) {
            Ok(bytes) => (200, String::from_utf8_lossy(&bytes).into_owned()),
            Err(large) => (422, large.to_string()),
        },
        Err(error) => {
            let status = match error {
                SqlError::Forbidden { .. } => 403,
                SqlError::TimedOut { .. } => 504,
                SqlError::Storage(_) | SqlError::Start(_) => 503,
                SqlError::Broken { .. } => 500,
                _ => 422,
            };
            (status, error.to_string())
        }
    }
}

/// The threads of statements in this process.
fn statements() -> BTreeSet<OsString> {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let is_statement = |thread: &DirEntry| {
        let name = std::fs::read_to_string(thread.path().join("comm"));
        name.is_ok_and(|name| name.trim_end() == "sql")
    };
    threads
        .filter_map(Result::ok)
        .filter(is_statement)
        .map(|thread| thread.file_name())
        .collect()
}

/// Each on its own, but for those that are stopped after a time: these are together.
async fn withstand(group: &str) {
    let target = Target::new(group).await;
    let together = |attack: &&Attack| group == "time" && attack.wanted == Wanted::Stopped;
    let mut wrong = Vec::new();
    for attack in target.attacks.iter().filter(|it| !together(it)) {
        wrong.extend(target.judge(attack).await);
        wrong.extend(
            target
                .judge_after()
                .await
                .map(|what| format!("after {attack:.200}: {what}")),
        );
        RUNAWAYS.lock().unwrap().clear();
    }
    let together = target.attacks.iter().filter(together);
    wrong.extend(
        join_all(together.map(|it| target.judge(it)))
            .await
            .into_iter()
            .flatten(),
    );
    wrong.extend(target.judge_after().await);
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        target.attacks.len(),
        wrong.join("\n")
    );
}

#[tokio::test]
async fn catalogs() {
    withstand("catalogs").await;
}

#[tokio::test]
async fn files() {
    withstand("files").await;
}

#[tokio::test]
async fn memory() {
    withstand("memory").await;
}

#[tokio::test]
async fn nesting() {
    withstand("nesting").await;
}

#[tokio::test]
async fn settings() {
    withstand("settings").await;
}

#[tokio::test]
async fn time() {
    withstand("time").await;
}

#[tokio::test]
async fn unicode() {
    withstand("unicode").await;
}

#[tokio::test]
async fn urls() {
    withstand("urls").await;
}

#[tokio::test]
async fn writes() {
    withstand("writes").await;
}

#[test]
fn attacks_are_what_their_files_say() {
    let attacks = data::all("/secret", "/out");
    for group in [
        "catalogs", "files", "memory", "nesting", "settings", "time", "unicode", "urls", "writes",
    ] {
        let of_group = attacks.iter().filter(|it| it.group == group);
        assert!(of_group.count() >= 10, "{group}");
    }
    let chain = attacks
        .iter()
        .find(|it| {
            it.statement
                .contains(", a2 AS (SELECT l.x FROM a1 l, a1 r)")
        })
        .unwrap();
    assert!(chain.statement.ends_with("FROM a40"));
    assert!(attacks.iter().all(|it| !it.statement.contains("\" x ")));
    let copy = attacks
        .iter()
        .find(|it| it.written.contains("'{out}'"))
        .unwrap();
    assert!(copy.statement.contains("'/out'"));
}
