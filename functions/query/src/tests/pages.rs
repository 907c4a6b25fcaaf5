//! Every page renders, empty and with rows; its headers protect it; what users wrote stays text.

use chrono::Utc;
use http::Method;
use lake::Table;
use serde_json::{Value, json};

use super::lakes::{Function, Got, evaluation};
use crate::figures;

const PAGES: [&str; 12] = [
    "/",
    "/prices",
    "/prices/IBM",
    "/portfolios",
    "/portfolios/new",
    "/portfolios/1.1",
    "/portfolios/1.1/delete",
    "/behaviour",
    "/cost",
    "/sql",
    "/sql?q=SELECT+1",
    "/csv/?format=html",
];

const ATTACK: &str = "\"><script>alert('x')</script>";

/// A tick of this many seconds ago; prices in cents.
fn tick(ticker: &str, cents: i64, ago: i64) -> Value {
    let at = Utc::now().timestamp() - ago;
    json!({
        "tick": ticker, "price": cents, "ts": at * 1_000_000, "exchange": "se1",
        "_topic": "StockExchange", "_timestamp": at * 1000,
    })
}

fn check(ticker: &str) -> Value {
    json!({
        "event_type": format!("check_stock_{ticker}"), "stock_name": ticker, "Host": ATTACK,
        "_topic": "stock_call", "_timestamp": (Utc::now().timestamp() - 120) * 1000,
    })
}

async fn with_rows() -> Function {
    let function = Function::start().await;
    let ticks = [
        tick("IBM", 12_320, 60),
        tick("IBM", 12_400, 40),
        tick("IBM", 12_012, 20),
        tick("HPQ", 2_800, 30),
    ];
    function.commit(Table::Ticks, 0, &ticks).await;
    let evaluations = [
        evaluation("1.1", 0, 1_072_442_000, 0, 0),
        evaluation("1.1", 20, 1_073_442_000, 1_000_000, 9),
        evaluation("1.1", 40, 1_071_942_050, -1_499_950, -14),
        evaluation("7.9", 40, 100_000, 0, 0),
    ];
    function.commit(Table::Evaluations, 0, &evaluations).await;
    let checks = [check("GOOG"), check("GOOG"), check(ATTACK)];
    function.commit(Table::StockCall, 0, &checks).await;
    let operation = |kind: &str, quantity: i64, price: f64| {
        json!({
            "event_type": format!("{kind}_AMZN"), "stock_name": "AMZN", "quantity": quantity,
            "price": price, "transaction_amount": price * quantity as f64,
        })
    };
    let operations = [operation("buy", 10, 150.5), operation("sell", 4, 100.0)];
    function.commit(Table::StockOperation, 0, &operations).await;
    let letter = json!({
        "topic": "stock_call", "partition": 1, "offset": 7,
        "timestamp": (Utc::now().timestamp() - 5) * 1000,
        "reason": format!("no JSON: {ATTACK}"), "_offset": 7,
    });
    function.commit(Table::DeadLetter, 0, &[letter]).await;
    function
}

fn is_page(got: &Got, path: &str) {
    assert_eq!(got.status, 200, "{path}: {}", got.text());
    assert_eq!(
        got.header("content-type"),
        "text/html; charset=utf-8",
        "{path}"
    );
    let policy = got.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(got.header("x-content-type-options"), "nosniff");
    let text = got.text();
    for part in [
        "<!doctype html>",
        "lang=\"en\"",
        "<title>",
        "class=\"skip\"",
        "<main",
        "<nav",
        "<h1>",
    ] {
        assert!(text.contains(part), "{path} has no {part}");
    }
    // What the policy would not let through has no place in a page.
    for part in [" style=", "<style", "onclick=", "<script>", "javascript:"] {
        assert!(!text.contains(part), "{path} has {part}");
    }
    assert!(!text.contains("NaN"), "{path}");
    let tables = text.matches("<table").count();
    assert_eq!(text.matches("<caption").count(), tables, "{path}");
}

#[tokio::test]
async fn every_page_renders_before_the_first_row() {
    let function = Function::start().await;
    for path in PAGES {
        is_page(&function.get(path).await, path);
    }
    let behaviour = function.get("/behaviour").await;
    for event in [
        "curl http://localhost:5000/GOOG",
        "/purchase/sword",
        "/join_guild/",
        "/level_up/",
    ] {
        assert!(behaviour.text().contains(event), "{event}");
    }
    assert!(function.get("/prices").await.text().contains("No tick yet"));
    assert!(
        function
            .get("/portfolios/1.1")
            .await
            .text()
            .contains("No evaluation")
    );
}

#[tokio::test]
async fn every_page_renders_with_rows() {
    let function = with_rows().await;
    for path in PAGES {
        let got = function.get(path).await;
        is_page(&got, path);
        assert!(!got.text().contains("<script>alert"), "{path}");
        let head = function.send(Method::HEAD, path, &[], "").await;
        assert_eq!((head.status.as_u16(), head.body.len()), (200, 0), "{path}");
    }
}

