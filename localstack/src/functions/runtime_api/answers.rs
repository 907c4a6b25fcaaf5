//! What the Runtime API says to a child, and errors in Lambda's form.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{StatusCode, header};
use serde_json::json;

use super::UNHANDLED;
use crate::functions::Outcome;

/// `{"errorType":…,"errorMessage":…}`.
pub(in crate::functions) fn error_payload(kind: &str, message: &str) -> Bytes {
    Bytes::from(json!({ "errorType": kind, "errorMessage": message }).to_string())
}

/// A failure that the host saw, not the function.
pub(in crate::functions) fn function_error(kind: &str, message: &str) -> Outcome {
    Outcome::FunctionError {
        kind: UNHANDLED,
        payload: error_payload(kind, message),
    }
}

pub(super) fn accepted() -> Response {
    json_response(StatusCode::ACCEPTED, r#"{"status":"OK"}"#.into())
}

pub(super) fn unknown_id() -> Response {
    refusal(
        StatusCode::BAD_REQUEST,
        "InvalidRequestID",
        "Invalid request ID",
    )
}

pub(super) fn refusal(status: StatusCode, kind: &str, message: &str) -> Response {
    json_response(status, error_payload(kind, message))
}

fn json_response(status: StatusCode, body: Bytes) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
