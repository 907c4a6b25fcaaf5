//! The one line that every invocation leaves in the log, and the metrics that are written with it.
//!
//! The line has the target `invocation`, the message `invocation done` and these fields: `request_id`, `function`,
//! `records` and `bytes` (the Kafka records that the function was given, or else those that it published, and their
//! values' bytes), `duration_ms`, `cold_start`, `outcome`; of an HTTP request also `method`, `route` (the template's,
//! not the path) and `status`; where there are traces, `trace_id`. Nothing of it is what a caller wrote, but for the
//! method.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use http::StatusCode;
use lambda_http::request::RequestContext;
use lambda_http::{Request, RequestExt};
use serde::Serialize;
use telemetry::Work;
use telemetry::trace::{self, Origins, SpanKind, Start};
use tracing::{error, info, warn};

use crate::metrics::{FAILURES, RESPONSES};

/// What an invocation is given.
pub trait Given {
    /// The spans that caused it, where there are traces.
    fn origins(&self) -> Origins {
        Origins::default()
    }

    /// The Kafka records in it; none where the function is given no records.
    fn work(&self) -> Option<Work>;
}

/// An event of a schedule or of someone who invokes by hand.
impl Given for serde_json::Value {
    fn work(&self) -> Option<Work> {
        None
    }
}

/// What an invocation answers.
pub trait Reply: Serialize {
    /// Whether such answers name records that have to come again, as those to a Kafka trigger do.
    const NAMES_FAILURES: bool = false;

    /// Whether some of what it was given has to come again.
    fn is_partial(&self) -> bool {
        false
    }
}

/// What became of an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It did what it was asked for.
    Ok,
    /// It told its caller what is wrong with the request.
    Refused,
    /// Some of it has to come again.
    Partial,
    /// It failed.
    Failed,
}

impl Outcome {
    fn of(status: StatusCode) -> Self {
        match status {
            status if status.is_server_error() => Self::Failed,
            status if status.is_client_error() => Self::Refused,
            _ => Self::Ok,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Partial => "partial",
            Self::Failed => "failed",
        }
    }
}

/// What a request asked, as a log may show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    method: String,
    route: String,
}

impl Asked {
    pub(crate) fn of(request: &Request) -> Self {
        let key = match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => context.route_key.as_deref(),
            Some(RequestContext::ApiGatewayV1(context)) => context.resource_path.as_deref(),
            _ => None,
        };
        let key = key.unwrap_or("$default");
        Self {
            method: request.method().to_string(),
            // `GET /{stock}` in payload 2.0, `/{stock}` in 1.0.
            route: key.rsplit(' ').next().unwrap_or_default().to_owned(),
        }
    }
}

/// The spans that caused a request: its caller's.
pub(crate) fn caller(request: &Request) -> Origins {
    let headers = request.headers().iter();
    Origins::of([headers.map(|(name, value)| (name.as_str(), value.as_bytes()))])
}

/// An invocation under way.
#[derive(Debug)]
pub(crate) struct Invocation {
    request_id: String,
    begun: Instant,
    cold_start: bool,
}

impl Invocation {
    pub(crate) fn begin(request_id: &str) -> Self {
        static WARM: AtomicBool = AtomicBool::new(false);
        Self {
            request_id: request_id.to_owned(),
            begun: Instant::now(),
            cold_start: !WARM.swap(true, Ordering::Relaxed),
        }
    }

    /// The span of a request, within its caller's.
    pub(crate) fn request(&self, asked: &Asked, caller: Origins) -> Start {
        let Asked { method, route } = asked;
        self.span(format!("{method} {route}"), SpanKind::Server)
            .with("faas.trigger", "http")
            .with("http.request.method", method.clone())
            .with("http.route", route.clone())
            .caused_by(caller)
    }

    /// The span of an event, caused by its records' senders.
    pub(crate) fn event(&self, given: Option<Work>, origins: Origins) -> Start {
        match given {
            Some(work) => self
                .span(function(), SpanKind::Consumer)
                .with("faas.trigger", "pubsub")
                .with("messaging.system", "kafka")
                .with("messaging.batch.message_count", count(work.records)),
            None => self
                .span(function(), SpanKind::Internal)
                .with("faas.trigger", "other"),
        }
        .caused_by(origins)
    }

