//! Tests of reading requests and writing answers.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn request_v2(stage: &str, raw_path: &str, query: &str) -> Request {
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": raw_path, "rawQueryString": query,
        "headers": {"host": "example.com", "user-agent": "curl", "x-amzn-trace-id": "Root=1"},
        "requestContext": {
            "stage": stage, "http": {"method": "GET", "path": raw_path, "protocol": "HTTP/1.1", "sourceIp": "::1"},
        },
        "isBase64Encoded": false,
    });
    lambda_http::request::from_str(&event.to_string()).unwrap()
}

#[test]
fn segments_are_decoded_and_trailing_slashes_ignored() {
    assert_eq!(segments("/"), Vec::<String>::new());
    assert_eq!(segments(""), Vec::<String>::new());
    assert_eq!(segments("/GOOG/"), ["GOOG"]);
    assert_eq!(segments("/GOOG/Mean%20Price"), ["GOOG", "Mean Price"]);
    assert_eq!(segments("/a%2Fb/c//"), ["a/b", "c"]);
    assert_eq!(segments("//GOOG"), ["", "GOOG"]);
    assert_eq!(segments("/%FF"), ["\u{fffd}"]);
    assert_eq!(segments("/100%"), ["100%"]);
}

#[test]
fn a_path_has_no_stage() {
    assert_eq!(path(&request_v2("$default", "/GOOG/", "")), "/GOOG/");
    assert_eq!(path(&request_v2("prod", "/prod/GOOG", "")), "/GOOG");
    assert_eq!(
        segments(path(&request_v2("prod", "/prod", ""))),
        Vec::<String>::new()
    );
    assert_eq!(path(&request_v2("prod", "/products", "")), "/products");
    let plain = http::Request::get("http://localhost/TSLA?x=1")
        .body(Body::Empty)
        .unwrap();
    assert_eq!(path(&plain), "/TSLA");
}

#[test]
fn a_path_of_format_1_has_no_stage() {
    let event = json!({
        "resource": "/{proxy+}", "path": "/GOOG/buy/1", "httpMethod": "POST",
        "headers": {"Host": "example.com"}, "multiValueHeaders": {"Host": ["example.com"]},
        "queryStringParameters": {"a": "b c"}, "multiValueQueryStringParameters": {"a": ["b c"]},
        "requestContext": {"stage": "prod", "path": "/prod/GOOG/buy/1", "httpMethod": "POST", "requestId": "x"},
        "body": null, "isBase64Encoded": false,
    });
    let request = lambda_http::request::from_str(&event.to_string()).unwrap();
    assert_eq!(path(&request), "/GOOG/buy/1");
    assert_eq!(Parameters::of(&request).get("a"), Some("b c"));
    assert_eq!(
        headers(&request).collect::<Vec<_>>(),
        [("host", "example.com".into())]
    );
}

#[test]
fn parameters_are_decoded_in_their_order() {
    let request = request_v2("$default", "/api/sql", "q=SELECT+1%2B1&x&q=2&=e");
    let parameters = Parameters::of(&request);
    assert_eq!(parameters.get("q"), Some("SELECT 1+1"));
    assert_eq!(parameters.get("none"), None);
    let all: Vec<_> = parameters.iter().collect();
    assert_eq!(all, [("q", "SELECT 1+1"), ("x", ""), ("q", "2"), ("", "e")]);
}

#[test]
fn headers_are_the_callers_own() {
    let request = request_v2("$default", "/", "");
    let mut given: Vec<_> = headers(&request).collect();
    given.sort();
    assert_eq!(
        given,
        [
            ("host", "example.com".into()),
            ("user-agent", "curl".into())
        ]
    );
}

#[test]
fn head_gets_the_headers_of_get() {
    let response = || json(StatusCode::OK, &json!({"a": 1})).unwrap();
    let get = answer(&Method::GET, response());
    assert_eq!(get.body().as_ref(), br#"{"a":1}"#);
    let head = answer(&Method::HEAD, response());
    assert!(head.body().is_empty());
    assert_eq!(head.headers()["content-length"], "7");
    assert_eq!(head.headers()["content-type"], "application/json");
}

proptest! {
    #[test]
    fn any_path_and_query_can_be_read(text in ".{0,80}") {
        let parts = segments(&text);
        prop_assert!(parts.last().is_none_or(|last| !last.is_empty()));
        prop_assert!(Parameters::parse(&text).iter().count() <= text.matches('&').count() + 1);
    }

    #[test]
    fn a_parameter_is_read_as_it_was_written(name in "[^\\x00]{1,9}", value in ".{0,20}") {
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let text = format!("{}={}", encode(&name), encode(&value));
        let parameters = Parameters::parse(&text);
        prop_assert_eq!(parameters.get(&name), Some(value.as_str()));
        prop_assert_eq!(segments(&format!("/{}", encode(&name))), vec![name]);
    }
}
