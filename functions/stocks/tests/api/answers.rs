//! Calls that are granted: their answers and their events.

use lambda_http::Body;
use serde_json::json;
use stocks::quotes::simulated::Simulated;

use crate::fixture::{Api, body, members};

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
        assert!(head.body().is_empty() && !get.body().is_empty(), "{path}");
        // Only HEAD has to say what its body would have been.
        let mut headers = head.headers().clone();
        let length = headers.remove("content-length").unwrap();
        assert_eq!(length, get.body().len().to_string().as_str(), "{path}");
        assert_eq!(
            (head.status(), &headers),
            (get.status(), get.headers()),
            "{path}"
        );
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
