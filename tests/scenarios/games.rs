//! Systems 2 and 3: players of both games, and what of their moves can be asked in SQL.

mod hostile;
mod own_tools;

use std::collections::BTreeMap;

use reqwest::header::HOST;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::http::{client, get, post, send};
use tests::kafka;
use tests::stack::Stack;

/// Route, event type, whether it takes POST, and the answer to user `u` with n = 2.
const MOVES: [(&str, &str, bool, &str); 9] = [
    (
        "purchase_a_sword",
        "purchase_sword",
        true,
        "USER u: 2  Sword(s) Purchased!",
    ),
    (
        "purchase_a_shield",
        "purchase_shield",
        true,
        "2  Shield(s) Purchased!",
    ),
    (
        "purchase_a_potion",
        "purchase_potion",
        true,
        "USER u: 2  Potion(s) Purchased!",
    ),
    (
        "join_guild",
        "join_guild",
        true,
        "Joined Castle of Rock Guild!",
    ),
    (
        "find_treasure",
        "find_treasure",
        false,
        "USER u: Treasure Found!",
    ),
    (
        "enemy_attack",
        "enemy_attack",
        false,
        "USER u: An enemy attacked!",
    ),
    ("defeat_enemy", "defeat_enemy", false, "u: Enemy defeated!"),
    (
        "take_potion",
        "take_potion",
        true,
        "USER u: 2  Potion(s) Used!",
    ),
    ("level_up", "level_up", false, "USER u: Leveled Up!"),
];

const VIEWS: [&str; 8] = [
    "events",
    "game_events",
    "purchases",
    "join_guild",
    "purchase_events",
    "character_events",
    "character_stats",
    "guild_events",
];

/// The same move in every way in which it can be sent.
fn every_way(games: &str, route: &str, takes_post: bool) -> Vec<RequestBuilder> {
    let query = "userid=u&n=2&guild_name=Castle+of+Rock";
    let url = format!("{games}/{route}");
    let mut ways = vec![
        client().get(format!("{url}?{query}")),
        client().get(format!("{url}/?{query}")),
    ];
    if takes_post {
        let form = "application/x-www-form-urlencoded";
        let members = json!({"userid": "u", "n": 2, "guild_name": "Castle of Rock"});
        ways.extend([
            client().post(format!("{url}/?{query}")),
            client().post(&url).header("Content-Type", form).body(query),
            client().post(format!("{url}/?n=9")).json(&members),
        ]);
    }
    ways
}

