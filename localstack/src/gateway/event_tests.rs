//! Whole events, field by field.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use chrono::TimeZone;
use http::Request;

use super::*;

fn event(request: Request<&[u8]>, matched: &Matched) -> Value {
    let (head, body) = request.into_parts();
    let trace = TraceId::from_header("Root=1-5759e988-bd862e3fe1be46a994272793").unwrap();
    let call = Call {
        head: &head,
        body,
        matched,
        api: "stocks",
        peer: "127.0.0.1:55555".parse().unwrap(),
        id: Uuid::nil(),
        trace: &trace,
    };
    call.to_event(Utc.with_ymd_and_hms(2026, 3, 12, 19, 3, 58).unwrap())
}

fn matched(key: &str, parameters: &[(&str, &str)]) -> Matched {
    let parameters = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Matched {
        function: "stocks".to_owned(),
        key: key.to_owned(),
        parameters,
    }
}

#[test]
fn a_plain_get() {
    let request = Request::get("/GOOG")
        .header("Host", "localhost:5000")
        .header("User-Agent", "curl/8")
        .body(&b""[..]);
    let event = event(
        request.unwrap(),
        &matched("GET /{stock}", &[("stock", "GOOG")]),
    );
    let golden = json!({
        "version": "2.0",
        "routeKey": "GET /{stock}",
        "rawPath": "/GOOG",
        "rawQueryString": "",
        "headers": {
            "host": "localhost:5000",
            "user-agent": "curl/8",
            "x-forwarded-for": "127.0.0.1",
            "x-forwarded-port": "5000",
            "x-forwarded-proto": "http",
            "x-amzn-trace-id": "Root=1-5759e988-bd862e3fe1be46a994272793",
        },
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "stocks",
            "domainName": "localhost",
            "domainPrefix": "localhost",
            "http": {
                "method": "GET",
                "path": "/GOOG",
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "curl/8",
            },
            "requestId": "00000000-0000-0000-0000-000000000000",
            "routeKey": "GET /{stock}",
            "stage": "$default",
            "time": "12/Mar/2026:19:03:58 +0000",
            "timeEpoch": 1_773_342_238_000_i64,
        },
        "pathParameters": {"stock": "GOOG"},
        "isBase64Encoded": false,
    });
    assert_eq!(event, golden);
}

#[test]
fn repeated_headers_cookies_and_parameters() {
    let request = Request::get("/a%20b?x=1&x=2&y=%C3%BC+z")
        .header("Accept", "text/html")
        .header("Accept", "*/*")
        .header("Cookie", "a=1; b=2")
        .header("Cookie", "c=3")
        .header("X-Forwarded-For", "10.0.0.1")
        .header("Connection", "close")
        .body(&b""[..]);
    let event = event(request.unwrap(), &matched("$default", &[]));
    assert_eq!(event["rawPath"], "/a%20b");
    assert_eq!(event["rawQueryString"], "x=1&x=2&y=%C3%BC+z");
    assert_eq!(
        event["queryStringParameters"],
        json!({"x": "1,2", "y": "ü z"})
    );
    assert_eq!(event["headers"]["accept"], "text/html,*/*");
    assert_eq!(event["headers"]["x-forwarded-for"], "10.0.0.1, 127.0.0.1");
    assert_eq!(event["cookies"], json!(["a=1", "b=2", "c=3"]));
    assert_eq!(event["headers"].get("cookie"), None);
    assert_eq!(event["headers"].get("connection"), None);
    assert_eq!(event.get("pathParameters"), None);
    assert_eq!(event.get("body"), None);
}

#[test]
fn bodies_are_text_only_where_they_are() {
    let cases: [(Option<&str>, &[u8], bool); 7] = [
        (Some("application/json; charset=utf-8"), b"{}", false),
        (Some("text/plain"), b"SELECT 1", false),
        (Some("application/problem+json"), b"{}", false),
        (None, b"plain", false),
        (Some("application/x-www-form-urlencoded"), b"a=1", true),
        (Some("application/json"), b"\xff\xfe", true),
        (Some("application/octet-stream"), b"abc", true),
    ];
    for (kind, body, base64) in cases {
        let mut request = Request::post("/");
        if let Some(kind) = kind {
            request = request.header("Content-Type", kind);
        }
        let event = event(request.body(body).unwrap(), &matched("$default", &[]));
        assert_eq!(event["isBase64Encoded"], base64, "{kind:?}");
        let sent = event["body"].as_str().unwrap();
        let decoded = if base64 {
            STANDARD.decode(sent).unwrap()
        } else {
            sent.as_bytes().to_vec()
        };
        assert_eq!(decoded, body, "{kind:?}");
        assert_eq!(event["headers"]["content-length"], body.len().to_string());
    }
}

#[test]
fn a_compressed_body_is_binary_whatever_its_type() {
    let request = Request::post("/")
        .header("Content-Type", "application/json")
        .header("Content-Encoding", "gzip");
    let event = event(
        request.body(&b"abc"[..]).unwrap(),
        &matched("$default", &[]),
    );
    assert_eq!(event["isBase64Encoded"], true);
}
