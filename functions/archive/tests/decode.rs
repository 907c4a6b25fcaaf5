//! What becomes of a record: its columns, its headers, or the reason why it is none.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use archive::decode::decode;
use arrow::array::AsArray;
use arrow::datatypes::{Decimal128Type, TimestampMicrosecondType, TimestampMillisecondType};
use chrono::{DateTime, TimeDelta};
use lake::Table;
use support::{BORN, bytes, decoded, doubles, longs, record, texts};
use wire::{Action, Event as _, StockEvent};

fn some(text: &str) -> Vec<Option<String>> {
    vec![Some(text.to_owned())]
}

/// The reason why `value` is no event of `table`.
fn reason(table: Table, value: &[u8]) -> String {
    let decoded = decoded(table, &[value]);
    assert_eq!(
        decoded.rows.batch.num_rows(),
        0,
        "{}",
        String::from_utf8_lossy(value)
    );
    assert_eq!(bytes(&decoded.dead.batch, "value"), [Some(value.to_vec())]);
    texts(&decoded.dead.batch, "reason").pop().unwrap().unwrap()
}

const OPERATION: &str = r#"{"Host": "localhost:5000", "User-Agent": "ApacheBench/2.3", "Accept": "*/*",
    "Content-Length": "0", "Content-Type": "application/json", "X-Trace": "a\"b",
    "event_type": "buy_AMZN", "stock_name": "AMZN", "quantity": 10, "price": 3159.5,
    "transaction_amount": 31595.0, "transaction_timestamp": 1638200000123.5}"#;

