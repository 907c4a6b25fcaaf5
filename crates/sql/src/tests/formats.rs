//! Every format says the same of every type.

use std::time::Duration;

use arrow::ipc::reader::StreamReader;
use lake::Table;
use serde_json::{Value, json};

use super::lakes::{Lake, lines};
use crate::{Format, FormatError};

#[tokio::test]
async fn values_of_every_type_have_their_json() {
    let lake = Lake::empty();
    let cases = [
        ("CAST(12.5 AS DECIMAL(18,2))", json!("12.50")),
        ("CAST(-0.05 AS DECIMAL(38,2))", json!("-0.05")),
        ("9223372036854775807", json!(9_223_372_036_854_775_807_i64)),
        ("1.5", json!(1.5)),
        ("CAST('NaN' AS DOUBLE)", Value::Null),
        ("CAST('inf' AS DOUBLE)", Value::Null),
        ("TRUE", json!(true)),
        ("NULL", Value::Null),
        ("'a\"b\n\u{e9}'", json!("a\"b\n\u{e9}")),
        ("X'00ff'", json!("AP8=")),
        (
            "TIMESTAMP '2022-03-20 15:38:01.5'",
            json!("2022-03-20T15:38:01.500Z"),
        ),
        (
            "TIMESTAMP '2022-03-20 15:38:01'",
            json!("2022-03-20T15:38:01Z"),
        ),
        ("DATE '2022-03-20'", json!("2022-03-20")),
        (
            "arrow_cast(9223372036854775807, 'Timestamp(Second, None)')",
            json!("9223372036854775807"),
        ),
        ("[1, 2, NULL]", json!([1, 2, null])),
        ("named_struct('a', 1, 'B', 'x')", json!({"a": 1, "B": "x"})),
        ("MAP {'k': 1.5}", json!({"k": 1.5})),
        ("arrow_cast('x', 'Dictionary(Int32, Utf8)')", json!("x")),
        ("arrow_cast('x', 'LargeUtf8')", json!("x")),
        ("arrow_cast(1, 'UInt8')", json!(1)),
    ];
    for (value, expected) in cases {
        let rows = lake.rows(&format!("SELECT {value} AS v")).await;
        assert_eq!(rows, [json!({"v": expected})], "{value}");
    }
}

#[tokio::test]
async fn the_formats_agree() {
    let lake = Lake::empty();
    lake.commit(
        Table::Ticks,
        &[json!({"tick": "I\"B,M", "price": 12_320, "ts": 1_647_790_681_123_456_i64, "exchange": "se1"})],
    )
    .await;
    let answer = lake
        .run("SELECT tick AS \"T,1\", price, ts, NULL AS nothing, '' AS empty FROM ticks")
        .await
        .unwrap();
    let write = |format: Format| {
        format
            .write(&answer, Duration::from_millis(7), 1 << 20)
            .unwrap()
    };

    let whole: Value = serde_json::from_slice(&write(Format::Json)).unwrap();
    assert_eq!(
        whole,
        json!({
            "columns": [
                {"name": "T,1", "type": "text"}, {"name": "price", "type": "decimal(18,2)"},
                {"name": "ts", "type": "timestamp(µs, UTC)"}, {"name": "nothing", "type": "null"},
                {"name": "empty", "type": "text"},
            ],
            "rows": [{"T,1": "I\"B,M", "price": "123.20", "ts": "2022-03-20T15:38:01.123456Z", "nothing": null, "empty": ""}],
            "row_count": 1, "truncated": false, "elapsed_ms": 7,
        })
    );
    assert_eq!(lines(&answer), whole["rows"].as_array().unwrap().clone());
    assert_eq!(
        String::from_utf8(write(Format::Csv)).unwrap(),
        "\"T,1\",price,ts,nothing,empty\r\n\"I\"\"B,M\",123.20,2022-03-20T15:38:01.123456Z,,\"\"\r\n"
    );
    let arrow = write(Format::Arrow);
    let read: Vec<_> = StreamReader::try_new(arrow.as_slice(), None)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(read, answer.batches);
}

#[tokio::test]
async fn an_answer_without_rows_still_has_its_columns() {
    let lake = Lake::empty();
    let answer = lake.run("SELECT tick, price FROM ticks").await.unwrap();
    let write = |format: Format| format.write(&answer, Duration::ZERO, 1 << 20).unwrap();
    let whole: Value = serde_json::from_slice(&write(Format::Json)).unwrap();
    assert_eq!(whole["rows"], json!([]));
    assert_eq!(whole["columns"][1]["name"], "price");
    assert_eq!(write(Format::Csv), b"tick,price\r\n");
    assert!(write(Format::Ndjson).is_empty());
    let arrow = write(Format::Arrow);
    let reader = StreamReader::try_new(arrow.as_slice(), None).unwrap();
    assert_eq!(reader.schema().field(0).name(), "tick");
}

#[tokio::test]
async fn an_answer_too_large_to_send_is_refused_in_every_format() {
    let lake = Lake::empty();
    let answer = lake
        .run("SELECT value FROM generate_series(1, 5000)")
        .await
        .unwrap();
    for format in Format::ALL {
        let error = format.write(&answer, Duration::ZERO, 1000).unwrap_err();
        assert!(
            matches!(error, FormatError::TooLarge { limit: 1000 }),
            "{format:?}"
        );
    }
}

#[tokio::test]
async fn texts_that_a_spreadsheet_would_run_are_inert_in_csv_alone() {
    let lake = Lake::empty();
    let csv = |answer: &crate::Answer| {
        let bytes = Format::Csv.write(answer, Duration::ZERO, 1 << 20).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    for (text, expected) in [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "\"'\r=1\""),
        ("=A1,\"x\"", "\"'=A1,\"\"x\"\"\""),
        ("＝1", "'＝1"),
        ("'=1", "''=1"),
        ("'quoted'", "'quoted'"),
        ("a=1", "a=1"),
        ("5 - 3", "5 - 3"),
    ] {
        let query = format!("SELECT '{}' AS v", text.replace('\'', "''"));
        let answer = lake.run(&query).await.unwrap();
        assert_eq!(csv(&answer), format!("v\r\n{expected}\r\n"), "{text:?}");
        assert_eq!(lines(&answer), [json!({"v": text})]);
    }
    let numbers = lake
        .run("SELECT -5 AS a, CAST(-0.5 AS DECIMAL(4,2)) AS b, -1.5 AS c, [-1] AS d")
        .await;
    assert_eq!(csv(&numbers.unwrap()), "a,b,c,d\r\n-5,-0.50,-1.5,[-1]\r\n");
    let name = lake.run("SELECT 1 AS \"=cmd\"").await;
    assert_eq!(csv(&name.unwrap()), "'=cmd\r\n1\r\n");
}
