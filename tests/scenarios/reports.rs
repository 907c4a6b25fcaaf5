//! System 3: the three reports, and the one that the business is handed.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;
use tests::http::get;
use tests::stack::{Stack, binaries};

/// A userid that markup, SQL and a spreadsheet would trip over.
const ODD: &str = "=1+1<script>alert('x')</script>";

fn report(data: &Path, arguments: &[&str]) -> Output {
    Command::new(binaries().join("tidemill"))
        .arg("report")
        .args(arguments)
        .env("TIDEMILL_DATA", data)
        .output()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn players_and_the_business_get_their_reports() {
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    let (games, lake) = (&stack.run.games, &stack.run.lake);
    let odd: String = url(ODD);
    for path in [
        format!("level_up/?userid={odd}"),
        format!("level_up/?userid={odd}"),
        "level_up/?userid=8".to_owned(),
        "take_potion/?userid=8&n=30".to_owned(),
        format!("purchase_a_shield/?userid={odd}&n=4"),
        "purchase_a_potion/?userid=8&n=9".to_owned(),
        format!("join_guild/?userid=8&guild_name={odd}"),
    ] {
        assert_eq!(get(format!("{games}/{path}")).await.status, 200, "{path}");
    }
    stack
        .sql_until("SELECT COUNT(*) AS n FROM game_events", |rows| {
            rows[0]["n"] == 7
        })
        .await;

    let standings = get(format!("{lake}/api/reports/player-standings"))
        .await
        .json();
    assert_eq!(
        standings["rows"],
        json!([
            {"userid": ODD, "level": 2, "total_attack": 400, "total_defense": 350, "total_health": 200},
            {"userid": "8", "level": 1, "total_attack": 200, "total_defense": 175, "total_health": 400},
        ])
    );
    let purchases = get(format!("{lake}/api/reports/player-purchases?format=csv")).await;
    assert_eq!(
        purchases.text(),
        format!(
            "userid,sword_purchases,shield_purchases,potion_purchases\r\n8,0,0,9\r\n'{ODD},0,4,0\r\n"
        )
    );
    let guilds = get(format!("{lake}/reports/guild-membership")).await.text();
    assert!(guilds.contains("Guild Membership Report As of ") && !guilds.contains("<script>alert"));
    let page = get(format!("{lake}/reports/player-standings")).await.text();
    assert_eq!(page.matches("highest\"><strong>").count(), 4, "{page}");

    // The file for the business: whole, replaced in one step, and nothing beside it.
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("report.html");
    for _ in 0..2 {
        let output = report(stack.data(), &["--out", out.to_str().unwrap()]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(String::from_utf8_lossy(&output.stdout).contains("report.html"));
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let html = std::fs::read_to_string(&out).unwrap();
    assert!(html.ends_with("</html>\n") || html.ends_with("</html>"));
    assert!(
        html.contains("leads with level 2, against 1 of the second"),
        "{html}"
    );
    assert!(!html.contains("<script") && !html.contains("No answer"));

    let elsewhere = folder.path().join("nothing-runs-here");
    let refused = report(&elsewhere, &["--out", out.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("--url"), "{said}");
    assert_eq!(report(stack.data(), &[]).status.code(), Some(2));
    let named = report(&elsewhere, &["--out", out.to_str().unwrap(), "--url", lake]);
    assert!(
        named.status.success(),
        "{}",
        String::from_utf8_lossy(&named.stderr)
    );
}

/// Percent-encoded, every byte.
fn url(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
