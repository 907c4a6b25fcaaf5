//! Errors of the gateway itself, as `application/problem+json` (RFC 9457).

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::json;

/// An error on its way to a client.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    headers: HeaderMap,
}

impl Problem {
    /// A problem whose title is the status's own.
    pub fn new(status: StatusCode, detail: String) -> Self {
        Self {
            status,
            detail,
            headers: HeaderMap::new(),
        }
    }

    /// Says after how many seconds another try makes sense.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.set(header::RETRY_AFTER, HeaderValue::from(seconds));
        self
    }

    /// Sets a header of the answer.
    pub fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.headers.insert(name, value);
    }

    /// The problem itself, as JSON.
    pub(super) fn body(&self) -> String {
        let problem = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        problem.to_string()
    }

    /// The answer.
    pub fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        response
    }
}
