//! What a restart must not lose, and must not double.

use reqwest::Method;
use serde_json::{Value, json};
use tests::http::get;
use tests::load;
use tests::stack::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_every_row_once_and_adds_new_ones() {
    // A batching window far longer than the test: only the drain at the stop can bring the rows in.
    let mut stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "300")]).await;
    for exchange in ["se1", "se2"] {
        let event = json!({"exchange": exchange, "ticks": 12, "pace": "burst", "start": "2022-03-20T15:38:01Z"});
        stack.invoke("exchange", &event).await;
    }
    let burst =
        json!({"exchange": "se1", "ticks": 30, "pace": "burst", "start": "2022-03-20T15:38:30Z"});
    stack.invoke("exchange", &burst).await;
    load::run(
        Method::GET,
        &format!("{}/GOOG", stack.run.stocks),
        100,
        8,
        200,
    )
    .await;
    stack.restart().await;

    assert_eq!(
        stack.count("SELECT COUNT(*) FROM stock_call").await,
        100,
        "{}",
        stack.terminal()
    );
    assert_eq!(stack.count("SELECT COUNT(*) FROM ticks").await, 54);
    let before = stack
        .sql("SELECT * FROM evaluations ORDER BY window_start, portfolio")
        .await;
    assert!(before.len() >= 6, "{before:?}");

    load::run(
        Method::GET,
        &format!("{}/GOOG", stack.run.stocks),
        50,
        8,
        200,
    )
    .await;
    let burst =
        json!({"exchange": "se1", "ticks": 30, "pace": "burst", "start": "2022-03-20T15:45:00Z"});
    stack.invoke("exchange", &burst).await;
    stack.restart().await;
    assert_eq!(stack.count("SELECT COUNT(*) FROM stock_call").await, 150);
    let after = stack
        .sql("SELECT * FROM evaluations ORDER BY window_start, portfolio")
        .await;
    assert_eq!(
        after[..before.len()],
        before[..],
        "what was evaluated stays as it was"
    );
    assert!(after.len() > before.len());

    // Prices and NAVs went over the restart: the first new window knows the change since the last old one.
    let last =
        |rows: &[Value]| rows.iter().rfind(|row| row["portfolio"] == "1.1").unwrap()["nav"].clone();
    let next = after[before.len()..]
        .iter()
        .find(|row| row["portfolio"] == "1.1")
        .unwrap();
    let change = number(&next["nav"]) - number(&last(&before));
    assert!(
        (change - number(&next["nav_change"])).abs() < 0.005,
        "{next}"
    );
    let repeated = "SELECT window_start, portfolio FROM evaluations GROUP BY window_start, portfolio HAVING COUNT(*) > 1";
    assert_eq!(stack.sql(repeated).await, Vec::<Value>::new());
    assert_eq!(get(format!("{}/health", stack.run.lake)).await.status, 200);
}

fn number(value: &Value) -> f64 {
    value.as_str().unwrap().parse().unwrap()
}
