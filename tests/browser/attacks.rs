//! Text that would be code, sent wherever text is taken: it comes out as text.

use reqwest::Url;
use reqwest::header::HOST;
use tests::browser::{Browser, Look};
use tests::http::{client, send};
use tests::stack::Stack;

const MARKUP: &str = "<img id=injected src=x onerror=window.injected=1>";

/// Each ends whatever it might stand in: an element, an attribute, a string of SQL or of a script, a cell, a path.
const ATTACKS: [&str; 6] = [
    MARKUP,
    "\"><script id=injected>window.injected=1</script>",
    "' onmouseover='window.injected=1' id='injected",
    "'; DROP TABLE game_events; --",
    "=HYPERLINK(\"http://127.0.0.1/\",\"won\")",
    "../../../../etc/passwd",
];

/// The pages that show what players sent.
const SHOWING: [&str; 6] = [
    "/",
    "/behaviour",
    "/reports/player-standings",
    "/reports/player-purchases",
    "/reports/guild-membership",
    "/reports/analytics",
];

#[tokio::test(flavor = "multi_thread")]
async fn text_that_would_be_code_stays_text() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    for attack in ATTACKS {
        play(&stack, attack).await;
    }
    let wanted = i64::try_from(ATTACKS.len()).unwrap();
    stack
        .sql_until(
            "SELECT COUNT(DISTINCT guild_name) AS n FROM guild_events",
            |rows| rows[0]["n"] == wanted,
        )
        .await;

    let lake = &stack.run.lake;
    for path in SHOWING {
        inert(&browser, &format!("{lake}{path}")).await;
    }
    for attack in ATTACKS {
        let statement = format!("SELECT '{}' AS said", attack.replace('\'', "''"));
        let asked = Url::parse_with_params(&format!("{lake}/sql"), [("q", &statement)]).unwrap();
        inert(&browser, asked.as_str()).await;
        assert!(browser.text().await.contains(attack), "the answer has it");
        // Broken as well as whole: the message repeats what could not be read.
        let broken = Url::parse_with_params(&format!("{lake}/sql"), [("q", attack)]).unwrap();
        inert(&browser, broken.as_str()).await;
        for place in ["prices", "portfolios", "questions", "reports"] {
            let mut url = Url::parse(lake).unwrap();
            url.path_segments_mut().unwrap().extend([place, attack]);
            inert(&browser, url.as_str()).await;
        }
    }
    let stored = "SELECT userid, guild_name FROM guild_events ORDER BY event_ts";
    let asked = Url::parse_with_params(&format!("{lake}/sql"), [("q", stored)]).unwrap();
    inert(&browser, asked.as_str()).await;
    let text = browser.text().await;
    assert!(text.contains(MARKUP), "shown as it was sent: {text}");
}

/// One player who calls herself, her guild, her item and her host after the attack.
async fn play(stack: &Stack, attack: &str) {
    let games = &stack.run.games;
    let mut purchase = Url::parse(games).unwrap();
    purchase
        .path_segments_mut()
        .unwrap()
        .extend(["purchase", attack]);
    let guild = Url::parse_with_params(
        &format!("{games}/join_guild/"),
        [("userid", attack), ("guild_name", attack)],
    );
    let sword = Url::parse_with_params(
        &format!("{games}/purchase_a_sword/"),
        [("userid", attack), ("n", "3")],
    );
    let level = Url::parse_with_params(&format!("{games}/level_up/"), [("userid", attack)]);
    for url in [guild.unwrap(), sword.unwrap(), level.unwrap()] {
        let answer = send(client().get(url.clone()).header(HOST, attack)).await;
        assert_eq!(answer.status, 200, "{url}: {}", answer.text());
    }
    // An item may be refused, but not with a fault of ours.
    let answer = send(client().get(purchase).header(HOST, attack)).await;
    assert!(answer.status < 500, "{}", answer.text());
}

/// Opens a page and finds that nothing of an attack has become an element, a script or a dialog.
async fn inert(browser: &Browser, url: &str) {
    browser.open(url, Look::Light).await;
    assert!(browser.get_alert_text().await.is_err(), "{url}: a dialog");
    let script = "return [document.querySelectorAll('#injected').length, window.injected ?? null]";
    let found = browser.run(script, Vec::new()).await;
    assert_eq!(found, serde_json::json!([0, null]), "{url}");
    let refused: Vec<_> = browser.complaints().await;
    assert!(
        !refused
            .iter()
            .any(|line| line.contains("Content Security Policy")),
        "{url}: only the policy held it back: {refused:?}"
    );
}
