//! System 4, the investors: NAVs every window, holdings that can be edited, CSVs that grow, statistics.

use std::time::Duration;

use serde_json::{Value, json};
use tests::http::{client, get, send};
use tests::stack::Stack;
use tests::{eventually, kafka};

/// NAVs at start prices, as systems.md has them.
const AT_START: [(&str, &str); 6] = [
    ("1.1", "10724420.00"),
    ("1.2", "590240.00"),
    ("2.1", "1187710.00"),
    ("2.2", "1451870.00"),
    ("3.1", "1286940.00"),
    ("3.2", "834255.00"),
];

#[tokio::test(flavor = "multi_thread")]
async fn from_start_prices_to_statistics() {
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    let lake = &stack.run.lake;
    for exchange in ["se1", "se2"] {
        let event = json!({"exchange": exchange, "ticks": 12, "pace": "burst", "start": "2022-03-20T15:38:01Z"});
        stack.invoke("exchange", &event).await;
    }
    // One tick past the window's end and the lateness closes it: IBM at 200.00.
    tick(&stack, "IBM", "200.00", "2022-03-20 15:38:23.000000").await;
    let first = evaluations(&stack, 6).await;
    for (row, (portfolio, nav)) in first.iter().zip(AT_START) {
        assert_eq!(
            (&row["portfolio"], &row["nav"]),
            (&json!(portfolio), &json!(nav))
        );
        assert_eq!(
            (&row["nav_change"], &row["nav_change_pct"]),
            (&json!("0.00"), &json!("0.00"))
        );
        assert_eq!(
            row["window_end"].as_str().unwrap().get(..19),
            Some("2022-03-20T15:38:20")
        );
    }

    // The next window: 1.1 holds 1000 IBM, 3.1 holds 900.
    tick(&stack, "IBM", "200.00", "2022-03-20 15:38:43.000000").await;
    let second = evaluations(&stack, 12).await;
    let row = second
        .iter()
        .find(|r| r["portfolio"] == "1.1" && r["nav_change"] != "0.00")
        .unwrap();
    assert_eq!(
        (&row["nav"], &row["nav_change"], &row["nav_change_pct"]),
        (&json!("10801220.00"), &json!("76800.00"), &json!("0.72"))
    );

    // What was published equals what is stored, byte for byte the message of systems.md.
    let published = eventually(
        "twelve evaluations published",
        Duration::from_secs(30),
        || async {
            let records = kafka::read(&stack.run.kafka, "portfolios");
            if records.len() >= 12 {
                Ok(records)
            } else {
                Err(format!("{}", records.len()))
            }
        },
    )
    .await;
    let text: Vec<_> = published
        .iter()
        .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
        .collect();
    let expected = r#"{"PORTFOLIO":"1.1","TIMESTAMP":"2022-03-20 15:38:40","NAV":10801220.00,"NAV_Change":76800.00,"NAV_Change_%":0.72}"#;
    assert!(text.iter().any(|value| value == expected), "{text:?}");
    assert!(
        published
            .iter()
            .any(|(key, value)| key == b"1.1" && value == expected.as_bytes())
    );

    let csv = get(format!("{lake}/csv/INVESTOR_1_PORTFOLIO_1.csv")).await;
    let lines: Vec<_> = csv.text().lines().map(str::to_owned).collect();
    assert_eq!(lines[0], "PORTFOLIO,TIMESTAMP,NAV,NAV_Change,NAV_Change_%");
    assert_eq!(lines[1], "1.1,2022-03-20 15:38:20,10724420.00,0.00,0.00");
    assert_eq!(
        lines[2],
        "1.1,2022-03-20 15:38:40,10801220.00,76800.00,0.72"
    );
    assert!(
        get(format!("{lake}/csv/"))
            .await
            .text()
            .contains("INVESTOR_3_PORTFOLIO_2.csv")
    );

    // An interval, both ends included, and the statistics over it computed another way.
    let path = format!("{lake}/api/portfolios/1.1/evaluations");
    let interval = format!("{path}?from=2022-03-20T15:38:20Z&to=2022-03-20T15:38:40Z");
    assert_eq!(get(interval).await.json()["row_count"], 2);
    assert_eq!(
        get(format!("{path}?from=2022-03-20T15:38:21Z"))
            .await
            .json()["row_count"],
        1
    );
    let statistics = get(format!("{lake}/api/portfolios/statistics"))
        .await
        .json();
    let row = statistics["rows"]
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r.to_string().contains("\"1.1\""))
        .unwrap()
        .clone();
    assert_eq!(row["Average_Valuation"], "10762820.00", "{row}");
    assert_eq!(row["Std_Dev"], "54305.80", "{row}");
    assert_eq!(row["Biggest_Spread"], "0.01", "{row}");

    holdings(&stack).await;
}

