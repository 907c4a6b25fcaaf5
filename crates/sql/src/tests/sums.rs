//! Sums of integers are right or an error, and what they were otherwise.

use lake::Table;
use serde_json::json;

use super::lakes::Lake;
use crate::SqlError;

const MOST: i64 = i64::MAX;

#[tokio::test]
async fn a_sum_that_is_no_bigint_is_an_error() {
    let lake = Lake::empty();
    let two = format!("(VALUES (1, {MOST}), (1, 1), (2, 5)) AS t(g, x)");
    for statement in [
        format!("SELECT SUM(x) FROM {two}"),
        format!("SELECT SUM(-x) FROM {two}"),
        format!("SELECT g, SUM(x) FROM {two} GROUP BY g"),
        format!("SELECT SUM(DISTINCT x) FROM {two}"),
        format!("SELECT SUM(x) OVER (ORDER BY x DESC) FROM {two}"),
        format!(
            "SELECT SUM(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM {two}"
        ),
        format!(
            "SELECT SUM(x + 1) FROM (VALUES ({}), (1)) AS t(x)",
            MOST - 1
        ),
    ] {
        let error = lake.error(&statement).await;
        assert!(
            matches!(error, SqlError::Execution(_)),
            "{statement}: {error:?}"
        );
        let said = error.to_string();
        assert!(
            said.starts_with("a sum is past the range of 64-bit integers"),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_sum_that_fits_is_a_bigint_as_before() {
    let lake = Lake::empty();
    // On the way it is past the range, at the end it is not.
    let three = format!("(VALUES (1, {MOST}), (1, 1), (1, -1), (2, NULL)) AS t(g, x)");
    let rows = lake
        .rows(&format!(
            "SELECT g, SUM(x) AS s FROM {three} GROUP BY g ORDER BY g"
        ))
        .await;
    assert_eq!(
        rows,
        [json!({"g": 1, "s": MOST}), json!({"g": 2, "s": null})]
    );
    let rows = lake
        .rows(&format!(
            "SELECT SUM(x) AS s, SUM(DISTINCT g) AS d, SUM(x) FILTER (WHERE x < 2) AS f, \
             SUM(CAST(g AS DOUBLE)) AS r, \
             SUM(CAST(x AS DECIMAL(38, 0)) * 2) AS w FROM {three}"
        ))
        .await;
    let twice = i128::from(MOST) * 2;
    assert_eq!(
        rows,
        [json!({"s": MOST, "d": 3, "f": 0, "r": 5.0, "w": twice.to_string()})]
    );
    let unsigned = format!(
        "SELECT SUM(CAST(x AS BIGINT UNSIGNED)) AS u FROM (VALUES ({MOST}), ({MOST}), (1)) AS t(x)"
    );
    assert_eq!(lake.rows(&unsigned).await, [json!({"u": u64::MAX})]);
    let rows = lake
        .rows("SELECT SUM(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM (VALUES (1), (2), (3)) AS t(x) ORDER BY x")
        .await;
    assert_eq!(rows, [json!({"s": 1}), json!({"s": 3}), json!({"s": 5})]);
}

#[tokio::test]
async fn sums_over_many_links_are_the_same() {
    let lake = Lake::empty();
    for part in 0..20_i64 {
        let rows: Vec<_> = (0..50)
            .map(|at| json!({"stock_name": format!("S{}", at % 7), "quantity": part * 50 + at, "_offset": part * 50 + at}))
            .collect();
        lake.commit(Table::StockOperation, &rows).await;
    }
    let rows = lake
        .rows("SELECT SUM(quantity) AS s, SUM(_offset) AS o FROM stock_operation")
        .await;
    assert_eq!(rows, [json!({"s": 499_500, "o": 499_500})]);
    let rows = lake
        .rows("SELECT SUM(s) AS s, COUNT(*) AS n FROM (SELECT stock_name, SUM(_offset) AS s FROM stock_operation GROUP BY stock_name) AS t")
        .await;
    assert_eq!(rows, [json!({"s": 499_500, "n": 7})]);
}
