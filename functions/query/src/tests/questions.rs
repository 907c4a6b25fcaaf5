//! Every question: its answer, its SQL as it stands, its page; and that it answers an empty lake as well.

use http::Method;
use serde_json::{Value, json};

use super::events::Events;
use super::expected;
use super::lakes::Function;
use crate::catalogue::all;

/// Questions that are checked by themselves: they list rows, or take parameters.
const APART: [&str; 7] = [
    "stock-calls",
    "checks-per-stock",
    "stock-operations",
    "portfolio-evaluations",
    "portfolio-statistics",
    "portfolio-changes",
    "valuations-over-time",
];

async fn rows(function: &Function, path: &str) -> Vec<Value> {
    let answer = function.get(path).await.ok();
    assert_eq!(
        answer["row_count"],
        answer["rows"].as_array().unwrap().len()
    );
    answer["rows"].as_array().unwrap().clone()
}

/// Equal, but for the last digits of doubles.
fn same(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, a)| b.get(k).is_some_and(|b| same(a, b)))
        }
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= 1e-9 * a.abs().max(1.0)
        }
        _ => found == expected,
    }
}

#[tokio::test]
async fn every_answer_is_what_the_events_say() {
    let events = Events::new();
    let function = events.function().await;
    for question in all().iter().filter(|q| !APART.contains(&q.slug)) {
        let found = json!(rows(&function, &format!("/api/questions/{}", question.slug)).await);
        let expected = json!(expected::answer(question.slug, &events));
        assert!(
            same(&found, &expected),
            "{}:\n{found:#}\n{expected:#}",
            question.slug
        );
    }
}

#[tokio::test]
async fn lists_have_every_row() {
    let events = Events::new();
    let function = events.function().await;
    let calls = rows(&function, "/api/questions/stock-calls").await;
    assert_eq!(calls.len(), events.calls.len());
    let operations = rows(&function, "/api/questions/stock-operations").await;
    assert_eq!(operations.len(), events.operations.len());
    let counts = rows(&function, "/api/questions/checks-per-stock").await;
    let sum: i64 = counts
        .iter()
        .map(|row| row["COUNT(stock_name)"].as_i64().unwrap())
        .sum();
    assert_eq!(sum as usize, events.calls.len());
    let few = function
        .get("/api/questions/stock-calls?limit=3")
        .await
        .ok();
    assert_eq!(
        (&few["row_count"], &few["truncated"]),
        (&json!(3), &json!(true))
    );
}

#[tokio::test]
async fn portfolios_are_asked_for_by_investor_portfolio_and_interval() {
    let events = Events::new();
    let function = events.function().await;
    let navs = |id: &str| -> Vec<f64> {
        let of = events.evaluations.iter().filter(|e| e["portfolio"] == id);
        of.map(|e| e["nav"].as_f64().unwrap() / 100.0).collect()
    };
    let found = |rows: &[Value]| -> Vec<f64> {
        let nav = |row: &Value| row["nav"].as_str().unwrap().parse().unwrap();
        rows.iter().map(nav).collect()
    };
    let path = "/api/questions/portfolio-evaluations";
    assert_eq!(found(&rows(&function, path).await), navs("1.1"));
    let other = rows(&function, &format!("{path}?investor=10&portfolio=2")).await;
    assert_eq!(found(&other), navs("10.2"));
    let part = format!("{path}?portfolio=2&from=2022-03-20T15:38:20Z&to=2022-03-20%2015:39:00");
    assert_eq!(found(&rows(&function, &part).await), navs("1.2")[1..=3]);
    let told = function.get(&part).await.ok();
    assert_eq!(told["parameters"][1]["value"], "2");
    assert!(told["sql"].as_str().unwrap().contains("portfolio_no = 2\n"));
    for bad in [
        "investor=0",
        "portfolio=x",
        "investor=1%20OR%201=1",
        "from=soon",
    ] {
        function.get(&format!("{path}?{bad}")).await.problem(422);
        function
            .get(&format!("/questions/portfolio-evaluations?{bad}"))
            .await
            .problem(422);
    }

    let statistics = rows(&function, "/api/questions/portfolio-statistics").await;
    let changes = rows(&function, "/api/questions/portfolio-changes").await;
    assert_eq!((statistics.len(), changes.len()), (3, 3));
    for (at, id) in ["1.1", "1.2", "10.2"].into_iter().enumerate() {
        let navs = navs(id);
        let count = navs.len() as f64;
        let mean = navs.iter().sum::<f64>() / count;
        let squares: f64 = navs.iter().map(|nav| (nav - mean).powi(2)).sum();
        let highest = navs.iter().copied().fold(f64::MIN, f64::max);
        let lowest = navs.iter().copied().fold(f64::MAX, f64::min);
        let (first, last) = (navs[0], navs[navs.len() - 1]);
        let near = |row: &Value, column: &str, expected: f64| {
            let found: f64 = row[column].as_str().unwrap().parse().unwrap();
            assert!(
                (found - expected).abs() <= 0.0101,
                "{id} {column}: {found} {expected}"
            );
        };
        assert_eq!(statistics[at]["portfolio"], id);
        near(&statistics[at], "Average_Valuation", mean);
        near(&statistics[at], "Std_Dev", (squares / (count - 1.0)).sqrt());
        near(&statistics[at], "Biggest_Spread", (highest - lowest) / mean);
        assert_eq!(changes[at]["windows"], 6);
        near(&changes[at], "gained", last - first);
        near(&changes[at], "gained_pct", 100.0 * (last - first) / first);
    }
    let latest = rows(&function, "/api/questions/valuations-over-time").await;
    assert_eq!(latest.len(), events.evaluations.len());
    assert_eq!(latest[0]["window_end"], "2022-03-20T15:39:40Z");
}

