//! Answers and errors in the form of Lambda's own API.

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::functions::InvokeError;

pub(super) fn failure(error: &InvokeError) -> Response {
    let (status, kind, wait) = match error {
        InvokeError::NoSuchFunction { .. } => {
            (StatusCode::NOT_FOUND, "ResourceNotFoundException", None)
        }
        InvokeError::Throttled { .. } => (
            StatusCode::TOO_MANY_REQUESTS,
            "TooManyRequestsException",
            Some(1),
        ),
        InvokeError::TimedOut { .. } => (StatusCode::GATEWAY_TIMEOUT, "ServiceException", None),
        InvokeError::Exited { .. } => {
            (StatusCode::SERVICE_UNAVAILABLE, "ServiceException", Some(1))
        }
        InvokeError::StartFailed { retry_after, .. } => (
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceException",
            Some(retry_after.as_secs() + 1),
        ),
    };
    let mut response = refusal(status, kind, &error.to_string());
    if let Some(seconds) = wait {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Too much waits already; nothing of this request was done.
pub(super) fn no_room(what: &str) -> Response {
    let message = format!("too many {what} wait already");
    let mut response = refusal(
        StatusCode::TOO_MANY_REQUESTS,
        "TooManyRequestsException",
        &message,
    );
    set(&mut response, "retry-after", "1");
    response
}

pub(super) fn not_found(name: &str, known: &[String]) -> Response {
    let error = InvokeError::NoSuchFunction {
        name: name.to_owned(),
        known: known.to_vec(),
    };
    failure(&error)
}

pub(super) async fn unknown(request: Request) -> Response {
    let message = format!(
        "no operation {} {}; there are POST /2015-03-31/functions/NAME/invocations, and GET /metrics",
        request.method(),
        request.uri().path()
    );
    refusal(StatusCode::NOT_FOUND, "UnknownOperationException", &message)
}

/// An error in Lambda's form, which the SDKs read, with the fields that `cargo lambda invoke` reads beside it.
pub(super) fn refusal(status: StatusCode, kind: &'static str, message: &str) -> Response {
    let owner = if status.is_server_error() {
        "Service"
    } else {
        "User"
    };
    let body =
        json!({ "Type": owner, "Message": message, "errorType": kind, "errorMessage": message });
    let mut response = json_response(status, &body);
    set(&mut response, "x-amzn-errortype", kind);
    response
}

pub(super) fn json_response(status: StatusCode, body: &Value) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

pub(super) fn stamped(mut response: Response, id: Uuid) -> Response {
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    set(&mut response, "x-amz-executed-version", "$LATEST");
    response
}

pub(super) fn set(response: &mut Response, name: &'static str, value: &'static str) {
    response.headers_mut().insert(
        HeaderName::from_static(name),
        HeaderValue::from_static(value),
    );
}