/// Holdings are edited; the window after the edit uses them, and what was published stays.
async fn holdings(stack: &Stack) {
    let portfolio = format!("{}/api/portfolios/1.2", stack.run.lake);
    let edit = json!({"investor": 1, "portfolio": 2, "holdings": {"IBM": 10}, "active": true});
    let answer = send(client().put(&portfolio).json(&edit)).await;
    assert!((200..300).contains(&answer.status), "{}", answer.text());
    assert_eq!(get(&portfolio).await.json()["holdings"], json!({"IBM": 10}));
    let bad = json!({"investor": 1, "portfolio": 2, "holdings": {"NOPE": 10}, "active": true});
    send(client().put(&portfolio).json(&bad)).await.problem(422);
    let created = format!("{}/api/portfolios/7.1", stack.run.lake);
    let new = json!({"investor": 7, "portfolio": 1, "holdings": {"IBM": 1}, "active": true});
    assert!((200..300).contains(&send(client().put(&created).json(&new)).await.status));

    // The window that was open at the edit keeps its holdings; the one after it has the new ones.
    tick(stack, "IBM", "300.00", "2022-03-20 15:39:03.000000").await;
    let third = evaluations(stack, 18).await;
    assert_eq!(
        nav_at(&third, "1.2", "2022-03-20T15:39:00").as_deref(),
        Some("590240.00")
    );
    tick(stack, "IBM", "300.00", "2022-03-20 15:39:23.000000").await;
    let fourth = evaluations(stack, 25).await;
    assert_eq!(
        nav_at(&fourth, "1.2", "2022-03-20T15:39:20").as_deref(),
        Some("3000.00")
    );
    assert_eq!(
        nav_at(&fourth, "7.1", "2022-03-20T15:39:20").as_deref(),
        Some("300.00")
    );
    assert_eq!(send(client().delete(&created)).await.status / 100, 2);
    get(&created).await.problem(404);
    assert!(
        get(format!("{}/csv/", stack.run.lake))
            .await
            .text()
            .contains("INVESTOR_7_PORTFOLIO_1.csv")
    );
}

async fn tick(stack: &Stack, ticker: &str, price: &str, time: &str) {
    let value = json!({"TICK": ticker, "PRICE": price, "TS": time}).to_string();
    kafka::publish(&stack.run.kafka, "StockExchange", &[value.as_bytes()]).await;
}

/// The evaluations as soon as there are `count`.
async fn evaluations(stack: &Stack, count: usize) -> Vec<Value> {
    let query = "SELECT * FROM evaluations ORDER BY window_start, investor, portfolio_no";
    let rows = stack.sql_until(query, |rows| rows.len() >= count).await;
    assert_eq!(rows.len(), count, "{rows:?}");
    rows
}

fn nav_at(rows: &[Value], portfolio: &str, window_end: &str) -> Option<String> {
    let row = rows.iter().find(|r| {
        r["portfolio"] == portfolio && r["window_end"].as_str().unwrap().starts_with(window_end)
    })?;
    Some(row["nav"].as_str().unwrap().to_owned())
}
