//! Reading HTTP requests and writing answers: paths, queries, headers, JSON, HEAD.

use std::borrow::Cow;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{Method, Response, StatusCode};
use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use tracing::error;

use crate::{Problem, run::chain};

/// The header that the Lambda runtime adds to every request: it is none of the caller's.
const TRACE_HEADER: &str = "x-amzn-trace-id";

/// Whether the method reads: HEAD follows GET.
pub fn is_read(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

/// Seconds after which a call whose event was not stored may be tried again.
const RETRY_AFTER_S: u32 = 5;

/// Stores the event of a call before the call is answered; for HEAD, which makes none, `storing` is not even begun.
///
/// Where it is not stored, the answer is 503 with a time to come again, and the log has the reason.
pub async fn stored<T, E: std::error::Error + 'static>(
    request: &Request,
    storing: impl Future<Output = Result<T, E>>,
) -> Result<(), Problem> {
    if request.method() == Method::HEAD {
        return Ok(());
    }
    storing.await.map(drop).map_err(|failed| {
        error!(error = chain(&failed), "event not stored");
        Problem::unavailable(
            RETRY_AFTER_S,
            "the event of this call could not be stored; try again",
        )
        .with("retry_after_seconds", RETRY_AFTER_S)
    })
}

/// The path that the caller asked for, without the stage that API Gateway puts before it.
pub fn path(request: &Request) -> &str {
    let raw = match request.raw_http_path() {
        "" => request.uri().path(),
        raw => raw,
    };
    let stage = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV2(context)) => context.stage.as_deref(),
        _ => None,
    };
    match stage {
        Some(stage) if stage != "$default" => match raw
            .strip_prefix('/')
            .and_then(|rest| rest.strip_prefix(stage))
        {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
            _ => raw,
        },
        _ => raw,
    }
}

/// The segments of a path, percent-decoded; slashes at its end are ignored.
///
/// Bytes that are no UTF-8 become U+FFFD, which names nothing: such a path leads to a 404 like any unknown one.
pub fn segments(path: &str) -> Vec<String> {
    let path = path.trim_end_matches('/');
    let path = path.strip_prefix('/').unwrap_or(path);
    if path.is_empty() {
        return Vec::new();
    }
    path.split('/')
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect()
}

/// The parameters of a query string, or of a form body: decoded, in their order, repeated ones kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// The parameters in the query string of a request.
    pub fn of(request: &Request) -> Self {
        Self::parse(request.uri().query().unwrap_or(""))
    }

    /// The parameters in `application/x-www-form-urlencoded` text. Any text can be read.
    pub fn parse(text: &str) -> Self {
        let decode = |part: &str| {
            let part = part.replace('+', " ");
            percent_decode_str(&part).decode_utf8_lossy().into_owned()
        };
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Self(pairs.collect())
    }

    /// The first value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find(|(given, _)| *given == name)
            .map(|(_, value)| value)
    }

    /// All parameters in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The headers that the caller sent, names in lower case. The one that the Lambda runtime adds is left out.
pub fn headers(request: &Request) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
    request
        .headers()
        .iter()
        .filter(|(name, _)| name.as_str() != TRACE_HEADER)
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
}

/// An answer of JSON.
pub fn json(
    status: StatusCode,
    value: &impl Serialize,
) -> Result<Response<Body>, serde_json::Error> {
    Ok(content(
        status,
        "application/json",
        serde_json::to_string(value)?,
    ))
}

/// An answer of plain text.
pub fn text(status: StatusCode, text: impl Into<String>) -> Response<Body> {
    content(status, "text/plain; charset=utf-8", text.into())
}

/// An answer of any type of content.
pub fn content(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Body>,
) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// What goes out for a request of this method: HEAD gets the headers alone, the length that GET's body has among them.
pub fn answer(method: &Method, mut response: Response<Body>) -> Response<Body> {
    if method == Method::HEAD {
        let length = HeaderValue::from(response.body().len());
        response.headers_mut().insert(CONTENT_LENGTH, length);
        *response.body_mut() = Body::Empty;
    }
    response
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
