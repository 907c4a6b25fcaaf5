//! The games' views: their columns, their rows, and nothing that stops at an empty class.

use lake::Table;
use serde_json::{Value, json};

use super::lakes::Lake;

const AUDIT: [&str; 4] = ["_topic", "_partition", "_offset", "_timestamp"];
const HEADERS: [&str; 5] = [
    "Accept",
    "Content-Length",
    "Content-Type",
    "User-Agent",
    "headers",
];

/// The views and their columns, as the systems that they stand for have them.
fn views() -> [(&'static str, Vec<&'static str>); 6] {
    let small = [
        "timestamp",
        "Accept",
        "Content-Length",
        "Content-Type",
        "Host",
        "User-Agent",
        "event_type",
        "headers",
    ];
    let small = [&small[..], &AUDIT].concat();
    let large = |own: &[&'static str]| {
        let first = ["event_ts", "userid", "Host", "event_type", "description"];
        [&first[..], own, &HEADERS, &AUDIT].concat()
    };
    [
        ("purchases", small.clone()),
        ("join_guild", small),
        (
            "purchase_events",
            large(&["item_type", "amount_purchased", "price"]),
        ),
        ("character_events", large(&[])),
        (
            "character_stats",
            large(&["level", "attack", "defense", "health"]),
        ),
        ("guild_events", large(&["guild_name"])),
    ]
}

async fn played() -> Lake {
    let lake = Lake::empty();
    let small = [
        json!({"event_type": "sword purchased", "Host": "user7.att.com", "_timestamp": 5, "_offset": 1}),
        json!({"event_type": "join_guild", "Host": "user8.cox.com", "headers": r#"{"X-A":"1"}"#}),
        json!({"event_type": "join_guild purchased"}),
        json!({"event_type": "purchased"}),
        json!({"event_type": "something new"}),
    ];
    lake.commit(Table::Events, &small[..2]).await;
    lake.commit(Table::Events, &small[2..]).await;
    let large = [
        json!({"event_type": "default"}),
        json!({"event_type": "purchase_sword", "userid": "001", "item_type": "sword", "amount_purchased": 3,
               "price": 100, "description": "very sharp steel sword", "_timestamp": 7}),
        json!({"event_type": "purchase_shield", "userid": "001"}),
        json!({"event_type": "purchase_potion", "userid": "001"}),
        json!({"event_type": "join_guild", "userid": "2", "guild_name": "O'Brien \"& sons\""}),
        json!({"event_type": "find_treasure", "userid": "2"}),
        json!({"event_type": "enemy_attack", "userid": "2"}),
        json!({"event_type": "defeat_enemy", "userid": "2"}),
        json!({"event_type": "take_potion", "userid": "3", "level": 0, "attack": 0, "defense": 0, "health": 20}),
        json!({"event_type": "level_up", "userid": "3", "level": 1, "attack": 200, "defense": 175, "health": 100}),
        json!({"event_type": "something new", "userid": "3"}),
    ];
    lake.commit(Table::GameEvents, &large).await;
    lake
}

#[tokio::test]
async fn views_are_there_and_empty_before_the_first_event() {
    let lake = Lake::empty();
    for (view, columns) in views() {
        let all = format!("SELECT * FROM {view}");
        assert_eq!(lake.names(&all).await, columns, "{view}");
        assert_eq!(lake.rows(&all).await, Vec::<Value>::new(), "{view}");
        let count = format!("SELECT COUNT(*) AS n FROM {view}");
        assert_eq!(lake.rows(&count).await, [json!({"n": 0})], "{view}");
    }
}

#[tokio::test]
async fn views_are_listed_and_describe_themselves() {
    let lake = Lake::empty();
    let listed = lake.rows("SHOW TABLES").await;
    for (view, columns) in views() {
        assert!(listed.contains(&json!({"table_name": view})), "{view}");
        let described = lake.rows(&format!("DESCRIBE {view}")).await;
        let names: Vec<_> = described
            .iter()
            .map(|row| row["column_name"].as_str().unwrap())
            .collect();
        assert_eq!(names, columns, "{view}");
        assert_eq!(described[0]["data_type"], "timestamp(ms, UTC)", "{view}");
        assert_eq!(described[0]["is_nullable"], false, "{view}");
    }
}

#[tokio::test]
async fn views_show_the_events_of_their_types() {
    let lake = played().await;
    for (view, count) in [
        ("events", 5),
        ("purchases", 2),
        ("join_guild", 1),
        ("game_events", 11),
        ("purchase_events", 3),
        ("character_events", 3),
        ("character_stats", 2),
        ("guild_events", 1),
    ] {
        let rows = lake
            .rows(&format!(
                "SELECT COUNT(*) AS n, MAX(_timestamp) AS t FROM {view}"
            ))
            .await;
        assert_eq!(rows[0]["n"], count, "{view}");
        assert!(rows[0]["t"].is_string(), "{view}");
    }
    assert_eq!(
        lake.rows(
            "SELECT timestamp, host, Event_Type, _offset FROM Purchases WHERE Host LIKE '%att%'"
        )
        .await,
        [
            json!({"timestamp": "1970-01-01T00:00:00.005Z", "Host": "user7.att.com",
                "event_type": "sword purchased", "_offset": 1})
        ]
    );
    assert_eq!(
        lake.rows("SELECT event_ts, userid, item_type, amount_purchased * price AS paid FROM PURCHASE_EVENTS WHERE amount_purchased > 1")
            .await,
        [json!({"event_ts": "1970-01-01T00:00:00.007Z", "userid": "001", "item_type": "sword", "paid": 300})]
    );
    assert_eq!(
        lake.rows("SELECT guild_name, COUNT(DISTINCT userid) AS members FROM guild_events GROUP BY guild_name")
            .await,
        [json!({"guild_name": "O'Brien \"& sons\"", "members": 1})]
    );
    assert_eq!(
        lake.rows("SELECT s.userid, SUM(s.health) AS h FROM character_stats s LEFT JOIN guild_events g ON g.userid = s.userid GROUP BY s.userid")
            .await,
        [json!({"userid": "3", "h": 120})]
    );
}
