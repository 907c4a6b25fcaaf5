//! Calls that are not granted: a problem, and no event.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::Stock;
use domain::quotes::DailyRecord;
use http::{Method, Response, StatusCode};
use lambda_http::Body;
use serde_json::{Value, json};
use stocks::quotes::{Quotes, QuotesError};

use crate::fixture::{Api, body, members};

/// A source that has nothing: `Err` or no prices.
struct Nothing {
    fails: bool,
}

#[async_trait]
impl Quotes for Nothing {
    async fn year(&self, stock: Stock, _: DateTime<Utc>) -> Result<Vec<DailyRecord>, QuotesError> {
        if self.fails {
            Err(QuotesError::Refused {
                stock,
                status: StatusCode::TOO_MANY_REQUESTS,
            })
        } else {
            Ok(vec![])
        }
    }
}

fn assert_problem(response: &Response<Body>, status: u16) -> Value {
    assert_eq!(response.status(), status, "{}", body(response));
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let members = members(response);
    assert_eq!(members["status"], status);
    for member in ["type", "title", "detail"] {
        assert!(members[member].is_string(), "{member} in {members}");
    }
    members
}

#[tokio::test]
async fn what_is_not_there_is_404_with_what_there_is() {
    let api = Api::known();
    let stocks = json!(Stock::all().map(Stock::as_str).collect::<Vec<_>>());
    for (method, path) in [
        ("GET", "/NOPE"),
        ("GET", "/%FF"),
        ("GET", "/GO%2FOG"),
        ("GET", "//GOOG"),
        ("DELETE", "/NOPE"),
        ("GET", "/NOPE/mean-price"),
        ("POST", "/NOPE/hold/0"),
        ("POST", "/IBM/buy/1"),
    ] {
        let problem = assert_problem(&api.call(method, path).await, 404);
        assert_eq!(problem["stocks"], stocks, "{path}");
        assert!(problem["detail"].as_str().unwrap().contains("GOOG"));
    }
    for (method, path) in [
        ("GET", "/GOOG/hold/3"),
        ("POST", "/GOOG/hold/0"),
        ("POST", "/GOOG/BUY/1"),
    ] {
        let problem = assert_problem(&api.call(method, path).await, 404);
        assert_eq!(problem["actions"], json!(["buy", "sell"]), "{path}");
    }
    let problem = assert_problem(&api.call("GET", "/GOOG/median").await, 404);
    assert_eq!(problem["metrics"].as_array().unwrap().len(), 5);
    let problem = assert_problem(&api.call("GET", "/GOOG/buy/1/now").await, 404);
    assert_eq!(problem["routes"].as_array().unwrap().len(), 6);
    assert_eq!(api.events(), []);
}

#[tokio::test]
async fn a_bad_quantity_is_422() {
    let api = Api::known();
    for quantity in [
        "0",
        "-1",
        "ten",
        "1.5",
        "+1",
        "%20",
        "1000001",
        "99999999999999999999",
        "%FF",
    ] {
        let problem = assert_problem(
            &api.call("POST", &format!("/GOOG/buy/{quantity}")).await,
            422,
        );
        assert_eq!(
            (&problem["minimum"], &problem["maximum"]),
            (&json!(1), &json!(1_000_000)),
            "{quantity}"
        );
    }
    assert_problem(&api.call("GET", "/GOOG/buy/0").await, 422);
    assert_eq!(api.events(), []);
    assert_eq!(api.call("POST", "/GOOG/buy/1000000").await.status(), 201);
}

#[tokio::test]
async fn a_wrong_method_is_405_with_the_right_ones() {
    let api = Api::known();
    for (method, path, allowed) in [
        ("DELETE", "/GOOG", "GET, HEAD"),
        ("POST", "/GOOG/mean-price", "GET, HEAD"),
        ("PUT", "/", "GET, HEAD"),
        ("POST", "/health", "GET, HEAD"),
        ("OPTIONS", "/openapi.json", "GET, HEAD"),
        ("GET", "/GOOG/buy/10", "POST"),
        ("HEAD", "/GOOG/buy/10", "POST"),
    ] {
        let answer = api.call(method, path).await;
        assert_eq!(answer.status(), 405, "{method} {path}");
        assert_eq!(answer.headers()["allow"], allowed, "{method} {path}");
        if method != Method::HEAD.as_str() {
            assert_problem(&answer, 405);
        }
    }
    assert_eq!(api.events(), []);
}

#[tokio::test]
async fn without_quotes_it_is_502_and_no_event() {
    for fails in [true, false] {
        let api = Api::new(Nothing { fails });
        for (method, path) in [
            ("GET", "/GOOG"),
            ("GET", "/GOOG/mean-price"),
            ("POST", "/GOOG/sell/1"),
        ] {
            assert_problem(&api.call(method, path).await, 502);
        }
        assert_eq!(api.events(), []);
    }
}

#[tokio::test]
async fn an_event_that_is_not_stored_is_503_with_a_time_to_come_again() {
    let api = Api::known();
    api.log.set_failing(true);
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/GOOG"),
        ("GET", "/GOOG/mean-price"),
        ("POST", "/GOOG/buy/1"),
    ] {
        let answer = api.call(method, path).await;
        assert_problem(&answer, 503);
        assert_eq!(answer.headers()["retry-after"], "5");
    }
    assert_eq!(api.call("GET", "/health").await.status(), 200);
    api.log.set_failing(false);
    assert_eq!(api.call("GET", "/GOOG").await.status(), 200);
    assert_eq!(api.events().len(), 1);
}
