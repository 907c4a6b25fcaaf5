//! Errors as answers: `application/problem+json` (RFC 9457).

use http::header::{ALLOW, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, Response, StatusCode};
use lambda_http::Body;
use serde_json::{Map, Value, json};

/// An answer that tells a caller what is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The answer's status.
    pub status: StatusCode,
    /// The kind of problem in a few words: the same for every problem of the kind.
    pub title: String,
    /// What is wrong with this request, and what would be right.
    pub detail: String,
    /// Further members: what is allowed, where an error is.
    pub extra: Map<String, Value>,
    /// Headers of the answer beside its content type.
    pub headers: HeaderMap,
}

impl Problem {
    /// A problem with the title of its status.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            detail: detail.into(),
            extra: Map::new(),
            headers: HeaderMap::new(),
        }
    }

    /// 404: no such route or thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 405: the route exists, but not with this method. Sets `Allow`.
    pub fn method_not_allowed(allowed: &[Method]) -> Self {
        let list = allowed
            .iter()
            .map(Method::as_str)
            .collect::<Vec<_>>()
            .join(", ");
        let mut problem = Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            format!("this route takes {list} only"),
        )
        .with(
            "allowed",
            json!(allowed.iter().map(Method::as_str).collect::<Vec<_>>()),
        );
        // Methods are made of the characters of tokens, which header values may hold.
        if let Ok(value) = HeaderValue::from_str(&list) {
            problem.headers.insert(ALLOW, value);
        }
        problem
    }

    /// 422: a value that is out of range or of the wrong kind.
    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// 503: cannot be done now. Sets `Retry-After`.
    pub fn unavailable(retry_after_s: u32, detail: impl Into<String>) -> Self {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        problem
            .headers
            .insert(RETRY_AFTER, HeaderValue::from(retry_after_s));
        problem
    }

    /// 502: a service that this one asks did not answer as it should.
    pub fn bad_gateway(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, detail)
    }

    /// 504: took longer than it may.
    pub fn gateway_timeout(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GATEWAY_TIMEOUT, detail)
    }

    /// 403: understood, and refused.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// 400: a request that cannot be read.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 415: a body of a kind that this route does not take.
    pub fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail)
    }

    /// 413: a body that is too large.
    pub fn payload_too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    }

    /// 500: our own fault. The reason is for the log, not for the caller.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the request could not be handled; the log has the reason",
        )
    }

    /// Adds a member. The names of the standard ones cannot be taken.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The problem as an answer.
    pub fn into_response(self) -> Response<Body> {
        // What is wrong is read first, what is allowed after it.
        let mut members = Map::new();
        members.insert("type".to_owned(), json!("about:blank"));
        members.insert("title".to_owned(), json!(self.title));
        members.insert("status".to_owned(), json!(self.status.as_u16()));
        members.insert("detail".to_owned(), json!(self.detail));
        for (name, value) in self.extra {
            members.entry(name).or_insert(value);
        }
        let mut response = Response::new(Body::Text(Value::Object(members).to_string()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response.headers_mut().insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        response
    }
}

impl From<Problem> for Response<Body> {
    fn from(problem: Problem) -> Self {
        problem.into_response()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn members(response: &Response<Body>) -> Value {
        serde_json::from_slice(response.body().as_ref()).unwrap()
    }

    #[test]
    fn a_problem_has_its_members_and_what_is_allowed() {
        let response = Problem::not_found("no such ticker")
            .with("tickers", json!(["GOOG"]))
            .into_response();
        assert_eq!(response.status(), 404);
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
        assert_eq!(
            members(&response),
            json!({"type": "about:blank", "title": "Not Found", "status": 404, "detail": "no such ticker",
                   "tickers": ["GOOG"]})
        );
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        let response = Problem::method_not_allowed(&[Method::GET, Method::HEAD]).into_response();
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()["allow"], "GET, HEAD");
        assert_eq!(members(&response)["allowed"], json!(["GET", "HEAD"]));
    }

    #[test]
    fn unavailable_says_when_to_come_again() {
        let response = Problem::unavailable(5, "not stored").into_response();
        assert_eq!(
            (
                response.status().as_u16(),
                &response.headers()["retry-after"]
            ),
            (503, &HeaderValue::from(5))
        );
    }

    #[test]
    fn further_members_do_not_hide_the_standard_ones() {
        let response = Problem::unprocessable("d")
            .with("status", 200)
            .with("title", "fine")
            .into_response();
        assert_eq!(members(&response)["status"], 422);
        assert_eq!(members(&response)["title"], "Unprocessable Entity");
    }
}
