//! Functions that are killed, as when memory runs out, and functions that hang.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tests::calls::Calls;
use tests::memory;
use tests::stack::{Stack, workspace};

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
    let folder = tempfile::tempdir().unwrap();
    let template = folder.path().join("template.yaml");
    let text = std::fs::read_to_string(workspace().join("template.yaml")).unwrap();
    // Nobody wants to wait for a minute here.
    let hasty = text
        .replace("    Timeout: 30\n", "    Timeout: 3\n")
        .replace("      Timeout: 60\n", "      Timeout: 8\n");
    assert_ne!(text, hasty);
    std::fs::write(&template, hasty).unwrap();
    let settings = [
        SETTINGS[0],
        SETTINGS[1],
        ("--template", template.to_str().unwrap()),
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
