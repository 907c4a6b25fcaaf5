//! The Host of a request, whatever a caller wrote there.
//!
//! `lambda_http` makes a URL of every request and panics where its Host is none of a URL, so a Host of `<b>` would take
//! the process down. Nothing here needs that URL's host: the header travels under another name until the URL is made.

use http::header::{HOST, HeaderMap, HeaderName};
use lambda_http::Request;
use lambda_http::request::LambdaRequest;

/// No caller's header: one of this name is dropped.
const ASIDE: HeaderName = HeaderName::from_static("x-tidemill-host");

/// Takes the Host of an event out of the sight of who would make a URL of it.
pub(crate) fn set_aside(event: &mut LambdaRequest) {
    match event {
        LambdaRequest::ApiGatewayV1(event) => {
            event.request_context.domain_name = None;
            rename(&mut event.headers, &HOST, &ASIDE);
            rename(&mut event.multi_value_headers, &HOST, &ASIDE);
        }
        LambdaRequest::ApiGatewayV2(event) => {
            event.request_context.domain_name = None;
            rename(&mut event.headers, &HOST, &ASIDE);
        }
        _ => {}
    }
}

/// Puts the Host of a request back.
pub(crate) fn restore(request: &mut Request) {
    rename(request.headers_mut(), &ASIDE, &HOST);
}

fn rename(headers: &mut HeaderMap, from: &HeaderName, to: &HeaderName) {
    headers.remove(to);
    if let Some(value) = headers.remove(from) {
        headers.insert(to, value);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use lambda_http::RequestExt;
    use serde_json::{Value, json};

    use super::*;

    /// The request that a function sees.
    fn request(event: &Value) -> Request {
        let mut event: LambdaRequest = serde_json::from_value(event.clone()).unwrap();
        set_aside(&mut event);
        let mut request = Request::from(event);
        restore(&mut request);
        request
    }

    fn events(host: &str) -> [Value; 2] {
        let headers = json!({"host": host, "x-tidemill-host": "forged"});
        [
            json!({
                "version": "2.0", "routeKey": "$default", "rawPath": "/a%2Fb", "rawQueryString": "n=1&u=a%20b",
                "headers": headers, "isBase64Encoded": false,
                "requestContext": {"stage": "$default", "domainName": host,
                    "http": {"method": "GET", "path": "/a%2Fb", "protocol": "HTTP/1.1", "sourceIp": "::1"}},
            }),
            json!({
                "version": "1.0", "resource": "/{x}", "path": "/a%2Fb", "httpMethod": "GET", "headers": headers,
                "multiValueHeaders": {"host": [host]}, "queryStringParameters": {"n": "1", "u": "a b"},
                "multiValueQueryStringParameters": {"n": ["1"], "u": ["a b"]}, "isBase64Encoded": false,
                "requestContext": {"stage": "$default", "domainName": host, "identity": {}, "httpMethod": "GET"},
            }),
        ]
    }

    #[test]
    fn any_host_is_kept_as_it_was_sent() {
        for host in [
            "user-007.comcast.com",
            "localhost:5001",
            "<script>alert(1)</script>",
            "'; DROP TABLE events; --",
            "=1+1",
            "../../etc/passwd",
            "a b",
            "[::",
            "",
        ] {
            for event in events(host) {
                let request = request(&event);
                assert_eq!(request.headers()[HOST], host);
                assert_eq!(request.headers().get(ASIDE), None);
                assert_eq!(request.raw_http_path(), "/a%2Fb");
                assert_eq!(crate::http::Parameters::of(&request).get("u"), Some("a b"));
            }
        }
    }

    #[test]
    fn no_host_stays_none() {
        for mut event in events("x") {
            for headers in ["headers", "multiValueHeaders"] {
                event[headers] = json!({"x-tidemill-host": "forged"});
            }
            assert_eq!(request(&event).headers().get(HOST), None);
        }
    }
}
