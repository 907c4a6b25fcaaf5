//! The analysts' queries, as they stand in their notebooks.

use lake::Table;
use serde_json::json;

use super::lakes::Lake;

async fn stocks() -> Lake {
    let lake = Lake::empty();
    let calls: Vec<_> = ["GOOG", "TSLA", "GOOG", "AMZN", "GOOG", "TSLA"]
        .iter()
        .enumerate()
        .map(|(at, stock)| {
            json!({
                "Host": "localhost:5000", "User-Agent": "ApacheBench/2.3", "Accept": "*/*",
                "event_type": format!("check_stock_{stock}"), "stock_name": stock,
                "query_timestamp": 1_647_790_681_123.0 + at as f64, "_offset": at,
            })
        })
        .collect();
    lake.commit(Table::StockCall, &calls[..4]).await;
    lake.commit(Table::StockCall, &calls[4..]).await;
    let operations = [
        ("buy", "AMZN", 10, 100.5),
        ("buy", "AMZN", 2, 99.5),
        ("sell", "TSLA", 15, 300.0),
        ("buy", "GOOG", 1, 2000.0),
        ("sell", "GOOG", 4, 2100.0),
    ];
    let rows: Vec<_> = operations
        .iter()
        .map(|(action, stock, quantity, price)| {
            json!({
                "event_type": format!("{action}_{stock}"), "stock_name": stock, "quantity": quantity,
                "price": price, "transaction_amount": price * f64::from(*quantity),
            })
        })
        .collect();
    lake.commit(Table::StockOperation, &rows).await;
    lake
}

#[tokio::test]
async fn the_queries_of_the_stock_analysts_run_as_printed() {
    let lake = stocks().await;
    let all = lake.rows("SELECT * FROM stock_call").await;
    assert_eq!(all.len(), 6);
    assert_eq!(all[0]["User-Agent"], "ApacheBench/2.3");
    assert_eq!(all[0]["Content-Length"], json!(null));

    let counts = lake
        .rows("SELECT COUNT(stock_name) FROM stock_call GROUP BY stock_name")
        .await;
    let mut counts: Vec<_> = counts
        .iter()
        .map(|row| row["COUNT(stock_name)"].as_i64().unwrap())
        .collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 2, 3]);

    let most = "SELECT stock_name, COUNT(stock_name) as query_count FROM stock_call GROUP BY stock_name ORDER BY query_count desc LIMIT 1";
    assert_eq!(
        lake.rows(most).await,
        [json!({"stock_name": "GOOG", "query_count": 3})]
    );
    let least = "SELECT stock_name, COUNT(stock_name) as query_count FROM stock_call GROUP BY stock_name ORDER BY query_count asc LIMIT 1";
    assert_eq!(
        lake.rows(least).await,
        [json!({"stock_name": "AMZN", "query_count": 1})]
    );
    assert_eq!(lake.rows("SELECT * FROM stock_operation").await.len(), 5);
    assert_eq!(
        lake.rows("SELECT MAX(transaction_amount) AS max_transaction FROM stock_operation")
            .await,
        [json!({"max_transaction": 8400.0})]
    );
}

#[tokio::test]
async fn the_later_set_has_answers() {
    let lake = stocks().await;
    let most_purchased = "SELECT stock_name, SUM(quantity) AS purchased, AVG(price) AS average_price \
        FROM stock_operation WHERE event_type LIKE 'buy%' GROUP BY stock_name ORDER BY purchased DESC LIMIT 1";
    assert_eq!(
        lake.rows(most_purchased).await,
        [json!({"stock_name": "AMZN", "purchased": 12, "average_price": 100.0})]
    );
    let prices = "SELECT MAX(price) AS highest, MIN(price) AS lowest FROM stock_operation WHERE event_type LIKE 'sell%'";
    assert_eq!(
        lake.rows(prices).await,
        [json!({"highest": 2100.0, "lowest": 300.0})]
    );
}

#[tokio::test]
async fn every_table_is_there_and_empty_before_its_first_link() {
    let lake = Lake::empty();
    let tables = lake.rows("SHOW TABLES").await;
    let names: Vec<_> = tables
        .iter()
        .map(|r| r["table_name"].as_str().unwrap())
        .collect();
    assert_eq!(names, lake.sql.tables());
    for name in names {
        assert_eq!(lake.rows(&format!("SELECT * FROM {name}")).await.len(), 0);
        let count = lake
            .rows(&format!("SELECT COUNT(*) AS n FROM {name}"))
            .await;
        assert_eq!(count, [json!({"n": 0})]);
    }
}

#[tokio::test]
async fn a_session_sees_what_was_committed_after_it_was_opened() {
    let lake = Lake::empty();
    let count = "SELECT COUNT(*) AS n FROM ticks";
    assert_eq!(lake.rows(count).await, [json!({"n": 0})]);
    for n in 1..4 {
        lake.commit(
            Table::Ticks,
            &[json!({"tick": "IBM", "price": 12_320, "exchange": "se1"})],
        )
        .await;
        assert_eq!(lake.rows(count).await, [json!({"n": n})]);
        let sum = lake
            .rows("SELECT SUM(price) AS s, tick FROM ticks GROUP BY tick")
            .await;
        assert_eq!(
            sum,
            [json!({"s": format!("{}.{:02}", 12_320 * n / 100, 12_320 * n % 100), "tick": "IBM"})]
        );
    }
}

