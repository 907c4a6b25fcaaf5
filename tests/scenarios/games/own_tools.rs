//! Players' own scripts, which call `ab`.

use std::io::Write;

use serde_json::json;
use tests::stack::Stack;
use tests::tools;

#[tokio::test(flavor = "multi_thread")]
async fn the_players_own_tools_work() {
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    let games = &stack.run.games;
    let mut posted = tempfile::NamedTempFile::new().unwrap();
    posted.write_all(b"{}").unwrap();
    let empty = tempfile::NamedTempFile::new().unwrap();
    let url = format!("{games}/purchase_a_sword/?userid=7&n=3");
    let host = "Host: user-007.comcast.com";
    let json = "application/json";
    let mut sent = 0;
    for arguments in [
        &["-n", "10", "-H", host, &url][..],
        &[
            "-n",
            "10",
            "-H",
            host,
            "-p",
            posted.path().to_str().unwrap(),
            "-T",
            json,
            &url,
        ],
        &[
            "-n",
            "10",
            "-H",
            host,
            "-p",
            empty.path().to_str().unwrap(),
            "-T",
            json,
            &url,
        ],
    ] {
        let Some(output) = tools::run("ab", arguments) else {
            return;
        };
        let report = tools::printed(&output);
        assert!(
            report.contains("Failed requests:        0") && !report.contains("Non-2xx"),
            "{report}"
        );
        sent += 10;
    }
    let stored = "SELECT Host, userid, amount_purchased, COUNT(*) AS n FROM purchase_events GROUP BY 1, 2, 3";
    let rows = stack
        .sql_until(stored, |rows| {
            rows.first().is_some_and(|row| row["n"] == sent)
        })
        .await;
    assert_eq!(
        rows,
        [json!({"Host": "user-007.comcast.com", "userid": "7", "amount_purchased": 3, "n": sent})]
    );
}