    fn span(&self, name: impl Into<Cow<'static, str>>, kind: SpanKind) -> Start {
        Start::new(name, kind)
            .with("faas.invocation_id", self.request_id.clone())
            .with("faas.coldstart", self.cold_start)
    }

    /// Tells how an event was handled.
    pub(crate) async fn handled(self, trace_id: Option<String>, work: Work, outcome: Outcome) {
        if matches!(outcome, Outcome::Partial | Outcome::Failed) {
            metrics::counter!(FAILURES, "outcome" => outcome.as_str()).increment(1);
        }
        self.tell(trace_id, work, outcome, None, None).await;
    }

    /// Tells how a request was answered.
    pub(crate) async fn answered(
        self,
        trace_id: Option<String>,
        asked: &Asked,
        status: StatusCode,
        work: Work,
    ) {
        let class = format!("{}xx", status.as_u16() / 100);
        metrics::counter!(RESPONSES, "status" => class).increment(1);
        let outcome = Outcome::of(status);
        self.tell(trace_id, work, outcome, Some(asked), Some(status.as_u16()))
            .await;
    }

    async fn tell(
        self,
        trace_id: Option<String>,
        work: Work,
        outcome: Outcome,
        asked: Option<&Asked>,
        status: Option<u16>,
    ) {
        let Work { records, bytes } = work;
        let (request_id, cold_start) = (self.request_id, self.cold_start);
        let duration_ms = (self.begun.elapsed().as_secs_f64() * 1e6).round() / 1e3;
        let (function, said) = (function(), outcome.as_str());
        let method = asked.map(|asked| asked.method.as_str());
        let route = asked.map(|asked| asked.route.as_str());
        // Before the line, so that whoever has read the line has read the metrics.
        if let Err(reason) = telemetry::emf::flush() {
            error!(%reason, "metrics cannot be written");
        }
        // The level must be known when this is compiled.
        macro_rules! line {
            ($level:ident) => {
                $level!(
                    target: "invocation",
                    request_id, trace_id, function, method, route, status, records, bytes, duration_ms, cold_start,
                    outcome = said, "invocation done"
                )
            };
        }
        match outcome {
            Outcome::Ok | Outcome::Refused => line!(info),
            Outcome::Partial => line!(warn),
            Outcome::Failed => line!(error),
        }
        trace::flush().await;
    }
}

fn count(records: u64) -> i64 {
    i64::try_from(records).unwrap_or(i64::MAX)
}

/// The function's name, as Lambda tells it.
pub(crate) fn function() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use lambda_http::request::LambdaRequest;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_route_is_the_templates_in_either_form() {
        let http =
            json!({"method": "GET", "path": "/GOOG", "protocol": "HTTP/1.1", "sourceIp": "::1"});
        let context = json!({"stage": "$default", "routeKey": "GET /{stock}", "http": http});
        let second = json!({"version": "2.0", "routeKey": "GET /{stock}", "rawPath": "/GOOG",
            "rawQueryString": "token=s3cret", "headers": {}, "isBase64Encoded": false, "requestContext": context});
        let first = json!({"version": "1.0", "resource": "/{stock}", "path": "/GOOG", "httpMethod": "GET",
            "headers": {}, "multiValueHeaders": {}, "queryStringParameters": {},
            "multiValueQueryStringParameters": {}, "isBase64Encoded": false,
            "requestContext": {"stage": "$default", "identity": {}, "httpMethod": "GET", "resourcePath": "/{stock}"}});
        let expected = Asked {
            method: "GET".to_owned(),
            route: "/{stock}".to_owned(),
        };
        for event in [first, second] {
            let event: LambdaRequest = serde_json::from_value(event).unwrap();
            assert_eq!(Asked::of(&Request::from(event)), expected);
        }
        assert_eq!(Asked::of(&Request::default()).route, "$default");
    }

    #[test]
    fn only_the_first_invocation_is_a_cold_start_and_a_status_says_the_outcome() {
        let begun = [Invocation::begin("1"), Invocation::begin("2")];
        assert!(begun.iter().filter(|begun| begun.cold_start).count() <= 1);
        assert!(!begun[1].cold_start);
        let outcomes = [200, 201, 304, 404, 422, 500, 503]
            .map(|status| Outcome::of(StatusCode::from_u16(status).unwrap()).as_str());
        let expected = ["ok", "ok", "ok", "refused", "refused", "failed", "failed"];
        assert_eq!(outcomes, expected);
    }
}
