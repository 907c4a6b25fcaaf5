//! System 4, the exchanges: ticks, the same for the same seed, and what is no tick.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tests::stack::Stack;
use tests::{eventually, kafka};

#[tokio::test(flavor = "multi_thread")]
async fn ticks_are_stored_and_garbage_stops_nothing() {
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    let start = "2022-03-20 15:38:01.123456";
    for exchange in ["se1", "se2"] {
        let event = json!({"exchange": exchange, "ticks": 12, "pace": "burst", "start": start});
        let answer = stack.invoke("exchange", &event).await;
        assert_eq!(answer["published"], 12, "{answer}");
    }
    let ticks = kafka::values(&stack.run.kafka, "StockExchange");
    assert_eq!(
        ticks[0],
        json!({"TICK": "IBM", "PRICE": "123.20", "TS": start}),
        "start prices first"
    );
    stack
        .sql_until("SELECT DISTINCT tick FROM ticks", |rows| rows.len() == 24)
        .await;

    // Garbage of every kind, a tick encoded twice as the original did, and a good one.
    let twice = serde_json::to_string(
        &json!({"TICK": "IBM", "PRICE": "124.00", "TS": "2022-03-20 15:38:05.000000"}).to_string(),
    );
    let deep = "[".repeat(10_000);
    let values: [&[u8]; 8] = [
        b"garbage",
        b"",
        b"\xff\xfe",
        deep.as_bytes(),
        br#"{"TICK":"NOPE","PRICE":"1.00","TS":"2022-03-20 15:38:05.000000"}"#,
        br#"{"TICK":"IBM","PRICE":"1.00","TS":"2099-01-01 00:00:00.000000"}"#,
        twice.as_ref().unwrap().as_bytes(),
        br#"{"TICK":"AAPL","PRICE":"126.00","TS":"2022-03-20 15:38:06.000000"}"#,
    ];
    kafka::publish(&stack.run.kafka, "StockExchange", &values).await;
    stack
        .sql_until("SELECT COUNT(*) AS n FROM ticks", |rows| rows[0]["n"] == 26)
        .await;
    let dead = stack
        .sql(r#"SELECT topic, "offset", reason FROM dead_letter ORDER BY "offset""#)
        .await;
    assert_eq!(dead.len(), 6, "{dead:?}");
    for (row, offset) in dead.iter().zip(24..) {
        assert_eq!(
            (&row["topic"], &row["offset"]),
            (&json!("StockExchange"), &json!(offset))
        );
        assert!(!row["reason"].as_str().unwrap().is_empty(), "{row}");
    }
    let stored = stack
        .sql("SELECT price, ts, exchange FROM ticks WHERE tick = 'IBM' ORDER BY _offset")
        .await;
    assert_eq!(stored[0]["price"], "123.20");
    assert_eq!(stored[0]["ts"], "2022-03-20T15:38:01.123456Z");
    assert_eq!(stored[1]["price"], "124.00");
    assert_eq!(stored[0]["exchange"], "se1");
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_in_an_event_topic_reaches_dead_letter() {
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    let good = br#"{"event_type":"check_stock_GOOG","stock_name":"GOOG","query_timestamp":1700000000000.5,"New-Field":[1,2]}"#;
    kafka::publish(&stack.run.kafka, "stock_call", &[b"{not json", good]).await;
    let rows = stack
        .sql_until("SELECT stock_name, headers FROM stock_call", |rows| {
            rows.len() == 1
        })
        .await;
    assert!(
        rows[0]["headers"].as_str().unwrap().contains("New-Field"),
        "{rows:?}"
    );
    let dead = stack
        .sql("SELECT topic, value, reason FROM dead_letter")
        .await;
    assert_eq!((dead.len(), &dead[0]["topic"]), (1, &json!("stock_call")));

    // A header's name may be any bytes to Kafka. Rust's clients write UTF-8 only, kcat what it is given.
    let file = stack.data().join("record.json");
    std::fs::write(&file, good).unwrap();
    let produced = Command::new("kcat")
        .args(["-P", "-b", &stack.run.kafka, "-t", "stock_call"])
        .args(["-p", "0", "-H"])
        .arg(OsStr::from_bytes(b"\xff\xfe=1"))
        .arg(&file)
        .status();
    if let Ok(produced) = produced {
        assert!(produced.success(), "{produced}");
        stack
            .sql_until("SELECT stock_name FROM stock_call", |rows| rows.len() == 2)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_gives_the_same_ticks() {
    let stack = Stack::start(&[("SCHEDULES", "off")]).await;
    let event = json!({"exchange": "se1", "ticks": 100, "pace": "burst", "seed": 7, "start": "2022-03-20T15:38:00Z"});
    for _ in 0..2 {
        assert_eq!(stack.invoke("exchange", &event).await["published"], 100);
    }
    let other = json!({"exchange": "se1", "ticks": 100, "pace": "burst", "seed": 8, "start": "2022-03-20T15:38:00Z"});
    stack.invoke("exchange", &other).await;
    let ticks = kafka::values(&stack.run.kafka, "StockExchange");
    assert_eq!(ticks[..100], ticks[100..200]);
    assert_ne!(ticks[..100], ticks[200..]);
    within_five_percent(&ticks[..100]);
}

fn within_five_percent(ticks: &[Value]) {
    let price = |tick: &Value| tick["PRICE"].as_str().unwrap().parse::<f64>().unwrap();
    for tick in &ticks[12..] {
        let start = ticks[..12]
            .iter()
            .find(|first| first["TICK"] == tick["TICK"])
            .unwrap();
        let ratio = price(tick) / price(start);
        assert!((0.949..1.051).contains(&ratio), "{tick} from {start}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_bring_navs_of_all_portfolios() {
    let mut stack = Stack::start(&[]).await;
    eventually(
        "NAVs of all six portfolios",
        Duration::from_secs(90),
        || async {
            let answer = tests::http::get(format!("{}/api/portfolios", stack.run.lake)).await;
            let text = answer.text();
            let rows = answer.json();
            let rows = rows["rows"]
                .as_array()
                .or(rows.as_array())
                .or(rows["portfolios"].as_array())
                .cloned()
                .unwrap_or_default();
            if rows.len() == 6 && rows.iter().all(|row| !row["nav"].is_null()) {
                Ok(())
            } else {
                Err(text)
            }
        },
    )
    .await;
    assert_eq!(stack.sql("SELECT DISTINCT tick FROM ticks").await.len(), 24);

    // Both exchanges are always in the middle of something, and a stop does not wait for the end of their minute.
    let (status, _) = stack.stop();
    assert!(status.success(), "{}", stack.terminal());
    let log = stack.log("exchange");
    let interrupted = log.matches("invocation interrupted").count();
    assert!((1..=2).contains(&interrupted), "{log}");
}