#[tokio::test]
async fn filters_subqueries_joins_and_windows_agree_with_the_rows() {
    let lake = stocks().await;
    let cases = [
        (
            "SELECT COUNT(*) AS n FROM stock_call WHERE stock_name = 'GOOG'",
            json!(3),
        ),
        (
            "SELECT COUNT(*) AS n FROM stock_call WHERE Host LIKE 'localhost%' AND stock_name <> 'GOOG'",
            json!(3),
        ),
        (
            "WITH g AS (SELECT * FROM stock_call WHERE stock_name = 'GOOG') SELECT COUNT(*) AS n FROM g",
            json!(3),
        ),
        (
            "SELECT COUNT(*) AS n FROM stock_call c JOIN stock_operation o ON c.stock_name = o.stock_name",
            json!(3 * 2 + 2 + 2),
        ),
        (
            "SELECT COUNT(*) AS n FROM stock_call WHERE stock_name IN (SELECT stock_name FROM stock_operation WHERE quantity > 5)",
            json!(3),
        ),
        (
            "SELECT MAX(r) AS n FROM (SELECT ROW_NUMBER() OVER (PARTITION BY stock_name ORDER BY _offset) AS r FROM stock_call)",
            json!(3),
        ),
        ("VALUES (7)", json!(7)),
        (
            "(SELECT 1 AS n) UNION ALL (SELECT 1) ORDER BY n LIMIT 1",
            json!(1),
        ),
        ("SELECT COUNT(*) AS n FROM lake.stock_call", json!(6)),
    ];
    for (query, expected) in cases {
        let rows = lake.rows(query).await;
        assert_eq!(rows.len(), 1, "{query}");
        assert_eq!(
            rows[0].as_object().unwrap().values().next(),
            Some(&expected),
            "{query}"
        );
    }
}

#[tokio::test]
async fn tables_describe_themselves() {
    let lake = Lake::empty();
    let rows = lake.rows("DESCRIBE Evaluations").await;
    let nav = rows.iter().find(|r| r["column_name"] == "nav").unwrap();
    assert_eq!(nav["data_type"], "decimal(38,2)");
    assert_eq!(lake.rows("desc ticks").await.len(), 8);
    let plan = lake.rows("EXPLAIN SELECT COUNT(*) FROM ticks").await;
    assert!(!plan.is_empty());
    lake.rows("EXPLAIN ANALYZE SELECT COUNT(*) FROM ticks")
        .await;
}

#[tokio::test]
async fn bytes_that_are_no_text_can_be_looked_at() {
    let lake = Lake::empty();
    let from = "FROM (VALUES (X'6869'), (X'ff')) AS t(value)";
    let rows = lake
        .rows(&format!(
            "SELECT TRY_CAST(value AS VARCHAR) AS text, encode(value, 'hex') AS hex {from}"
        ))
        .await;
    assert_eq!(
        json!(rows),
        json!([{"text": "hi", "hex": "6869"}, {"text": null, "hex": "ff"}])
    );
    let error = lake
        .error(&format!("SELECT CAST(value AS VARCHAR) AS text {from}"))
        .await;
    assert!(error.to_string().contains("encode(…, 'hex')"), "{error}");
}

#[tokio::test]
async fn columns_that_are_named_like_keywords_need_no_quotes() {
    let lake = Lake::empty();
    let bad = [
        json!({"topic": "t", "partition": 1, "offset": 7, "timestamp": 5, "key": "k", "value": "v", "reason": "no JSON"}),
    ];
    lake.commit(Table::DeadLetter, &bad).await;
    let rows = lake
        .rows("SELECT topic, partition, offset, timestamp, key, value, reason FROM dead_letter WHERE offset > 6 AND partition = 1 ORDER BY timestamp, offset")
        .await;
    assert_eq!(
        rows,
        [json!({
            "topic": "t", "partition": 1, "offset": 7, "timestamp": "1970-01-01T00:00:00.005Z",
            "key": "aw==", "value": "dg==", "reason": "no JSON",
        })]
    );
    for (query, expected) in [
        (
            "SELECT MAX(offset) AS n FROM dead_letter",
            json!([{"n": 7}]),
        ),
        (
            "SELECT offset FROM dead_letter ORDER BY Offset DESC LIMIT 1 OFFSET 0",
            json!([{"offset": 7}]),
        ),
        (
            "SELECT d.offset AS n FROM dead_letter d WHERE offset - 1 = 6 LIMIT 5",
            json!([{"n": 7}]),
        ),
        (
            "SELECT reason FROM dead_letter ORDER BY offset OFFSET 1",
            json!([]),
        ),
    ] {
        assert_eq!(json!(lake.rows(query).await), expected, "{query}");
    }
}
