//! Names are matched without regard to case, and shown as they were written or declared.

use lake::Table;
use proptest::prelude::*;
use serde_json::json;

use super::lakes::Lake;

async fn calls() -> Lake {
    let lake = Lake::empty();
    lake.commit(
        Table::StockCall,
        &[
            json!({"Host": "a", "User-Agent": "ab", "stock_name": "IBM", "event_type": "x"}),
            json!({"Host": "b", "User-Agent": "ab", "stock_name": "IBM", "event_type": "y"}),
        ],
    )
    .await;
    lake
}

#[tokio::test]
async fn names_are_found_in_any_case() {
    let lake = calls().await;
    let cases: [(&str, &[&str]); 18] = [
        (
            "SELECT host, STOCK_NAME FROM Stock_Call",
            &["Host", "stock_name"],
        ),
        (
            r#"SELECT HOST, "User-Agent" FROM STOCK_CALL"#,
            &["Host", "User-Agent"],
        ),
        (r#"SELECT "user-agent" FROM "Stock_Call""#, &["User-Agent"]),
        ("SELECT `User-Agent` FROM stock_call", &["User-Agent"]),
        (
            "SELECT COUNT(*) AS QueryCount FROM stock_call ORDER BY querycount",
            &["QueryCount"],
        ),
        (
            r#"SELECT COUNT(*) AS "Query Count" FROM stock_call ORDER BY "query count""#,
            &["Query Count"],
        ),
        (
            "SELECT stock_name AS S, COUNT(*) C FROM stock_call GROUP BY s HAVING c > 1 ORDER BY C",
            &["S", "C"],
        ),
        (
            "SELECT QUERYCOUNT FROM (SELECT COUNT(*) AS QueryCount FROM stock_call) T WHERE t.querycount = 2",
            &["QueryCount"],
        ),
        (
            "WITH Calls AS (SELECT host AS H FROM stock_call) SELECT h FROM CALLS",
            &["H"],
        ),
        (
            "SELECT SC.host FROM stock_call sc JOIN Stock_Call O ON sc.HOST = o.Host",
            &["Host"],
        ),
        (
            "SELECT count(*), COUNT(*) FROM stock_call",
            &["count(*)", "COUNT(*)_1"],
        ),
        (
            "SELECT a.host, b.host FROM stock_call a, stock_call b",
            &["Host", "Host_1"],
        ),
        ("SELECT host, host FROM stock_call", &["Host", "Host_1"]),
        ("SELECT MAX(Host) FROM stock_call", &["MAX(Host)"]),
        (
            "SELECT userid AS HOST FROM (SELECT 'u' AS UserId) x ORDER BY host",
            &["HOST"],
        ),
        (
            "SELECT DISTINCT Host FROM stock_call ORDER BY HOST",
            &["Host"],
        ),
        (
            "SELECT stock_name, COUNT(*) FROM stock_call GROUP BY stock_name ORDER BY COUNT(*) DESC",
            &["stock_name", "COUNT(*)"],
        ),
        ("SELECT 1 AS one UNION ALL SELECT 2", &["one"]),
    ];
    for (query, names) in cases {
        assert_eq!(lake.names(query).await, names, "{query}");
    }
    let all = lake.names("SELECT * FROM stock_call").await;
    let declared: Vec<_> = Table::StockCall
        .columns()
        .map(|c| c.name.to_owned())
        .collect();
    assert_eq!(all, declared);
}

#[tokio::test]
async fn literals_keep_their_case() {
    let lake = calls().await;
    assert_eq!(
        lake.rows("SELECT 'IBM' AS X FROM stock_call WHERE stock_name = 'IBM' LIMIT 1")
            .await,
        [json!({"X": "IBM"})]
    );
    assert!(
        lake.rows("SELECT 1 FROM stock_call WHERE stock_name = 'ibm'")
            .await
            .is_empty()
    );
}

fn any_case(text: &'static str) -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<bool>(), text.len()).prop_map(move |upper| {
        let letters = text.chars().zip(upper);
        letters
            .map(|(c, up)| {
                if up {
                    c.to_ascii_uppercase()
                } else {
                    c.to_ascii_lowercase()
                }
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]
    #[test]
    fn any_spelling_of_a_query_has_the_same_answer(
        query in any_case("select host, count(*) as n from stock_call as s where s.host > '0' group by host order by n, host"),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let rows = runtime.block_on(async { calls().await.rows(&query).await });
        let values: Vec<Vec<_>> = rows.iter().map(|r| r.as_object().unwrap().values().cloned().collect()).collect();
        prop_assert_eq!(values.len(), 2);
        prop_assert!(values.iter().all(|v| v.contains(&json!(1))));
        prop_assert!(rows.iter().all(|r| r.get("Host").is_some()));
    }
}
