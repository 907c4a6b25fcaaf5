//! Reading and changing holdings.

use http::Method;
use serde_json::{Value, json};

use super::lakes::{Function, Got};

async fn put(function: &Function, id: &str, body: &Value) -> Got {
    let headers = [("content-type", "application/json")];
    let path = format!("/api/portfolios/{id}");
    function
        .send(Method::PUT, &path, &headers, &body.to_string())
        .await
}

#[tokio::test]
async fn the_first_portfolios_are_seeded() {
    let function = Function::start().await;
    let listed = function.get("/api/portfolios").await.ok();
    let portfolios = listed["portfolios"].as_array().unwrap();
    let ids: Vec<&str> = portfolios
        .iter()
        .map(|p| p["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, ["1.1", "1.2", "2.1", "2.2", "3.1", "3.2"]);
    assert_eq!(portfolios[0]["holdings"]["AMZN"], 2300);
    for figure in [
        "nav",
        "nav_change",
        "nav_change_pct",
        "window_start",
        "window_end",
    ] {
        assert_eq!(portfolios[0][figure], Value::Null);
    }
}

#[tokio::test]
async fn holdings_are_made_changed_and_taken_away() {
    let function = Function::start().await;
    let one = json!({"investor": 1, "portfolio": 10, "holdings": {"IBM": 1000}, "active": true});
    assert_eq!(put(&function, "1.10", &one).await.status, 201);
    assert_eq!(function.get("/api/portfolios/1.10").await.ok(), one);

    let other = json!({"holdings": {"HPQ": 1, "IBM": 1_000_000_000}, "active": false});
    let got = put(&function, "1.10", &other).await;
    let expected = json!({"investor": 1, "portfolio": 10, "holdings": {"HPQ": 1, "IBM": 1_000_000_000}, "active": false});
    assert_eq!(got.ok(), expected);
    assert_eq!(put(&function, "1.10", &expected).await.ok(), expected);

    let listed = function.get("/api/portfolios").await.ok();
    let ids: Vec<&str> = listed["portfolios"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids[..3], ["1.1", "1.2", "1.10"]);

    let gone = function
        .send(Method::DELETE, "/api/portfolios/1.10", &[], "")
        .await;
    assert_eq!(gone.status, 204);
    function.get("/api/portfolios/1.10").await.problem(404);
    function
        .send(Method::DELETE, "/api/portfolios/1.10", &[], "")
        .await
        .problem(404);
}

#[tokio::test]
async fn a_put_that_makes_no_sense_changes_nothing() {
    let function = Function::start().await;
    let before = function.get("/api/portfolios/1.2").await.ok();
    let holdings = json!({"IBM": 1});
    for bad in [
        json!({}),
        json!([]),
        json!({"holdings": {}}),
        json!({"holdings": {"NOPE": 1}}),
        json!({"holdings": {"ibm": 1}}),
        json!({"holdings": {"IBM": 0}}),
        json!({"holdings": {"IBM": -1}}),
        json!({"holdings": {"IBM": 1.5}}),
        json!({"holdings": {"IBM": "1"}}),
        json!({"holdings": {"IBM": 1_000_000_001}}),
        json!({"holdings": holdings, "investor": 2}),
        json!({"holdings": holdings, "portfolio": 1}),
        json!({"holdings": holdings, "active": "yes"}),
        json!({"holdings": holdings, "name": "x"}),
    ] {
        put(&function, "1.2", &bad).await.problem(422);
    }
    let unknown = put(&function, "1.2", &json!({"holdings": {"NOPE": 1}}))
        .await
        .problem(422);
    assert_eq!(unknown["tickers"].as_array().unwrap().len(), 24);
    for id in ["0.1", "1.0", "4294967295.1"] {
        put(&function, id, &json!({"holdings": holdings}))
            .await
            .problem(422);
    }
    put(&function, "1", &json!({"holdings": holdings}))
        .await
        .problem(404);
    let headers = [("content-type", "text/plain")];
    function
        .send(Method::PUT, "/api/portfolios/1.2", &headers, "{}")
        .await
        .problem(415);
    assert_eq!(function.get("/api/portfolios/1.2").await.ok(), before);
}
