//! Evaluations, statistics and last NAVs.

use lake::Table;
use serde_json::{Value, json};

use super::lakes::{Function, evaluation};

async fn evaluated() -> Function {
    let function = Function::start().await;
    let rows = [
        evaluation("1.2", 20, 59_024_000, 0, 0),
        evaluation("1.10", 20, 100, 0, 0),
        evaluation("1.2", 40, 60_024_000, 1_000_000, 169),
        evaluation("2.1", 40, 200, 0, 0),
    ];
    function.commit(Table::Evaluations, 0, &rows).await;
    let later = [evaluation("1.2", 60, 59_524_000, -500_000, -83)];
    function.commit(Table::Evaluations, 1, &later).await;
    function
}

fn ends(answer: &Value) -> Vec<&str> {
    let rows = answer["rows"].as_array().unwrap().iter();
    rows.map(|row| row["window_end"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn evaluations_are_those_of_the_interval_both_ends_included() {
    let function = evaluated().await;
    let path = "/api/portfolios/1.2/evaluations";
    let all = function.get(path).await.ok();
    assert_eq!(
        all["rows"][1],
        json!({
            "portfolio": "1.2", "investor": 1, "portfolio_no": 2,
            "window_start": "2022-03-20T15:38:20Z", "window_end": "2022-03-20T15:38:40Z",
            "nav": "600240.00", "nav_change": "10000.00", "nav_change_pct": "1.69",
        })
    );
    let three = [
        "2022-03-20T15:38:20Z",
        "2022-03-20T15:38:40Z",
        "2022-03-20T15:39:00Z",
    ];
    assert_eq!(ends(&all), three);
    let cases: [(&str, &[&str]); 10] = [
        ("from=2022-03-20T15:38:40Z", &three[1..]),
        ("from=2022-03-20T15:38:40.000001Z", &three[2..]),
        ("to=2022-03-20T15:38:40Z", &three[..2]),
        (
            "from=2022-03-20T15:38:40Z&to=2022-03-20T15:38:40Z",
            &three[1..2],
        ),
        (
            "from=2022-03-20+15:38:40&to=2022-03-20+15:39:00",
            &three[1..],
        ),
        ("from=2022-03-20T16:38:40+01:00", &three[1..]),
        ("from=2022-03-20T16:38:40%2B01:00", &three[1..]),
        ("from=2022-03-20&to=2022-03-20", &three),
        ("to=2022-03-19", &[]),
        ("limit=1", &three[..1]),
    ];
    for (query, expected) in cases {
        let got = function.get(&format!("{path}?{query}")).await.ok();
        assert_eq!(ends(&got), expected, "{query}");
    }
    for bad in [
        "from=yesterday",
        "to=2022-13-01",
        "from=2022-03-21&to=2022-03-20",
    ] {
        function.get(&format!("{path}?{bad}")).await.problem(422);
    }
    let csv = function.get(&format!("{path}?format=csv&limit=1")).await;
    assert!(
        csv.text()
            .starts_with("portfolio,investor,portfolio_no,window_start,")
    );
}

#[tokio::test]
async fn a_portfolio_that_nobody_holds_any_more_keeps_its_evaluations() {
    let function = evaluated().await;
    let got = function.get("/api/portfolios/1.10/evaluations").await.ok();
    assert_eq!(got["row_count"], 1);
}

#[tokio::test]
async fn statistics_are_per_portfolio_by_number() {
    let function = evaluated().await;
    let got = function.get("/api/portfolios/statistics").await.ok();
    assert_eq!(
        got["rows"],
        json!([
            {"portfolio": "1.2", "investor": 1, "investor_name": "Investor 1",
             "Average_Valuation": "595240.00", "Std_Dev": "5000.00", "Biggest_Spread": "0.02"},
            {"portfolio": "1.10", "investor": 1, "investor_name": "Investor 1",
             "Average_Valuation": "1.00", "Std_Dev": null, "Biggest_Spread": "0.00"},
            {"portfolio": "2.1", "investor": 2, "investor_name": "Investor 2",
             "Average_Valuation": "2.00", "Std_Dev": null, "Biggest_Spread": "0.00"},
        ])
    );
    let part = "/api/portfolios/statistics?from=2022-03-20T15:38:40Z&to=2022-03-20T15:39:00Z";
    let got = function.get(part).await.ok();
    assert_eq!(got["row_count"], 2);
    assert_eq!(got["rows"][0]["Average_Valuation"], "597740.00");
    assert_eq!(got["rows"][0]["Std_Dev"], "3535.53");
    assert_eq!(got["rows"][0]["Biggest_Spread"], "0.01");
    let csv = function.get("/api/portfolios/statistics?format=csv").await;
    assert!(csv.text().starts_with(
        "portfolio,investor,investor_name,Average_Valuation,Std_Dev,Biggest_Spread\r\n"
    ));
}

#[tokio::test]
async fn the_last_nav_is_that_of_the_newest_window() {
    let function = evaluated().await;
    let listed = function.get("/api/portfolios").await.ok();
    let portfolio = &listed["portfolios"][1];
    assert_eq!(portfolio["id"], "1.2");
    assert_eq!(portfolio["nav"], "595240.00");
    assert_eq!(portfolio["nav_change"], "-5000.00");
    assert_eq!(portfolio["nav_change_pct"], "-0.83");
    assert_eq!(portfolio["window_end"], "2022-03-20T15:39:00Z");
    assert_eq!(listed["portfolios"][0]["nav"], Value::Null);
}