#[tokio::test]
async fn the_overview_counts_and_draws_what_came() {
    let function = with_rows().await;
    let got = function.get("/").await;
    let text = got.text();
    for part in [
        "Events a minute, by topic",
        "StockExchange",
        "stock_call-1 at 7",
        "no JSON: &#34;&#62;&#60;script&#62;",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let row = text
        .split("<tr>")
        .find(|row| row.contains(">ticks</a>"))
        .unwrap();
    assert!(row.contains("<td class=\"num\">4</td>"), "{row}");
    assert!(row.contains(" s ago"), "{row}");
    assert!(!text.contains("Records lost"), "{text}");
}

#[tokio::test]
async fn the_overview_tells_of_records_that_are_lost() {
    let function = with_rows().await;
    // Two tables miss the same forty, and one of them two others.
    let gap = |table, records| json!({"table_name": table, "records": records, "_timestamp": 1_700_000_000_000_i64});
    let gaps = [gap("ticks", 40), gap("evaluations", 40), gap("ticks", 2)];
    function.commit(Table::Gaps, 0, &gaps).await;
    let got = function.get("/").await;
    let text = got.text();
    assert!(
        text.contains("<dt>Records lost</dt><dd class=\"warn\">42 "),
        "{text}"
    );
}

#[tokio::test]
async fn prices_show_the_last_and_the_change_in_view() {
    let function = with_rows().await;
    let got = function.get("/prices").await;
    assert_eq!(got.text().matches("class=\"sparkline\"").count(), 24);
    let row = got
        .text()
        .split("<tr>")
        .find(|row| row.contains(">IBM</a>"))
        .unwrap();
    for part in ["120.12", "\u{2212}3.08", "\u{2212}2.50%", "down"] {
        assert!(row.contains(part), "{part} in {row}");
    }
    let ibm = function.get("/prices/ibm").await;
    assert!(ibm.text().contains("price, USD"), "{}", ibm.text());
    // Portfolio 1.1 holds 1000 of it.
    assert!(ibm.text().contains("120,120.00"));
    function.get("/prices/NOPE").await.problem(404);
}

#[tokio::test]
async fn positions_are_parts_of_the_whole_at_the_last_prices() {
    let function = with_rows().await;
    let mine = [evaluation("4.1", 60, 17_612_000, 0, 0)];
    function.commit(Table::Evaluations, 4, &mine).await;
    let put = async |holdings: Value| {
        let body = json!({"investor": 4, "portfolio": 1, "holdings": holdings, "active": true});
        let json = [("content-type", "application/json")];
        let path = "/api/portfolios/4.1";
        let put = function
            .send(Method::PUT, path, &json, &body.to_string())
            .await;
        assert!(put.status.is_success(), "{}", put.text());
        function.get("/portfolios/4.1").await
    };
    let page = put(json!({"HPQ": 2000, "IBM": 1000})).await;
    let rows: Vec<&str> = page
        .text()
        .split("<tr>")
        .filter(|row| row.contains("class=\"part\""))
        .collect();
    for (row, parts) in rows.iter().zip([
        ["/prices/IBM", "1,000", "120.12", "120,120.00", "68.2%"],
        ["/prices/HPQ", "2,000", "28.00", "56,000.00", "31.8%"],
    ]) {
        for part in parts {
            assert!(row.contains(part), "{part} in {row}");
        }
    }
    assert_eq!(rows.len(), 2);
    // Without a price of each there is no whole.
    let page = put(json!({"IBM": 1000, "AAPL": 1})).await;
    assert!(page.text().contains("120,120.00"));
    assert!(!page.text().contains("100.0%"), "{}", page.text());
}

#[test]
fn what_is_ahead_of_the_clock_is_said_to_be() {
    let now = Utc::now();
    let seconds = chrono::TimeDelta::seconds;
    assert_eq!(figures::ago(now + seconds(2), now), "just now");
    assert_eq!(figures::ago(now + seconds(6), now), "6 s ahead");
    assert_eq!(figures::ago(now + seconds(480), now), "8 min ahead");
    assert_eq!(figures::ago(now - seconds(480), now), "8 min ago");
}

#[tokio::test]
async fn a_portfolio_is_shown_over_an_interval() {
    let function = with_rows().await;
    let list = function.get("/portfolios").await;
    assert!(list.text().contains("10,719,420.50"), "{}", list.text());
    let got = function.get("/portfolios/1.1").await;
    for part in [
        "10,719,420.50",
        "\u{2212}14,999.50",
        "\u{2212}0.14%",
        "of 3 windows",
        "10,726,086.83",
        "net asset value, window by window",
        "/csv/INVESTOR_1_PORTFOLIO_1.csv?from=",
        "name=\"shares.AMZN\" inputmode=\"numeric\" autocomplete=\"off\" value=\"2300\"",
    ] {
        assert!(got.text().contains(part), "{part} in {}", got.text());
    }
    let part = function
        .get("/portfolios/1.1?from=2022-03-20T15:38:00&to=2022-03-20T15:38:20")
        .await;
    assert!(part.text().contains("of 2 windows"));
    assert!(part.text().contains("value=\"2022-03-20T15:38:20\""));
    let wrong = function.get("/portfolios/1.1?from=yesterday&to=").await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.text().contains("role=\"alert\""));
    assert!(wrong.text().contains("value=\"yesterday\""));
    // Nobody holds it, but it was evaluated.
    let past = function.get("/portfolios/7.9").await;
    assert!(past.text().contains("Nobody holds"));
    function.get("/portfolios/8.8").await.problem(404);
}

