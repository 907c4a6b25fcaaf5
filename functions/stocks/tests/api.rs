//! Every route and every refusal of the Stocks API, and the events that they make or do not make.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use domain::Stock;
use domain::quotes::DailyRecord;
use http::{Method, Response, StatusCode};
use lambda_http::{Body, Request};
use serde_json::{Value, json};
use stocks::quotes::simulated::Simulated;
use stocks::quotes::{Quotes, QuotesError};
use stocks::{Context, handle};
use stream::MemoryPublisher;

/// Three days: the newest without an open, adjusted closes of 30, 10 and 20 from new to old.
struct Known;

#[async_trait]
impl Quotes for Known {
    async fn year(&self, _: Stock, _: DateTime<Utc>) -> Result<Vec<DailyRecord>, QuotesError> {
        let day = |day, open, close, adjclose| DailyRecord {
            date: NaiveDate::from_ymd_opt(2026, 11, day).unwrap(),
            open,
            close,
            adjclose,
        };
        Ok(vec![
            day(5, None, Some(30.5), Some(30.0)),
            day(4, Some(11.25), Some(10.5), Some(10.0)),
            day(3, Some(1.0), None, None),
            day(2, Some(2.0), Some(20.5), Some(20.0)),
        ])
    }
}

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

struct Api {
    context: Context,
    log: Arc<MemoryPublisher>,
}

impl Api {
    fn new(quotes: impl Quotes + 'static) -> Self {
        let log = Arc::new(MemoryPublisher::new());
        let clock = Arc::new(|| "2026-11-05T09:08:07.250Z".parse().unwrap());
        Self {
            context: Context::new(log.clone(), Arc::new(quotes), clock),
            log,
        }
    }

    fn known() -> Self {
        Self::new(Known)
    }

    async fn call(&self, method: &str, path: &str) -> Response<Body> {
        self.send(
            http::Request::builder()
                .method(method)
                .uri(path)
                .body(Body::Empty)
                .unwrap(),
        )
        .await
    }

    async fn send(&self, request: Request) -> Response<Body> {
        handle(request, &self.context).await.unwrap()
    }

    fn events(&self) -> Vec<(String, String, Value)> {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let records = self.log.records().into_iter();
        records
            .map(|r| {
                (
                    r.topic,
                    text(r.key),
                    serde_json::from_slice(&r.value).unwrap(),
                )
            })
            .collect()
    }
}

fn body(response: &Response<Body>) -> &str {
    std::str::from_utf8(response.body().as_ref()).unwrap()
}

fn members(response: &Response<Body>) -> Value {
    serde_json::from_str(body(response)).unwrap()
}

const AT_MS: f64 = 1_793_869_687_250.0;

#[tokio::test]
async fn help_names_the_routes_and_is_an_event() {
    let api = Api::known();
    let help = api.call("GET", "/").await;
    assert_eq!(help.status(), 200);
    assert_eq!(help.headers()["content-type"], "text/plain; charset=utf-8");
    for named in [
        "/{stock}",
        "/{stock}/{metric}",
        "/{stock}/{buy or sell}/{quantity}",
        "mean-price",
        "GOOG",
    ] {
        assert!(body(&help).contains(named), "{named} in {}", body(&help));
    }
    let event = json!({"event_type": "default instructions"});
    assert_eq!(
        api.events(),
        [("default_call".into(), "default".into(), event)]
    );
}

#[tokio::test]
async fn a_stock_has_seven_keys_in_order() {
    let api = Api::known();
    for path in ["/GOOG", "/goog", "/Goog/"] {
        let answer = api.call("GET", path).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(
            body(&answer),
            concat!(
                r#"{"Stock":"GOOG","Date of Query":"05/11/2026 09:08:07","Yearly Return":0.5,"Mean Price":20.0,"#,
                r#""Minimun Price":10.0,"Maximun Price":30.0,"Standard Deviation":8.16496580927726}"#
            )
        );
    }
    let event =
        json!({"event_type": "check_stock_GOOG", "stock_name": "GOOG", "query_timestamp": AT_MS});
    assert_eq!(
        api.events(),
        vec![("stock_call".into(), "GOOG".into(), event); 3]
    );
}

#[tokio::test]
async fn a_metric_is_one_of_the_keys() {
    let api = Api::known();
    for (path, key, value) in [
        ("/GOOG/mean-price", "Mean Price", 20.0),
        ("/goog/Mean%20Price/", "Mean Price", 20.0),
        ("/GOOG/yearly-return", "Yearly Return", 0.5),
        ("/GOOG/minimum-price", "Minimun Price", 10.0),
        ("/GOOG/Minimun%20Price", "Minimun Price", 10.0),
        ("/GOOG/maximum-price", "Maximun Price", 30.0),
        (
            "/GOOG/standard-deviation",
            "Standard Deviation",
            8.16496580927726,
        ),
    ] {
        let answer = api.call("GET", path).await;
        assert_eq!(answer.status(), 200, "{path}");
        let expected = json!({"Stock": "GOOG", "Date of Query": "05/11/2026 09:08:07", key: value});
        assert_eq!(members(&answer), expected, "{path}");
    }
    assert_eq!(api.events().len(), 7);
    assert!(api.events().iter().all(|(topic, ..)| topic == "stock_call"));
}

