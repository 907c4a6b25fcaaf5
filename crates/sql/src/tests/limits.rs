//! Time, rows and memory are bounded, and the next statement runs.

use std::time::{Duration, Instant};

use super::lakes::{Lake, lines};
use crate::{Limits, SqlError};

async fn next_one_runs(lake: &Lake) {
    assert_eq!(lake.rows("SELECT 1 AS n").await.len(), 1);
}

#[tokio::test]
async fn what_never_ends_is_cut_off_in_time() {
    let lake = Lake::empty();
    let limits = Limits {
        timeout: Duration::from_millis(1500),
        ..Limits::default()
    };
    let endless = [
        "SELECT COUNT(*) FROM generate_series(1, 100000000000) a",
        "SELECT SUM(a.value * b.value * c.value) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b, generate_series(1, 1000000) c",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT COUNT(*) FROM r",
    ];
    for query in endless {
        let start = Instant::now();
        let error = lake
            .sql
            .run(query, limits)
            .await
            .map(|a| lines(&a))
            .unwrap_err();
        assert!(
            matches!(
                error,
                SqlError::TimedOut { .. } | SqlError::OutOfMemory { .. }
            ),
            "{query}: {error:?}"
        );
        assert!(start.elapsed() < Duration::from_secs(5), "{query}");
        next_one_runs(&lake).await;
    }
}

#[tokio::test]
async fn a_long_chain_is_refused_before_anything_recurses() {
    let lake = Lake::empty();
    let chains = [
        format!("SELECT 1{}", " + 1".repeat(20_000)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(4_000)),
        format!("SELECT 1 WHERE 1 = 1{}", " OR 1 = 2".repeat(8_000)),
        format!("SELECT {}1", "- ".repeat(20_000)),
    ];
    for chain in chains {
        let error = lake.sql.run(&chain, Limits::default()).await.unwrap_err();
        assert!(matches!(error, SqlError::Syntax { .. }), "{error:?}");
    }
    let some = format!("SELECT 1{} AS n", " + 1".repeat(499));
    assert_eq!(lake.rows(&some).await, [serde_json::json!({"n": 500})]);
    let many = format!("SELECT 1 AS n WHERE 1 IN (1{})", ", 2".repeat(20_000));
    assert_eq!(lake.rows(&many).await.len(), 1, "a long list nests nothing");
}

#[tokio::test]
async fn now_is_the_statements_time() {
    let lake = Lake::empty();
    let before = chrono::Utc::now();
    let rows = lake.rows("SELECT now() AS n").await;
    let first: chrono::DateTime<chrono::Utc> = rows[0]["n"].as_str().unwrap().parse().unwrap();
    let rows = lake.rows("SELECT now() AS n").await;
    let second: chrono::DateTime<chrono::Utc> = rows[0]["n"].as_str().unwrap().parse().unwrap();
    assert!(
        before <= first && first < second,
        "{before} {first} {second}"
    );
}

#[tokio::test]
async fn what_nothing_could_interrupt_is_not_there() {
    let lake = Lake::empty();
    let error = lake
        .sql
        .run("SELECT levenshtein('a', 'b')", Limits::default())
        .await
        .map(|answer| lines(&answer))
        .unwrap_err();
    assert!(matches!(error, SqlError::Plan(_)), "{error:?}");
}

#[tokio::test]
async fn what_grows_without_end_is_stopped() {
    let lake = Lake::alone();
    let limits = Limits {
        memory: 32 << 20,
        ..Limits::default()
    };
    let growing = [
        "SELECT repeat('x', 2000000000)",
        "SELECT length(repeat('x', 2000000000))",
        "SELECT lpad('x', 2000000000, 'y')",
        "SELECT rpad('x', 2000000000)",
        "SELECT array_repeat(1, 2000000000)",
        "SELECT array_resize([1], 2000000000, 0)",
        "SELECT range(1, 100000000000)",
        "SELECT generate_series(100000000000)",
        "SELECT repeat(repeat('x', 100000), 100000)",
        "SELECT replace(repeat('x', 100000), 'x', repeat('y', 100000))",
        "WITH a AS (SELECT repeat('x', 100000) || value AS s FROM generate_series(1, 1000)), b AS (SELECT s || s || s || s AS s FROM a) SELECT s || s || s || s FROM b",
        "SELECT concat(repeat('x', 100000), repeat('x', 100000), value) FROM generate_series(1, 100000)",
        "SELECT array_agg(repeat('x', 1000) || value) FROM generate_series(1, 10000000)",
        "SELECT repeat('x', 1000000) || value FROM generate_series(1, 100000)",
        "SELECT value % 10000000 AS k, COUNT(*) FROM generate_series(1, 1000000000) GROUP BY k ORDER BY k",
    ];
    for query in growing {
        let start = Instant::now();
        let error = lake
            .sql
            .run(query, limits)
            .await
            .map(|a| a.row_count())
            .unwrap_err();
        assert!(
            matches!(
                error,
                SqlError::OutOfMemory { .. } | SqlError::TooLarge { .. }
            ),
            "{query}: {error:?}"
        );
        assert!(start.elapsed() < Duration::from_secs(10), "{query}");
        next_one_runs(&lake).await;
    }
}

#[tokio::test]
async fn what_the_guards_let_through_is_right() {
    let lake = Lake::empty();
    let rows = lake
        .rows("SELECT repeat('ab', 3) AS r, 'a' || 1 || 'b' AS j, 'a' || NULL AS n, [1] || 2 AS l2, replace('aba', 'a', 'xy') AS p, lpad('x', 3, 'y') AS l, range(1, 4) AS s, array_repeat(7, 2) AS a")
        .await;
    let expected = serde_json::json!({"r": "ababab", "j": "a1b", "n": null, "l2": [1, 2], "p": "xybxy", "l": "yyx", "s": [1, 2, 3], "a": [7, 7]});
    assert_eq!(rows, [expected]);
}

#[tokio::test]
async fn rows_are_cut_and_it_is_said() {
    let lake = Lake::empty();
    let query = "SELECT value FROM generate_series(1, 50)";
    for (rows, truncated) in [(49, true), (50, false), (51, false)] {
        let limits = Limits {
            rows,
            ..Limits::default()
        };
        let answer = lake.sql.run(query, limits).await.unwrap();
        assert_eq!(
            (answer.row_count(), answer.truncated),
            (rows.min(50), truncated)
        );
    }
    let answer = lake
        .run("SELECT value FROM generate_series(1, 100000000000)")
        .await
        .unwrap();
    assert_eq!((answer.row_count(), answer.truncated), (10_000, true));
}

#[tokio::test]
async fn deep_and_long_statements_do_no_harm() {
    let lake = Lake::empty();
    let deep = format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000));
    assert!(matches!(lake.error(&deep).await, SqlError::Syntax { .. }));
    let sum = format!("SELECT {} AS n", vec!["1"; 150].join("+"));
    assert_eq!(lake.rows(&sum).await, [serde_json::json!({"n": 150})]);
    let long = format!("SELECT '{}'", "x".repeat(300_000));
    assert!(matches!(lake.error(&long).await, SqlError::TooLarge { .. }));
    next_one_runs(&lake).await;
}