/// Waits until a table's events are counted by type as they were sent.
async fn arrive(stack: &Stack, table: &str, sent: &BTreeMap<String, i64>) {
    let query = format!("SELECT event_type, COUNT(*) AS n FROM {table} GROUP BY event_type");
    let counted = |rows: &[Value]| -> BTreeMap<String, i64> {
        let pair = |row: &Value| {
            let event_type = row["event_type"].as_str().unwrap().to_owned();
            (event_type, row["n"].as_i64().unwrap())
        };
        rows.iter().map(pair).collect()
    };
    let total: i64 = sent.values().sum();
    let rows = stack
        .sql_until(&query, |rows| counted(rows).values().sum::<i64>() >= total)
        .await;
    assert_eq!(counted(&rows), *sent, "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_move_of_both_games_is_a_row() {
    let mut stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    let games = stack.run.games.clone();
    let tables = get(format!("{}/api/tables", stack.run.lake)).await.json();
    for view in VIEWS {
        assert_eq!(
            stack.sql(&format!("SELECT * FROM {view}")).await,
            [] as [Value; 0]
        );
        let listed = tables["tables"].as_array().unwrap();
        assert!(listed.contains(&json!(view)), "{view} in {tables}");
        let described = get(format!("{}/api/tables/{view}", stack.run.lake)).await;
        assert_eq!(described.json()["rows"], 0, "{view}: {}", described.text());
    }

    let mut large: BTreeMap<String, i64> = BTreeMap::new();
    for (route, event_type, takes_post, words) in MOVES {
        for way in every_way(&games, route, takes_post) {
            let answer = send(way.header(HOST, "user-007.comcast.com")).await;
            assert_eq!((answer.status, answer.text().as_str()), (200, words));
            *large.entry(event_type.to_owned()).or_default() += 1;
        }
        let head = send(client().head(format!("{games}/{route}/"))).await;
        assert_eq!((head.status, head.body.len()), (200, 0), "HEAD follows GET");
    }
    assert_eq!(get(&games).await.text(), "This is the default response!");
    large.insert("default".to_owned(), 1);

    let mut small: BTreeMap<String, i64> = BTreeMap::new();
    for (method, route, words, event_type) in [
        (
            Method::GET,
            "purchase/sword",
            "sword Purchased!\n",
            "sword purchased",
        ),
        (
            Method::POST,
            "purchase/sword/",
            "sword Purchased!\n",
            "sword purchased",
        ),
        (
            Method::GET,
            "purchase/a%20knife%2F2",
            "a knife/2 Purchased!\n",
            "a knife/2 purchased",
        ),
        (
            Method::GET,
            "join_a_guild/",
            "Joined guild.\n",
            "join_guild",
        ),
        (
            Method::POST,
            "join_a_guild",
            "Joined guild.\n",
            "join_guild",
        ),
    ] {
        let request = client().request(method, format!("{games}/{route}"));
        let answer = send(request.header(HOST, "user7.att.com")).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, words));
        *small.entry(event_type.to_owned()).or_default() += 1;
    }

    arrive(&stack, "game_events", &large).await;
    arrive(&stack, "events", &small).await;
    let counts = |stack: &Stack| {
        let queries = VIEWS.map(|view| format!("SELECT COUNT(*) FROM {view}"));
        let lake = stack.run.lake.clone();
        async move {
            let mut counts = Vec::new();
            for query in queries {
                let answer = send(client().post(format!("{lake}/api/sql")).body(query)).await;
                counts.push(answer.json()["rows"][0]["COUNT(*)"].as_i64().unwrap());
            }
            counts
        }
    };
    let stored = counts(&stack).await;
    assert_eq!(stored, [5, large.values().sum(), 3, 2, 15, 6, 7, 5]);
    figures(&stack).await;
    assert_eq!(kafka::values(&stack.run.kafka, "events").len(), 5);

    stack.restart().await;
    assert_eq!(counts(&stack).await, stored, "a restart keeps every row");
    post(format!("{}/purchase_a_sword/", stack.run.games)).await;
    *large.entry("purchase_sword".to_owned()).or_default() += 1;
    arrive(&stack, "game_events", &large).await;
}

/// The columns hold what was sent.
async fn figures(stack: &Stack) {
    let hosts = "SELECT DISTINCT Host FROM game_events WHERE event_type <> 'default'";
    assert_eq!(
        stack.sql(hosts).await,
        [json!({"Host": "user-007.comcast.com"})]
    );
    let users = "SELECT DISTINCT userid FROM game_events WHERE event_type <> 'default'";
    assert_eq!(stack.sql(users).await, [json!({"userid": "u"})]);
    assert_eq!(
        stack
            .sql("SELECT item_type, SUM(amount_purchased) AS n, MAX(price) AS price FROM purchase_events GROUP BY item_type ORDER BY price")
            .await,
        [
            json!({"item_type": "potion", "n": 10, "price": 5}),
            json!({"item_type": "shield", "n": 10, "price": 50}),
            json!({"item_type": "sword", "n": 10, "price": 100}),
        ]
    );
    assert_eq!(
        stack
            .sql("SELECT event_type, SUM(level) AS l, SUM(attack) AS a, SUM(defense) AS d, SUM(health) AS h FROM character_stats GROUP BY event_type ORDER BY event_type")
            .await,
        [
            json!({"event_type": "level_up", "l": 2, "a": 400, "d": 350, "h": 200}),
            json!({"event_type": "take_potion", "l": 0, "a": 0, "d": 0, "h": 100}),
        ]
    );
    assert_eq!(
        stack
            .sql("SELECT DISTINCT guild_name, description FROM guild_events")
            .await,
        [json!({"guild_name": "Castle of Rock", "description": "a very large guild"})]
    );
    let small = "SELECT event_type, COUNT(*) AS n, MIN(timestamp) = MIN(_timestamp) AS same FROM purchases \
                 WHERE Host = 'user7.att.com' GROUP BY event_type ORDER BY n DESC";
    assert_eq!(
        stack.sql(small).await,
        [
            json!({"event_type": "sword purchased", "n": 2, "same": true}),
            json!({"event_type": "a knife/2 purchased", "n": 1, "same": true}),
        ]
    );
}