#[tokio::test]
async fn buying_takes_the_latest_open_and_selling_the_latest_close() {
    let api = Api::known();
    let bought = api.call("POST", "/AMZN/buy/10").await;
    assert_eq!(
        (bought.status().as_u16(), body(&bought)),
        (201, r#"{"task":"bought_10_AMZN"}"#)
    );
    let sold = api.call("POST", "/tsla/sell/15/").await;
    assert_eq!(
        (sold.status().as_u16(), body(&sold)),
        (201, r#"{"task":"sold_15_TSLA"}"#)
    );
    let event = |kind: &str, stock: &str, quantity: u32, price: f64, amount: f64| {
        let event = json!({"event_type": format!("{kind}_{stock}"), "stock_name": stock, "quantity": quantity,
            "price": price, "transaction_amount": amount, "transaction_timestamp": AT_MS});
        ("stock_operation".to_owned(), stock.to_owned(), event)
    };
    assert_eq!(
        api.events(),
        [
            event("buy", "AMZN", 10, 11.25, 112.5),
            event("sell", "TSLA", 15, 30.5, 457.5)
        ]
    );
}

#[tokio::test]
async fn bodies_are_ignored_and_headers_kept_but_for_the_forbidden_ones() {
    let api = Api::known();
    let request = http::Request::post("/TSLA/sell/15")
        .header("content-type", "application/json")
        .header("content-length", "9")
        .header("host", "user7.comcast.com")
        .header("user-agent", "ApacheBench/2.3")
        .header("accept", "*/*")
        .header("price", "0")
        .header("authorization", "Bearer secret")
        .header("cookie", "a=secret")
        .header("proxy-authorization", "secret")
        .header("x-api-key", "secret")
        .header("x-amz-security-token", "secret")
        .header("x-forwarded-for", "192.0.2.1")
        .header("x-amzn-trace-id", "Root=1")
        .body(Body::Text("not { json".into()))
        .unwrap();
    assert_eq!(api.send(request).await.status(), 201);
    let (_, _, event) = &api.events()[0];
    assert_eq!(
        *event,
        json!({"event_type": "sell_TSLA", "stock_name": "TSLA", "quantity": 15, "price": 30.5,
            "transaction_amount": 457.5, "transaction_timestamp": AT_MS, "Accept": "*/*", "Content-Length": "9",
            "Content-Type": "application/json", "Host": "user7.comcast.com", "User-Agent": "ApacheBench/2.3"})
    );
}

#[tokio::test]
async fn a_request_of_api_gateway_is_answered() {
    let api = Api::known();
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": "/prod/GOOG/buy/2", "rawQueryString": "x=1",
        "headers": {"host": "api.example.com", "user-agent": "curl/8"}, "isBase64Encoded": true, "body": "e30=",
        "requestContext": {"stage": "prod", "http": {"method": "POST", "path": "/prod/GOOG/buy/2",
            "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"}},
    });
    let request = lambda_http::request::from_str(&event.to_string()).unwrap();
    assert_eq!(api.send(request).await.status(), 201);
    assert_eq!(api.events()[0].2["Host"], "api.example.com");
}

#[tokio::test]
async fn health_and_the_description_make_no_event() {
    let api = Api::known();
    assert_eq!(
        members(&api.call("GET", "/health").await),
        json!({"status": "ok"})
    );
    let description = api.call("GET", "/openapi.json").await;
    assert_eq!(description.headers()["content-type"], "application/json");
    assert_eq!(members(&description)["openapi"], "3.1.0");
    assert_eq!(api.events(), []);
}

#[tokio::test]
async fn head_follows_get_and_makes_no_event() {
    let api = Api::known();
    for path in [
        "/",
        "/GOOG",
        "/GOOG/mean-price",
        "/health",
        "/openapi.json",
        "/NOPE",
    ] {
        let (head, get) = (api.call("HEAD", path).await, api.call("GET", path).await);
        assert_eq!(
            (head.status(), head.headers()),
            (get.status(), get.headers()),
            "{path}"
        );
        assert!(head.body().is_empty() && !get.body().is_empty(), "{path}");
    }
    assert_eq!(api.events().len(), 3, "of the three GETs that make one");
}

#[tokio::test]
async fn simulated_quotes_say_so() {
    let api = Api::new(Simulated::default());
    for (method, path) in [
        ("GET", "/GOOG"),
        ("GET", "/GOOG/mean-price"),
        ("POST", "/GOOG/buy/1"),
    ] {
        assert_eq!(
            api.call(method, path).await.headers()["x-quotes"],
            "simulated",
            "{path}"
        );
    }
    assert!(
        !Api::known()
            .call("GET", "/GOOG")
            .await
            .headers()
            .contains_key("x-quotes")
    );
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
