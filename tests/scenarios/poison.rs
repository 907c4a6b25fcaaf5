//! Records that no producer of ours writes: each ends in its table or in `dead_letter`, and the partition goes on.

use serde_json::{Value, json};
use tests::kafka;
use tests::stack::Stack;

/// What becomes of a record.
enum Fate {
    /// A row of its table.
    Row,
    /// A dead letter with these words in its reason.
    Dead(&'static str),
}
use Fate::{Dead, Row};

/// `[[[…]]]` this deep.
fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// A record without a value.
const TOMBSTONE: Option<&[u8]> = None;

fn events(event_type: &str) -> Vec<(Vec<u8>, Fate)> {
    let event = |fields: &str| format!(r#"{{"event_type":"{event_type}"{fields}}}"#).into_bytes();
    let sixty = "1234567890".repeat(6);
    vec![
        (event(""), Row),
        (b"garbage".to_vec(), Dead("not an event in JSON")),
        (b"".to_vec(), Dead("the value is empty")),
        (b"null".to_vec(), Dead("not an event in JSON")),
        (b"\xff\xfe{}".to_vec(), Dead("not UTF-8")),
        (nested(10_000).into_bytes(), Dead("not an event in JSON")),
        (event(&format!(r#","Deep":{}"#, nested(10_000))), Row),
        (
            event(&format!(r#","Host":{}"#, nested(10_000))),
            Dead("Host is not a text"),
        ),
        (
            event(&format!(r#","Large":"{}""#, "x".repeat(900_000))),
            Row,
        ),
        (vec![b'x'; 900_000], Dead("not an event in JSON")),
        (
            event(r#","Far":1e999,"Long":99999999999999999999,"Digits":0.123"#),
            Row,
        ),
        (event(&format!(r#","Digits":0.{sixty}"#)), Row),
        (event(r#","Host":"a","Host":"b""#), Row),
        (
            event(r#","event_type":null"#),
            Dead("event_type is missing"),
        ),
        (b"{}".to_vec(), Dead("event_type is missing")),
        (
            json!(r#"{"event_type":"twice"}"#).to_string().into_bytes(),
            Dead("not an event in JSON"),
        ),
        (
            b"{\"event_type\":\"\\ud800\"}".to_vec(),
            Dead("event_type is not a text"),
        ),
        (
            event("").into_iter().chain(*b" {}").collect(),
            Dead("not an event in JSON"),
        ),
        (event(""), Row),
    ]
}

/// Fields that are numbers, of those topics that have them.
fn numbers(event_type: &str, integer: &str, float: Option<&str>) -> Vec<(Vec<u8>, Fate)> {
    let event = |name: &str, value: &str| {
        format!(r#"{{"event_type":"{event_type}","{name}":{value}}}"#).into_bytes()
    };
    let sixty = format!("0.{}", "1234567890".repeat(6));
    let mut all = vec![
        (event(integer, "9223372036854775807"), Row),
        (
            event(integer, "9223372036854775808"),
            Dead("is not an integer"),
        ),
        (event(integer, "1e999"), Dead("is not an integer")),
        (event(integer, "1.5"), Dead("is not an integer")),
    ];
    if let Some(float) = float {
        all.push((event(float, "1e999"), Dead("is not a number")));
        all.push((event(float, "-1e999"), Dead("is not a number")));
        all.push((event(float, &sixty), Row));
        all.push((event(float, "\"NaN\""), Dead("is not a number")));
    }
    all
}

fn ticks() -> Vec<(Vec<u8>, Fate)> {
    let of = |ticker: &str, price: &str, time: &str| {
        json!({"TICK": ticker, "PRICE": price, "TS": time}).to_string()
    };
    let time = "2026-03-20 15:38:05.000000";
    let good = of("IBM", "123.20", time);
    let with = |fields: &str| format!("{}{fields}}}", good.trim_end_matches('}')).into_bytes();
    let twice = json!(good).to_string();
    let thrice = json!(twice).to_string();
    let sixty = format!("1.{}", "1234567890".repeat(6));
    vec![
        (good.clone().into_bytes(), Row),
        (b"garbage".to_vec(), Dead("not a tick in JSON")),
        (b"".to_vec(), Dead("not a tick in JSON")),
        (b"\xff\xfe".to_vec(), Dead("not UTF-8")),
        (nested(10_000).into_bytes(), Dead("not a tick in JSON")),
        (
            json!(nested(10_000)).to_string().into_bytes(),
            Dead("not a tick in JSON"),
        ),
        (with(&format!(r#","Deep":{}"#, nested(10_000))), Row),
        (with(&format!(r#","Large":"{}""#, "x".repeat(900_000))), Row),
        (vec![b'"'; 900_000], Dead("not JSON")),
        (twice.into_bytes(), Row),
        (thrice.into_bytes(), Dead("not a tick in JSON")),
        (with(r#","TICK":"AAPL""#), Dead("duplicate field")),
        (with(r#","Far":1e999"#), Row),
        (
            of("NOPE", "1.00", time).into_bytes(),
            Dead("unknown ticker"),
        ),
        (
            of("IBM", "1e999", time).into_bytes(),
            Dead("PRICE is not a decimal number"),
        ),
        (
            of("IBM", &sixty, time).into_bytes(),
            Dead("PRICE is not a decimal number"),
        ),
        (
            of("IBM", "9223372036854775808", time).into_bytes(),
            Dead("more than 18 digits"),
        ),
        (
            format!(r#"{{"TICK":"IBM","PRICE":1e999,"TS":"{time}"}}"#).into_bytes(),
            Dead("not a tick in JSON"),
        ),
        (
            of("IBM", "1.00", "1970-01-01 00:00:00.000000").into_bytes(),
            Row,
        ),
        (
            of("IBM", "1.00", "2099-01-01 00:00:00.000000").into_bytes(),
            Dead("ahead of the broker's time"),
        ),
        (
            of("AAPL", "125.35", "2026-03-20 15:38:06.000000").into_bytes(),
            Row,
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_record_ends_in_its_table_or_in_dead_letter() {
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    let mut operations = events("buy_IBM");
    operations.extend(numbers("buy_IBM", "quantity", Some("price")));
    let mut moves = events("level_up");
    moves.extend(numbers("level_up", "level", None));
    let topics = [
        (
            "default_call",
            "default_call",
            events("default instructions"),
        ),
        ("stock_call", "stock_call", events("check_stock_IBM")),
        ("stock_operation", "stock_operation", operations),
        ("events", "events", events("sword purchased")),
        ("game_events", "game_events", moves),
        ("StockExchange", "ticks", ticks()),
    ];
    for (topic, _, records) in &topics {
        let mut values: Vec<Option<&[u8]>> =
            records.iter().map(|(it, _)| Some(it.as_slice())).collect();
        values.push(TOMBSTONE);
        // Only a good record at the end shows that the partition goes on.
        values.push(values[0]);
        kafka::publish_some(&stack.run.kafka, topic, &values).await;
    }
    for (topic, table, records) in &topics {
        let last = records.len() + 1;
        let wanted = format!("SELECT _offset FROM {table} WHERE _offset = {last}");
        stack.sql_until(&wanted, |rows| rows.len() == 1).await;
        let rows = stack
            .sql(&format!("SELECT _offset FROM {table} ORDER BY 1"))
            .await;
        let rows: Vec<&Value> = rows.iter().map(|row| &row["_offset"]).collect();
        let letters = format!(
            r#"SELECT "offset", reason, value IS NULL AS empty FROM dead_letter WHERE topic = '{topic}' ORDER BY 1"#
        );
        let letters = stack.sql(&letters).await;
        let mut expected_rows = Vec::new();
        let mut expected_letters = Vec::new();
        for (offset, (value, fate)) in records.iter().enumerate() {
            match fate {
                Row => expected_rows.push(json!(offset)),
                Dead(words) => {
                    expected_letters.push(json!(offset));
                    let shown = String::from_utf8_lossy(&value[..value.len().min(80)]).into_owned();
                    let letter = letters.iter().find(|letter| letter["offset"] == offset);
                    let reason = letter.map_or("none", |letter| letter["reason"].as_str().unwrap());
                    assert!(reason.contains(words), "{topic} {offset} {shown}: {reason}");
                }
            }
        }
        expected_letters.push(json!(records.len()));
        expected_rows.push(json!(last));
        assert_eq!(rows, expected_rows.iter().collect::<Vec<_>>(), "{table}");
        let found: Vec<&Value> = letters.iter().map(|letter| &letter["offset"]).collect();
        assert_eq!(
            found,
            expected_letters.iter().collect::<Vec<_>>(),
            "{topic}"
        );
        let tombstone = letters.last().unwrap();
        assert_eq!(
            (&tombstone["empty"], &tombstone["reason"]),
            (&json!(true), &json!("the record has no value"))
        );
    }

    // The last of equal keys counts, and what is no column is kept to the letter.
    let twice = stack
        .sql("SELECT Host FROM stock_call WHERE Host IS NOT NULL")
        .await;
    assert_eq!(twice, [json!({"Host": "b"})]);
    let kept = stack
        .sql("SELECT headers FROM events WHERE headers LIKE '%Far%'")
        .await;
    assert_eq!(
        kept[0]["headers"],
        r#"{"Digits":0.123,"Far":1e999,"Long":99999999999999999999}"#
    );

    // The function that values portfolios reads the same ticks, and judges them alike.
    let (rows, dead) = (
        stack.count("SELECT COUNT(*) FROM ticks").await,
        stack
            .count("SELECT COUNT(*) FROM dead_letter WHERE topic = 'StockExchange'")
            .await,
    );
    tests::eventually(
        "evaluate has read every tick",
        std::time::Duration::from_secs(60),
        || async {
            let log = stack.log("evaluate");
            let lines = log
                .lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let batches = lines
                .filter(|line| line["message"] == "batch evaluated" && line["repeated"] == false);
            let (mut counted, mut passed) = (0, 0);
            for batch in batches {
                counted += batch["ticks"].as_i64().unwrap();
                passed += batch["undecodable"].as_i64().unwrap();
            }
            ((counted, passed) == (rows, dead))
                .then_some(())
                .ok_or(format!("{counted} {passed}, not {rows} {dead}"))
        },
    )
    .await;

    // The tick of 2099 closed no window for ever: the next ones are evaluated.
    for exchange in ["se1", "se2"] {
        let event = json!({"exchange": exchange, "ticks": 12, "pace": "burst", "start": "2026-03-20T15:39:00Z"});
        stack.invoke("exchange", &event).await;
    }
    let later =
        json!({"exchange": "se1", "ticks": 30, "pace": "burst", "start": "2026-03-20T15:40:00Z"});
    stack.invoke("exchange", &later).await;
    stack
        .sql_until("SELECT DISTINCT portfolio FROM evaluations", |rows| {
            rows.len() == 6
        })
        .await;
}
