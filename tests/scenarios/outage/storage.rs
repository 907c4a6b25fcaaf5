//! The lake's folder is away, or its disk is full.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tests::calls::Calls;
use tests::eventually;
use tests::http::{client, send};
use tests::memory;
use tests::stack::Stack;

use super::SETTINGS;

/// A lake that is moved away, as a disk is that is not mounted any more.
pub(super) struct Away {
    lake: PathBuf,
    elsewhere: PathBuf,
}

impl Away {
    pub(super) fn take(stack: &Stack) -> Self {
        let (lake, elsewhere) = (stack.data().join("lake"), stack.data().join("elsewhere"));
        fs::rename(&lake, &elsewhere).unwrap();
        Self { lake, elsewhere }
    }

    pub(super) fn bring_back(self) {
        assert!(!self.lake.exists(), "nobody made another lake in its place");
        fs::rename(&self.elsewhere, &self.lake).unwrap();
    }
}

/// Waits until a function has said in its log that storage does not do what it shall.
async fn complains(stack: &Stack, reason: &str) {
    eventually(reason, Duration::from_secs(30), || async {
        let log = stack.log("archive");
        log.contains(reason).then_some(()).ok_or(log)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_that_is_away_is_waited_for() {
    let stack = Stack::start(&SETTINGS).await;
    let mut calls = Calls::default();
    calls.make(&stack, 30, 8).await;
    calls.all_arrive(&stack).await;

    let away = Away::take(&stack);
    calls.make(&stack, 100, 8).await;
    assert_eq!(calls.acknowledged(), 130, "the broker has them");
    complains(&stack, "not archived").await;
    // Not the rows of a lake that is empty.
    let answer = stack.ask("SELECT COUNT(*) FROM game_events").await;
    answer.problem(503);
    assert!(answer.header("retry-after").parse::<u32>().is_ok());
    away.bring_back();
    calls.make(&stack, 20, 8).await;
    calls.all_arrive(&stack).await;
    memory::assert_bounded(&stack);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_waited_for() {
    let data = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(&data.path().join("lake")) else {
        // Past the test runner, which keeps to itself what a test prints that does not fail.
        let mut terminal = std::io::stderr();
        let note = "skipped: a full disk, for only root may mount one of its own (tmpfs)";
        writeln!(terminal, "{note}").unwrap();
        return;
    };
    let mut stack = Stack::start_in(data, &SETTINGS).await;
    let mut calls = Calls::default();
    calls.make(&stack, 30, 8).await;
    calls.all_arrive(&stack).await;

    disk.fill();
    calls.make(&stack, 100, 8).await;
    assert_eq!(calls.acknowledged(), 130, "the broker has them");
    complains(&stack, "No space left on device").await;
    let answer = stack.ask("SELECT COUNT(*) FROM game_events").await;
    assert_eq!(answer.status, 200, "it can be read: {}", answer.text());
    let holdings = json!({"investor": 4, "portfolio": 1, "holdings": {"IBM": 1}, "active": true});
    let url = format!("{}/api/portfolios/4.1", stack.run.lake);
    let answer = send(client().put(url).json(&holdings)).await;
    answer.problem(503);
    assert!(answer.header("retry-after").parse::<u32>().is_ok());
    disk.relieve();
    calls.make(&stack, 20, 8).await;
    calls.all_arrive(&stack).await;
    memory::assert_bounded(&stack);
    // Before the folder goes that it is mounted in.
    stack.stop();
    drop(disk);
}

/// A disk of 8 MiB, unmounted when dropped.
struct Disk {
    at: PathBuf,
}

impl Disk {
    fn mount(at: &Path) -> Option<Self> {
        fs::create_dir(at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m", "tidemill-test"])
            .arg(at)
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then(|| Self { at: at.to_owned() })
    }

    fn filler(&self) -> PathBuf {
        self.at.join(".filler")
    }

    fn fill(&self) {
        let full = fs::write(self.filler(), vec![0; 9 << 20]).unwrap_err();
        assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    }

    fn relieve(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a system that is still there when a test failed goes on with what it has open.
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}