#[tokio::test]
async fn behaviour_shows_checks_and_trades() {
    let function = with_rows().await;
    let got = function.get("/behaviour").await;
    for part in [
        "Which stocks customers check",
        "GOOG",
        "1,505.00",
        "150.50",
        "400.00",
    ] {
        assert!(got.text().contains(part), "{part}");
    }
}

#[tokio::test]
async fn behaviour_stands_sums_past_every_range() {
    let function = Function::start().await;
    let operation = json!({
        "event_type": "buy_AMZN", "stock_name": "AMZN", "quantity": 1,
        "price": 1.7e308, "transaction_amount": 1.7e308,
    });
    let operations = [operation.clone(), operation];
    function.commit(Table::StockOperation, 0, &operations).await;
    for path in [
        "/behaviour",
        "/questions/interest-and-trade",
        "/reports/analytics",
    ] {
        let got = function.get(path).await;
        assert_eq!(got.status, 200, "{path}: {}", got.text());
        assert!(
            !got.text().contains("NaN") && !got.text().contains("inf<"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn someone_who_looks_at_pages_gets_a_page_for_a_problem() {
    let function = Function::start().await;
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let got = function
        .send(Method::GET, "/prices/%3Cb%3E", &browser, "")
        .await;
    assert_eq!(got.status, 404);
    assert!(got.text().contains("&#60;b&#62;") && got.text().contains("IBM, "));
    assert!(got.header("content-security-policy").contains("'none'"));
    let got = function.send(Method::PUT, "/prices", &browser, "").await;
    assert_eq!(
        (got.status.as_u16(), got.header("allow")),
        (405, "GET, HEAD")
    );
    let api = function.send(Method::GET, "/api/nope", &browser, "").await;
    api.problem(404);
}

#[tokio::test]
async fn assets_are_kept_until_they_change() {
    let function = Function::start().await;
    let home = function.get("/").await;
    let links: Vec<&str> = home
        .text()
        .split('"')
        .filter(|part| part.starts_with("/assets/"))
        .collect();
    assert_eq!(links.len(), 3);
    for link in links {
        let got = function.get(link).await;
        assert_eq!(got.status, 200, "{link}");
        assert!(got.header("cache-control").contains("immutable"), "{link}");
        assert!(!got.body.is_empty());
        let tag = got.header("etag").to_owned();
        let plain = link.split('?').next().unwrap();
        let same = function
            .send(Method::GET, plain, &[("if-none-match", &tag)], "")
            .await;
        assert_eq!((same.status.as_u16(), same.body.len()), (304, 0), "{link}");
        assert_eq!(same.header("cache-control"), "no-cache");
    }
    function.get("/assets/../Cargo.toml").await.problem(404);
    function.get("/assets/nope.css").await.problem(404);
}

#[tokio::test]
async fn what_it_costs_can_be_asked_for_any_rate() {
    let function = Function::start().await;
    let usual = function.get("/cost").await;
    for part in [
        "value=\"1000\"",
        "1/s",
        "1,000/s",
        "50,000/s",
        "Firehose and Athena",
        "Function archive",
    ] {
        assert!(usual.text().contains(part), "{part} in {}", usual.text());
    }
    let asked = function
        .get("/cost?events_per_second=0.5&statements_per_day=7&exchanges=off")
        .await;
    for part in ["value=\"0.5\"", "at 0.50 events a second", "value=\"off\""] {
        assert!(asked.text().contains(part), "{part} in {}", asked.text());
    }
    let none = function.get("/cost?events_per_second=0").await;
    assert!(none.text().contains("no events"), "{}", none.text());
    for wrong in [
        "events_per_second=-1",
        "events_per_second=1e7",
        "events_per_second=many",
        "events_per_second=NaN",
        "statements_per_day=inf",
        "exchanges=maybe",
    ] {
        let problem = function.get(&format!("/cost?{wrong}")).await.problem(422);
        let (name, value) = wrong.split_once('=').unwrap();
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(name) && detail.contains(value), "{detail}");
    }
}
