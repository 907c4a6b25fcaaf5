//! Attacks on the SQL endpoint of the real function: refused or given up, its memory bounded, the next one answered.

use serde_json::json;
use tests::http::{client, send};
use tests::memory;
use tests::stack::Stack;

use crate::attacks::{self, Attack, Wanted};

/// Of each group, so many that take no time, and one that is given up.
const EACH: usize = 4;
/// What the template gives to the function, in MiB.
const MEMORY: u64 = 2048;

#[tokio::test(flavor = "multi_thread")]
async fn no_statement_gets_out_of_the_real_function() {
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    let folder = tempfile::tempdir().unwrap();
    let (secret, out) = (folder.path().join("secret.csv"), folder.path().join("out"));
    std::fs::write(&secret, "canary-5f1c9b\n1\n").unwrap();
    let before = stack.pids(&["query"]);
    let attacks = attacks::all(&secret.display().to_string(), &out.display().to_string());
    let mut wrong = Vec::new();
    let mut asked = 0;
    for attack in sample(&attacks) {
        asked += 1;
        let body = json!({"sql": attack.statement}).to_string();
        let answer = client()
            .post(format!("{}/api/sql", stack.run.lake))
            .header("content-type", "application/json")
            .body(body);
        let answer = send(answer).await;
        if !attack.wanted.allows(answer.status) {
            let said: String = answer.text().chars().take(300).collect();
            wrong.push(format!(
                "{attack:.200}: {} instead of {:?}: {said}",
                answer.status, attack.wanted
            ));
        }
        if answer.status != 200 {
            answer.problem(answer.status);
        }
        for kept in ["canary-5f1c9b", &stack.data().display().to_string()] {
            assert!(
                !answer.text().contains(kept),
                "{attack:.200}: {}",
                answer.text()
            );
        }
        assert_eq!(
            stack.sql("SELECT 1 AS one").await,
            [json!({"one": 1})],
            "after {attack:.200}"
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(!out.exists());
    assert_eq!(
        stack.pids(&["query"]),
        before,
        "the function's processes are the same"
    );
    let peaks: Vec<u64> = before.into_iter().filter_map(memory::peak).collect();
    assert!(peaks.iter().all(|peak| *peak < MEMORY), "{peaks:?} MiB");
    eprintln!("{asked} attacks; peaks of the function's processes in MiB: {peaks:?}");
}

fn sample(attacks: &[Attack]) -> Vec<&Attack> {
    let mut groups: Vec<&str> = attacks.iter().map(|attack| attack.group).collect();
    groups.dedup();
    let mut sample = Vec::new();
    for group in groups {
        let of = |stopped: bool| {
            let of_group = attacks.iter().filter(move |attack| attack.group == group);
            of_group.filter(move |attack| (attack.wanted == Wanted::Stopped) == stopped)
        };
        // From the first to the last of a group, evenly.
        let step = (of(false).count() / EACH).max(1);
        sample.extend(of(false).step_by(step));
        sample.extend(of(true).take(1));
    }
    sample
}