#[test]
fn an_operation_fills_its_columns() {
    let rows = decoded(Table::StockOperation, &[OPERATION.as_bytes()])
        .rows
        .batch;
    for (column, text) in [
        ("Accept", "*/*"),
        ("Content-Length", "0"),
        ("Content-Type", "application/json"),
        ("Host", "localhost:5000"),
        ("User-Agent", "ApacheBench/2.3"),
        ("event_type", "buy_AMZN"),
        ("stock_name", "AMZN"),
        ("headers", r#"{"X-Trace":"a\"b"}"#),
        ("_topic", "stock_operation"),
    ] {
        assert_eq!(texts(&rows, column), some(text), "{column}");
    }
    assert_eq!(longs(&rows, "quantity"), [Some(10)]);
    assert_eq!(longs(&rows, "_offset"), [Some(0)]);
    assert_eq!(doubles(&rows, "price"), [Some(3159.5)]);
    assert_eq!(doubles(&rows, "transaction_amount"), [Some(31595.0)]);
    assert_eq!(
        doubles(&rows, "transaction_timestamp"),
        [Some(1_638_200_000_123.5)]
    );
    let times = rows.column_by_name("_timestamp").unwrap();
    assert_eq!(
        times.as_primitive::<TimestampMillisecondType>().value(0),
        BORN
    );
}

/// What the Stocks API publishes is what the tables are for.
#[test]
fn the_stocks_functions_events_are_rows() {
    let headers = wire::event_headers(
        [
            ("host", "localhost"),
            ("user-agent", "curl/8"),
            ("x-b", "2"),
            ("price", "free"),
        ]
        .into_iter(),
    );
    let at = DateTime::from_timestamp_millis(BORN).unwrap();
    let stock = "GOOG".parse().unwrap();
    let events = [
        (StockEvent::Default, "default instructions"),
        (StockEvent::Check { stock, at }, "check_stock_GOOG"),
        (
            StockEvent::Operation {
                action: Action::Sell,
                stock,
                quantity: 3,
                price: 1.25,
                at,
            },
            "sell_GOOG",
        ),
    ];
    for (event, event_type) in events {
        let table = Table::of_topic(event.topic()).unwrap();
        let decoded = decoded(table, &[&event.encode(&headers)]);
        assert_eq!(decoded.dead.offsets, [0; 0]);
        let rows = decoded.rows.batch;
        assert_eq!(texts(&rows, "event_type"), some(event_type));
        assert_eq!(texts(&rows, "User-Agent"), some("curl/8"));
        let kept = texts(&rows, "headers").pop().unwrap().unwrap();
        assert!(kept.contains(r#""X-B":"2""#), "{kept}");
        let millis = Some(1_700_000_000_000.0);
        match table {
            Table::StockCall => assert_eq!(doubles(&rows, "query_timestamp"), [millis]),
            Table::StockOperation => {
                assert_eq!(longs(&rows, "quantity"), [Some(3)]);
                assert_eq!(doubles(&rows, "transaction_amount"), [Some(3.75)]);
                assert_eq!(doubles(&rows, "transaction_timestamp"), [millis]);
            }
            _ => assert_eq!(rows.num_columns(), 11),
        }
    }
}

#[test]
fn keys_without_a_column_are_kept_as_they_came() {
    let value = r#"{"event_type":"e","Z":[1, {"a":null}],"A":1.50,"_offset":7,"headers":"h","U\u006bn":"\u00e9","Z":false}"#;
    let rows = decoded(Table::DefaultCall, &[value.as_bytes()]).rows.batch;
    let kept = r#"{"A":1.50,"Ukn":"\u00e9","Z":false,"_offset":7,"headers":"h"}"#;
    assert_eq!(texts(&rows, "headers"), some(kept));
    assert_eq!(
        longs(&rows, "_offset"),
        [Some(0)],
        "the event cannot say where it stood"
    );
    let none = decoded(Table::DefaultCall, &[br#"{"event_type":"e"}"#])
        .rows
        .batch;
    assert_eq!(texts(&none, "headers"), [None]);
}

#[test]
fn texts_take_strings_numbers_and_truth_values() {
    for (json, text) in [
        (r#""plain""#, Some("plain")),
        (r#""""#, Some("")),
        (r#""a\"\\\n\u00e9\ud83d\ude00""#, Some("a\"\\\né😀")),
        ("0", Some("0")),
        ("-1.50e3", Some("-1.50e3")),
        ("true", Some("true")),
        ("null", None),
    ] {
        let value = format!(r#"{{"event_type":"e", "Host" : {json} }}"#);
        let rows = decoded(Table::StockCall, &[value.as_bytes()]).rows.batch;
        assert_eq!(texts(&rows, "Host"), [text.map(str::to_owned)], "{json}");
    }
}

#[test]
fn of_equal_keys_the_last_one_wins() {
    let value = r#"{"event_type":"e","price":"x","quantity":1,"price":2,"quantity":null,"\u0048ost":"a","Host":"b"}"#;
    let rows = decoded(Table::StockOperation, &[value.as_bytes()])
        .rows
        .batch;
    assert_eq!(doubles(&rows, "price"), [Some(2.0)]);
    assert_eq!(longs(&rows, "quantity"), [None]);
    assert_eq!(texts(&rows, "Host"), some("b"));
    assert_eq!(texts(&rows, "headers"), [None]);
}

#[test]
fn what_is_no_event_says_why() {
    for (value, why) in [
        (&b""[..], "the value is empty"),
        (b"garbage", "expected value"),
        (b"null", "expected an object"),
        (b"[1]", "expected an object"),
        (b"\"text\"", "expected an object"),
        (b"{", "EOF"),
        (b"{} {}", "trailing characters"),
        (b"{\"Host\":\"\xff\"}", "not UTF-8"),
        (b"{}", "event_type is missing"),
        (br#"{"event_type":null}"#, "event_type is missing"),
        (
            br#"{"event_type":["e"]}"#,
            r#"event_type is not a text: `["e"]`"#,
        ),
        (
            br#"{"event_type":"e","Host":{}}"#,
            "Host is not a text: `{}`",
        ),
        (
            br#"{"event_type":"e","Host":"\ud800"}"#,
            "Host is not a text",
        ),
        (
            br#"{"event_type":"e","quantity":"ten"}"#,
            "quantity is not an integer: `\"ten\"`",
        ),
        (
            br#"{"event_type":"e","quantity":1.5}"#,
            "quantity is not an integer: `1.5`",
        ),
        (
            br#"{"event_type":"e","quantity":99999999999999999999}"#,
            "quantity is not an integer",
        ),
        (
            br#"{"event_type":"e","price":true}"#,
            "price is not a number: `true`",
        ),
        (
            br#"{"event_type":"e","price":1e999}"#,
            "price is not a number: `1e999`",
        ),
    ] {
        let found = reason(Table::StockOperation, value);
        assert!(
            found.contains(why),
            "{}: {found}",
            String::from_utf8_lossy(value)
        );
    }
}

#[test]
fn reasons_stay_short() {
    for value in [
        format!(r#"{{"event_type":"e","price":"{}"}}"#, "é".repeat(10_000)),
        format!(r#""{}""#, "é".repeat(10_000)),
    ] {
        let found = reason(Table::StockOperation, value.as_bytes());
        assert!(found.len() < 600, "{}", found.len());
    }
}

#[test]
fn nesting_and_many_keys_are_harmless() {
    let deep = format!(
        r#"{{"event_type":"e","X":{}{}}}"#,
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    let many: String = (0..50_000)
        .map(|key| format!(r#","k{}":{key}"#, key % 25_000))
        .collect();
    let wide = format!(r#"{{"event_type":"e"{many}}}"#);
    let rows = decoded(Table::StockCall, &[deep.as_bytes(), wide.as_bytes()])
        .rows
        .batch;
    let kept = texts(&rows, "headers");
    assert_eq!(kept[0].as_ref().map(String::len), Some(400_006));
    assert_eq!(kept[1].as_ref().unwrap().matches(':').count(), 25_000);
}

#[test]
fn a_tombstone_is_a_dead_letter_without_value() {
    let mut tombstone = record(3, "");
    (tombstone.value, tombstone.key) = (None, None);
    for table in [Table::StockCall, Table::Ticks] {
        let records = [tombstone.clone()];
        let dead = decode(table, "t", 2, &records, TimeDelta::hours(1))
            .unwrap()
            .dead
            .batch;
        assert_eq!(
            (bytes(&dead, "key"), bytes(&dead, "value")),
            (vec![None], vec![None])
        );
        assert_eq!(texts(&dead, "reason"), some("the record has no value"));
        assert_eq!(
            (longs(&dead, "offset"), longs(&dead, "_offset")),
            (vec![Some(3)], vec![Some(3)])
        );
        assert_eq!(texts(&dead, "topic"), some("t"));
    }
}

#[test]
fn a_time_that_no_calendar_has_is_a_dead_letter() {
    let at = |offset, timestamp| {
        let mut record = record(offset, r#"{"event_type":"default instructions"}"#);
        record.timestamp = timestamp;
        record
    };
    let records = [at(0, i64::MAX), at(1, BORN), at(2, i64::MIN), at(3, -1)];
    let decoded = decode(Table::DefaultCall, "t", 0, &records, TimeDelta::hours(1)).unwrap();
    assert_eq!(decoded.rows.offsets, [1, 3]);
    assert_eq!(decoded.dead.offsets, [0, 2]);
    let reasons = texts(&decoded.dead.batch, "reason");
    assert!(reasons[0].as_ref().unwrap().contains("timestamp"));
}

/// A record that fails half-way leaves no trace in the rows around it.
#[test]
fn bad_records_do_not_touch_good_ones() {
    let good = OPERATION.as_bytes();
    let half = br#"{"Host":"bad","event_type":"bad","quantity":1,"price":"x"}"#;
    let cut = br#"{"Host":"bad","event_type":"bad","X-Bad":1"#;
    let decoded = decoded(Table::StockOperation, &[half, good, cut, good, b"\xff"]);
    assert_eq!(decoded.rows.offsets, [1, 3]);
    assert_eq!(decoded.dead.offsets, [0, 2, 4]);
    let rows = decoded.rows.batch;
    assert_eq!(
        texts(&rows, "Host"),
        vec![Some("localhost:5000".to_owned()); 2]
    );
    assert_eq!(
        texts(&rows, "headers"),
        vec![Some(r#"{"X-Trace":"a\"b"}"#.to_owned()); 2]
    );
}

#[test]
fn ticks_are_exact() {
    let plain = br#"{"TICK":"IBM","PRICE":"123.20","TS":"2023-11-14 22:13:20.123456"}"#;
    let twice = serde_json::to_vec(std::str::from_utf8(plain).unwrap()).unwrap();
    let unknown = br#"{"TICK":"NOPE","PRICE":"1.00","TS":"2023-11-14 22:13:20.123456"}"#;
    let decoded = decoded(Table::Ticks, &[plain, unknown, &twice]);
    assert_eq!(decoded.rows.offsets, [0, 2]);
    let rows = decoded.rows.batch;
    assert_eq!(texts(&rows, "tick"), vec![Some("IBM".to_owned()); 2]);
    assert_eq!(texts(&rows, "exchange"), vec![Some("se1".to_owned()); 2]);
    let prices = rows
        .column_by_name("price")
        .unwrap()
        .as_primitive::<Decimal128Type>();
    assert_eq!(prices.values()[..], [12_320, 12_320]);
    let times = rows
        .column_by_name("ts")
        .unwrap()
        .as_primitive::<TimestampMicrosecondType>();
    assert_eq!(times.values()[..], [1_700_000_000_123_456; 2]);
    assert!(
        texts(&decoded.dead.batch, "reason")[0]
            .as_ref()
            .unwrap()
            .contains("NOPE")
    );
}