#[tokio::test]
async fn its_sql_can_be_asked_as_it_stands() {
    let events = Events::new();
    let function = events.function().await;
    let listed = function.get("/api/questions").await.ok();
    let listed = listed["questions"].as_array().unwrap();
    assert_eq!(listed.len(), all().len());
    for question in listed {
        let sql = question["sql"].as_str().unwrap();
        let body = json!({"sql": sql}).to_string();
        let headers = [("content-type", "application/json")];
        let asked = function
            .send(Method::POST, "/api/sql", &headers, &body)
            .await
            .ok();
        let named = function.get(question["url"].as_str().unwrap()).await.ok();
        // Without an ORDER BY rows come as they please.
        if sql.contains("ORDER BY") {
            assert_eq!(asked["rows"], named["rows"], "{sql}");
        }
        assert_eq!(asked["row_count"], named["row_count"], "{sql}");
        assert_eq!(named["sql"], sql);
        assert_eq!(named["slug"], question["slug"]);
    }
}

#[tokio::test]
async fn every_parameter_stands_in_its_statement_once() {
    for question in all() {
        for parameter in question.parameters {
            let written = parameter.written(parameter.default);
            assert_eq!(
                question.sql.matches(&written).count(),
                1,
                "{}",
                question.slug
            );
        }
    }
    let mut slugs: Vec<&str> = all().iter().map(|question| question.slug).collect();
    let described: Value = serde_json::from_str(include_str!("../openapi.json")).unwrap();
    let described = &described["components"]["parameters"]["question"]["schema"]["enum"];
    assert_eq!(*described, json!(slugs));
    slugs.sort_unstable();
    slugs.dedup();
    assert_eq!(slugs.len(), all().len());
}

#[tokio::test]
async fn an_empty_lake_has_answers_too() {
    let function = Function::start().await;
    for question in all() {
        let path = format!("/api/questions/{}", question.slug);
        let answer = function.get(&path).await.ok();
        assert!(
            answer["row_count"].as_i64().unwrap() <= 1,
            "{}",
            question.slug
        );
        for format in ["ndjson", "csv", "arrow"] {
            let got = function.get(&format!("{path}?format={format}")).await;
            assert_eq!(got.status, 200, "{path} {format}");
        }
        let page = function.get(&format!("/questions/{}", question.slug)).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text());
    }
}

#[tokio::test]
async fn pages_show_what_strangers_sent_as_text() {
    let events = Events::new();
    let function = events.function().await;
    let list = function.get("/questions").await;
    for question in all() {
        let path = format!("/questions/{}", question.slug);
        assert!(list.text().contains(&format!("href=\"{path}\"")), "{path}");
        let page = function.get(&path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text());
        for markup in ["<script>alert", "<b>knife", "<i>Thrones"] {
            assert!(!page.text().contains(markup), "{path}");
        }
    }
    let levels = function.get("/questions/top-users-by-level").await;
    assert!(levels.text().contains("alert(1)") && levels.text().contains("<svg"));
    function.get("/questions/nope").await.problem(404);
    let problem = function.get("/api/questions/nope").await.problem(404);
    assert_eq!(problem["questions"].as_array().unwrap().len(), all().len());
    function
        .get("/api/questions/users-attacked?format=xml")
        .await
        .problem(406);
}
