//! Answers as HTTP responses that Lambda can carry.

use std::time::{Duration, Instant};

use http::{HeaderName, HeaderValue, Response, StatusCode};
use lambda_http::{Body, Request};
use lambda_kit::http::Parameters;
use lambda_kit::{Problem, http as answers};
use serde::Serialize;
use sql::{Answer, Format, FormatError, Limits};
use tracing::error;

use crate::context::Context;
use crate::refusal;

/// What Lambda carries, less some room for headers.
const PAYLOAD: usize = 6 * 1024 * 1024 - 16 * 1024;

/// Whether rows were left out for the limit, in every format.
const TRUNCATED: HeaderName = HeaderName::from_static("x-truncated");

/// A JSON answer.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Result<Response<Body>, Problem> {
    answers::json(status, value).map_err(|failed| {
        error!(error = %failed, "answer has no JSON");
        Problem::internal()
    })
}

/// Runs a statement that this function wrote itself, within the usual limits.
pub(crate) async fn ask(context: &Context, query: &str, limits: Limits) -> Result<Answer, Problem> {
    context
        .sql
        .run(query, limits)
        .await
        .map_err(refusal::of_sql)
}

/// The usual limits for so many rows, but no longer than until then.
pub(crate) fn until(deadline: Instant, rows: usize) -> Result<Limits, Problem> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(Problem::gateway_timeout(
            "there was no time left to ask this",
        ));
    }
    let usual = Limits::default();
    Ok(Limits {
        rows,
        timeout: usual.timeout.min(left),
        ..usual
    })
}

/// An answer in one of the formats, if it fits.
pub(crate) fn rows(
    answer: &Answer,
    format: Format,
    elapsed: Duration,
) -> Result<Response<Body>, Problem> {
    let bytes = write(answer, format, elapsed).map_err(|refused| refusal::of_format(&refused))?;
    let body = if format.is_binary() {
        Body::Binary(bytes)
    } else {
        text(bytes)?
    };
    let mut response = answers::content(StatusCode::OK, format.media_type(), body);
    // Only JSON has a place for it in its body.
    let truncated = HeaderValue::from_static(if answer.truncated { "true" } else { "false" });
    response.headers_mut().insert(TRUNCATED, truncated);
    Ok(response)
}

/// A JSON object with the members of another one before its own.
pub(crate) fn with(
    response: Response<Body>,
    members: &impl Serialize,
) -> Result<Response<Body>, Problem> {
    let before = serde_json::to_string(members).map_err(|failed| {
        error!(error = %failed, "answer has no JSON");
        Problem::internal()
    })?;
    let (parts, body) = response.into_parts();
    let joined = match &body {
        Body::Text(object) => {
            let before = before.strip_suffix('}').unwrap_or(&before);
            let own = object.strip_prefix('{').unwrap_or(object);
            Body::Text(format!("{before},{own}"))
        }
        _ => body,
    };
    Ok(Response::from_parts(parts, joined))
}

fn write(answer: &Answer, format: Format, elapsed: Duration) -> Result<Vec<u8>, FormatError> {
    // Lambda's payload is JSON: bytes are in it as base64, text with its quotes escaped.
    let limit = if format.is_binary() {
        PAYLOAD / 4 * 3
    } else {
        PAYLOAD
    };
    let bytes = format.write(answer, elapsed, limit)?;
    if !format.is_binary() && escaped(&bytes) > PAYLOAD {
        return Err(FormatError::TooLarge { limit });
    }
    Ok(bytes)
}

fn escaped(text: &[u8]) -> usize {
    text.iter()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
            0..0x20 => 6,
            _ => 1,
        })
        .sum()
}

fn text(bytes: Vec<u8>) -> Result<Body, Problem> {
    String::from_utf8(bytes).map(Body::Text).map_err(|failed| {
        error!(error = %failed, "answer is no text");
        Problem::internal()
    })
}

/// The limits of a request: `?limit=` rows.
pub(crate) fn limits(request: &Request) -> Result<Limits, Problem> {
    let mut limits = Limits::default();
    if let Some(limit) = Parameters::of(request).get("limit") {
        let rows = limit.parse().ok();
        limits.rows = rows
            .filter(|rows| (1..=Limits::MOST_ROWS).contains(rows))
            .ok_or_else(|| {
                Problem::unprocessable(format!(
                    "limit is an integer from 1 to {}, not {limit:?}",
                    Limits::MOST_ROWS
                ))
            })?;
    }
    Ok(limits)
}

/// Since when an answer is being made.
pub(crate) fn clock() -> impl Fn() -> Duration {
    let start = Instant::now();
    move || start.elapsed()
}
