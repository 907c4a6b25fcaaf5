//! Data of every kind, made the way users make it: exchanges tick, customers check and trade, players play.

use reqwest::Method;
use reqwest::header::HOST;
use serde_json::json;

use crate::http::{client, send};
use crate::kafka;
use crate::stack::Stack;

/// Start prices that the walk below moves around, a few of each exchange.
const WALKING: [(&str, f64); 8] = [
    ("IBM", 123.20),
    ("AAPL", 125.35),
    ("AMZN", 3159.50),
    ("DELL", 81.70),
    ("HPQ", 28.00),
    ("VZ", 57.10),
    ("NVDA", 580.00),
    ("EBAY", 59.40),
];

/// Windows of 20 s that `prices` fills.
pub const WINDOWS: u32 = 30;

/// The start prices of both exchanges, then prices that move for ten minutes; all six portfolios are evaluated in
/// every window but the last. Answers after the evaluations can be read.
pub async fn prices(stack: &Stack) {
    for exchange in ["se1", "se2"] {
        let event = json!({"exchange": exchange, "ticks": 12, "pace": "burst", "start": "2026-03-20T15:38:01Z"});
        stack.invoke("exchange", &event).await;
    }
    let mut ticks = Vec::new();
    for window in 1..=WINDOWS {
        for (at, (tick, start)) in (0u32..).zip(WALKING) {
            let wave = f64::from(window * (at + 2)).sin() + f64::from(window) / 15.0 - 1.0;
            let second = 60 * 38 + 20 * window + 3 + at;
            let time = format!("2026-03-20 15:{:02}:{:02}.000000", second / 60, second % 60);
            let price = format!("{:.2}", start * (1.0 + wave / 50.0));
            ticks.push(json!({"TICK": tick, "PRICE": price, "TS": time}).to_string());
        }
    }
    let values: Vec<&[u8]> = ticks.iter().map(String::as_bytes).collect();
    kafka::publish(&stack.run.kafka, "StockExchange", &values).await;
    let wanted = i64::from(6 * WINDOWS);
    stack
        .sql_until("SELECT COUNT(*) AS n FROM evaluations", |rows| {
            rows[0]["n"].as_i64() >= Some(wanted)
        })
        .await;
}

/// Checks, purchases and sales of every kind of stock, some more often than others.
pub async fn customers(stack: &Stack) {
    let stocks = &stack.run.stocks;
    let tickers = [
        "MSFT", "AAPL", "AMZN", "GOOG", "BABA", "FB", "INTC", "NVDA", "CRM", "PYPL", "TSLA", "AMD",
    ];
    calls(Method::GET, vec![format!("{stocks}/")]).await;
    for (at, ticker) in tickers.iter().enumerate() {
        calls(Method::GET, vec![format!("{stocks}/{ticker}"); 1 + at % 5]).await;
        let operations = (0..=at % 3).map(|n| {
            let action = if (at + n) % 2 == 0 { "buy" } else { "sell" };
            format!("{stocks}/{ticker}/{action}/{}", 1 + (7 * at + 3 * n) % 50)
        });
        calls(Method::POST, operations.collect()).await;
    }
    stack
        .sql_until(
            "SELECT COUNT(DISTINCT stock_name) AS n FROM stock_operation",
            |rows| rows[0]["n"] == 12,
        )
        .await;
}

/// Both games: items bought from six providers, and players of three guilds at everything that they can do.
pub async fn players(stack: &Stack) {
    let games = &stack.run.games;
    let providers = ["comcast", "att", "google", "frontier", "cox", "earthlink"];
    let items = ["sword", "shield", "helmet", "knife", "gauntlet"];
    for (at, provider) in providers.iter().enumerate() {
        let host = format!("user{}.{provider}.com", 7 * at + 1);
        for item in &items[..=at % items.len()] {
            call(&format!("{games}/purchase/{item}"), &host).await;
        }
        call(&format!("{games}/join_a_guild"), &host).await;
    }
    let guilds = [
        "Knights of the Round Table",
        "Game of Thrones",
        "Castle of Rock",
    ];
    for user in 1..=12 {
        let host = format!("user-00{user}.comcast.com");
        let guild = guilds[user % 3].replace(' ', "%20");
        let mut routes = vec![
            format!("purchase_a_sword/?userid={user}&n={}", 1 + user % 10),
            format!("purchase_a_shield/?userid={user}&n={}", 1 + user % 5),
            format!("purchase_a_potion/?userid={user}&n={}", 5 * user),
            format!("take_potion/?userid={user}&n={}", 1 + user % 3),
            format!("join_guild/?userid={user}&guild_name={guild}"),
            format!("enemy_attack/?userid={user}"),
        ];
        for deed in ["find_treasure", "defeat_enemy", "level_up"] {
            routes.extend(vec![format!("{deed}/?userid={user}"); user % 4]);
        }
        for route in routes {
            call(&format!("{games}/{route}"), &host).await;
        }
    }
    stack
        .sql_until(
            "SELECT COUNT(DISTINCT userid) AS n FROM guild_events",
            |rows| rows[0]["n"] == 12,
        )
        .await;
}

async fn calls(method: Method, urls: Vec<String>) {
    for url in urls {
        let answer = send(client().request(method.clone(), &url)).await;
        assert!(answer.status < 300, "{url}: {}", answer.text());
    }
}

async fn call(url: &str, host: &str) {
    let answer = send(client().get(url).header(HOST, host)).await;
    assert_eq!(answer.status, 200, "{url}: {}", answer.text());
}
