//! A function's answer as the client sees it: payload format 2.0 back to HTTP.

use axum::{body::Body, response::Response};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Problem;

/// What a function may say. Anything else in the object is ignored, as API Gateway does.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    status_code: u16,
    #[serde(default)]
    headers: Option<Map<String, Value>>,
    #[serde(default)]
    multi_value_headers: Option<Map<String, Value>>,
    #[serde(default)]
    cookies: Option<Vec<String>>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: Option<bool>,
}

/// Headers that the server sets by itself from the body and the connection.
const OURS: [HeaderName; 3] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
];

/// Turns a function's answer into ours. A bare JSON value without `statusCode` is a 200 of that JSON.
pub(super) fn decode(payload: &Bytes, is_head: bool) -> Result<Response, Problem> {
    let Ok(value) = serde_json::from_slice::<Value>(payload) else {
        return Err(malformed("it is not JSON"));
    };
    if value.get("statusCode").is_none_or(Value::is_null) {
        let mut response = Response::new(Body::from(payload.clone()));
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        return Ok(response);
    }
    let answer: Answer =
        serde_json::from_value(value).map_err(|error| malformed(&error.to_string()))?;
    let status = StatusCode::from_u16(answer.status_code)
        .ok()
        .filter(|status| !status.is_informational());
    let status = status.ok_or_else(|| malformed("its statusCode is out of range"))?;
    let headers = headers(&answer, is_head)?;
    let body = body(&answer)?;
    let has_body = !matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let mut response = Response::new(if has_body {
        Body::from(body)
    } else {
        Body::empty()
    });
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    if has_body && !response.headers().contains_key(header::CONTENT_TYPE) {
        let kind = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    Ok(response)
}

fn body(answer: &Answer) -> Result<Bytes, Problem> {
    let body = answer.body.as_deref().unwrap_or_default();
    if answer.is_base64_encoded == Some(true) {
        STANDARD
            .decode(body)
            .map(Bytes::from)
            .map_err(|_| malformed("its body is not base64"))
    } else {
        Ok(Bytes::copy_from_slice(body.as_bytes()))
    }
}

fn headers(answer: &Answer, is_head: bool) -> Result<HeaderMap, Problem> {
    let mut headers = HeaderMap::new();
    for (name, values) in answer.multi_value_headers.iter().flatten() {
        for value in values
            .as_array()
            .map_or(std::slice::from_ref(values), Vec::as_slice)
        {
            headers.append(header_name(name)?, header_value(name, value)?);
        }
    }
    for (name, value) in answer.headers.iter().flatten() {
        let name_of = header_name(name)?;
        // Runtimes that fill both say the same thing twice.
        if !headers.contains_key(&name_of) {
            headers.insert(name_of, header_value(name, value)?);
        }
    }
    if let Some(cookies) = &answer.cookies {
        headers.remove(header::SET_COOKIE);
        for cookie in cookies {
            let cookie = HeaderValue::from_str(cookie)
                .map_err(|_| malformed("a cookie is no header value"))?;
            headers.append(header::SET_COOKIE, cookie);
        }
    }
    for name in OURS {
        // Of a HEAD request only the function knows how long the body would have been.
        if !(is_head && name == header::CONTENT_LENGTH) {
            headers.remove(name);
        }
    }
    Ok(headers)
}

fn header_name(name: &str) -> Result<HeaderName, Problem> {
    name.parse()
        .map_err(|_| malformed(&format!("`{name}` is no header name")))
}

fn header_value(name: &str, value: &Value) -> Result<HeaderValue, Problem> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            return Err(malformed(&format!("header `{name}` is no text")));
        }
    };
    HeaderValue::from_bytes(text.as_bytes())
        .map_err(|_| malformed(&format!("header `{name}` has control characters")))
}

fn malformed(what: &str) -> Problem {
    Problem::new(
        StatusCode::BAD_GATEWAY,
        format!("the function's answer cannot be used: {what}"),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use http_body_util::BodyExt;

    use super::*;

    async fn parts(answer: &str) -> (StatusCode, HeaderMap, Bytes) {
        let response = decode(&Bytes::copy_from_slice(answer.as_bytes()), false)
            .unwrap_or_else(Problem::into_response);
        let (head, body) = response.into_parts();
        (
            head.status,
            head.headers,
            body.collect().await.unwrap().to_bytes(),
        )
    }

    #[tokio::test]
    async fn a_whole_answer() {
        let (status, headers, body) = parts(
            r#"{"statusCode":201,"headers":{"content-type":"application/json","x":"1","content-length":"99"},
                "multiValueHeaders":{"vary":["a","b"],"x":["1"]},"cookies":["a=1","b=2"],"body":"e30=","isBase64Encoded":true}"#,
        )
        .await;
        assert_eq!(status, StatusCode::CREATED);
        assert_eq!(body, "{}");
        assert_eq!(headers.get_all("vary").iter().count(), 2);
        assert_eq!(headers.get_all("x").iter().count(), 1);
        assert_eq!(headers.get_all("set-cookie").iter().count(), 2);
        assert_eq!(headers.get("content-length"), None);
    }

    #[tokio::test]
    async fn bare_json_is_a_200() {
        for bare in [r#"{"a":1}"#, "[1,2]", "\"text\"", "null"] {
            let (status, headers, body) = parts(bare).await;
            assert_eq!(
                (status, &headers["content-type"]),
                (
                    StatusCode::OK,
                    &HeaderValue::from_static("application/json")
                )
            );
            assert_eq!(body, bare);
        }
    }

    #[tokio::test]
    async fn an_answer_that_makes_no_sense_is_a_502() {
        let bad = [
            "not json",
            r#"{"statusCode":99}"#,
            r#"{"statusCode":101}"#,
            r#"{"statusCode":"x"}"#,
            r#"{"statusCode":200,"body":"%%","isBase64Encoded":true}"#,
            r#"{"statusCode":200,"headers":{"a b":"c"}}"#,
            r#"{"statusCode":200,"headers":{"a":"b\r\nc: d"}}"#,
        ];
        for answer in bad {
            let (status, headers, _) = parts(answer).await;
            assert_eq!(status, StatusCode::BAD_GATEWAY, "{answer}");
            assert_eq!(headers["content-type"], "application/problem+json");
        }
    }

    #[tokio::test]
    async fn no_content_has_none() {
        let (status, headers, body) = parts(r#"{"statusCode":204,"body":"x"}"#).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        assert!(body.is_empty());
        assert_eq!(headers.get("content-type"), None);
    }
}
