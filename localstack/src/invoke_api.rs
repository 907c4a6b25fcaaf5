//! Lambda's own API on `LAMBDA_PORT`, for `cargo lambda invoke` and the AWS CLI.

mod answers;
mod event;

use std::{
    future::Future,
    io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Semaphore};
use uuid::Uuid;

use answers::{failure, json_response, no_room, not_found, refusal, set, stamped, unknown};

use crate::{
    asynchronous,
    clock::SystemClock,
    functions::{Functions, InvokeOptions, Outcome, TraceId, arn},
    gateway::{SILENCE, serve_router},
    metrics::{Metrics, scrape},
    room::Room,
    template::FunctionSpec,
};

/// No function runs longer than this in Lambda, so no caller waits longer.
const TIME_LIMIT: Duration = Duration::from_secs(900);

/// What waiting events may take in memory together: those with a caller who waits, and as much for those without.
const MEMORY: usize = 64 * 1024 * 1024;

#[derive(Debug)]
struct Lambda {
    functions: Functions,
    specs: Vec<FunctionSpec>,
    /// For requests that are read, and wait for an answer.
    room: Room,
    asynchronous: Room,
    clock: SystemClock,
}

/// Room for the asynchronous invocations that are acknowledged and not done. Lambda keeps them in a queue; here they wait
/// in memory, so there is room for a number of them, and what has none is refused.
pub fn asynchronous_room() -> Room {
    Room::new(1000, MEMORY)
}

/// Serves the API, and `GET /metrics` beside it, until `shutdown` is ready and the requests in flight are answered. What
/// it acknowledges to be invoked later holds its place in `asynchronous` until it is done.
pub async fn serve(
    listener: TcpListener,
    specs: Vec<FunctionSpec>,
    functions: Functions,
    metrics: Option<Metrics>,
    asynchronous: Room,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let router = Router::new()
        .route("/2015-03-31/functions", get(list))
        .route("/2015-03-31/functions/", get(list))
        .route("/2015-03-31/functions/{name}", get(describe))
        .route("/2015-03-31/functions/{name}/invocations", post(invoke))
        .fallback(unknown)
        .with_state(Arc::new(Lambda {
            functions,
            specs,
            room: Room::new(Semaphore::MAX_PERMITS, MEMORY),
            asynchronous,
            clock: SystemClock::start(),
        }));
    let router = match metrics {
        Some(metrics) => router.route("/metrics", get(scrape).with_state(metrics)),
        None => router,
    };
    serve_router(listener, router, SILENCE, shutdown).await
}

async fn list(State(lambda): State<Arc<Lambda>>) -> Response {
    let functions: Vec<Value> = lambda.specs.iter().map(configuration).collect();
    json_response(StatusCode::OK, &json!({ "Functions": functions }))
}

async fn describe(State(lambda): State<Arc<Lambda>>, Path(name): Path<String>) -> Response {
    let name = bare_name(&name);
    match lambda.specs.iter().find(|spec| spec.name == name) {
        Some(spec) => json_response(
            StatusCode::OK,
            &json!({ "Configuration": configuration(spec) }),
        ),
        None => not_found(name, &lambda.functions.names()),
    }
}

fn configuration(spec: &FunctionSpec) -> Value {
    json!({
        "FunctionName": spec.name,
        "FunctionArn": arn(&spec.name),
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "Timeout": spec.timeout.as_secs(),
        "MemorySize": spec.memory_mb,
        "Version": "$LATEST",
        "PackageType": "Zip",
        "State": "Active",
    })
}

async fn invoke(
    State(lambda): State<Arc<Lambda>>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    let name = bare_name(&name).to_owned();
    let known = lambda.functions.names();
    if !known.contains(&name) {
        return not_found(&name, &known);
    }
    let (head, body) = request.into_parts();
    let (payload, held) = match event::read(body, &lambda.room).await {
        Ok(read) => read,
        Err(refusal) => return refusal,
    };
    // The event of no event, as the AWS CLI's `lambda invoke` without a payload has it.
    let payload = if payload.is_empty() {
        Bytes::from_static(b"{}")
    } else {
        payload
    };
    if let Err(error) = serde_json::from_slice::<serde::de::IgnoredAny>(&payload) {
        let message = format!("Could not parse request body into json: {error}");
        return refusal(
            StatusCode::BAD_REQUEST,
            "InvalidRequestContentException",
            &message,
        );
    }
    let id = Uuid::new_v4();
    let options = match options(&head.headers, id) {
        Ok(options) => options,
        Err(refusal) => return refusal,
    };
    match head
        .headers
        .get("x-amz-invocation-type")
        .map(HeaderValue::as_bytes)
    {
        None | Some(b"RequestResponse") => {
            let answer = synchronous(&lambda.functions, name, payload, options, id).await;
            drop(held);
            answer
        }
        Some(b"Event") => invoke_later(&lambda, name, payload, options, id),
        Some(b"DryRun") => stamped(StatusCode::NO_CONTENT.into_response(), id),
        Some(other) => {
            let message = format!(
                "X-Amz-Invocation-Type {} is not one of RequestResponse, Event, DryRun",
                String::from_utf8_lossy(other)
            );
            refusal(
                StatusCode::BAD_REQUEST,
                "InvalidParameterValueException",
                &message,
            )
        }
    }
}

async fn synchronous(
    functions: &Functions,
    name: String,
    payload: Bytes,
    options: InvokeOptions,
    id: Uuid,
) -> Response {
    let options = InvokeOptions {
        limit: Some(TIME_LIMIT),
        ..options
    };
    let answer = match functions.invoke(&name, payload, options).await {
        Ok(Outcome::Success(answer)) => (StatusCode::OK, answer).into_response(),
        Ok(Outcome::FunctionError { kind, payload }) => {
            let mut response = (StatusCode::OK, payload).into_response();
            set(&mut response, "x-amz-function-error", kind);
            response
        }
        Err(error) => return stamped(failure(&error), id),
    };
    let mut response = stamped(answer, id);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

/// Acknowledged is only what has a place: nobody hears of it when it is lost later.
fn invoke_later(
    lambda: &Lambda,
    name: String,
    payload: Bytes,
    options: InvokeOptions,
    id: Uuid,
) -> Response {
    let Some(place) = lambda.asynchronous.take(payload.len()) else {
        return stamped(no_room("asynchronous invocations"), id);
    };
    let (functions, clock) = (lambda.functions.clone(), lambda.clock);
    tokio::spawn(async move {
        asynchronous::see_through(&name, &id.to_string(), &clock, || {
            functions.invoke(&name, payload.clone(), options.clone())
        })
        .await;
        drop(place);
    });
    stamped(StatusCode::ACCEPTED.into_response(), id)
}

fn options(headers: &HeaderMap, id: Uuid) -> Result<InvokeOptions, Response> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let client_context = match text("x-amz-client-context") {
        None => None,
        Some(encoded) => {
            let decoded = STANDARD
                .decode(encoded)
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok());
            let refused = || {
                let message = "X-Amz-Client-Context is not the base64 of JSON text";
                refusal(
                    StatusCode::BAD_REQUEST,
                    "InvalidRequestContentException",
                    message,
                )
            };
            Some(decoded.ok_or_else(refused)?)
        }
    };
    let trace = text("x-amzn-trace-id").and_then(TraceId::from_header);
    let trace = trace.unwrap_or_else(|| TraceId::new(SystemTime::now()));
    Ok(InvokeOptions {
        request_id: Some(id),
        trace: Some(trace),
        client_context,
        ..InvokeOptions::default()
    })
}

/// `name`, `name:qualifier`, `account:function:name` or a whole ARN: the name in it.
fn bare_name(given: &str) -> &str {
    match given.split_once("function:") {
        Some((_, rest)) => rest.split(':').next().unwrap_or(rest),
        None => given.split(':').next().unwrap_or(given),
    }
}

#[cfg(test)]
mod tests {
    use super::bare_name;

    #[test]
    fn a_function_is_found_under_every_form_of_its_name() {
        let forms = [
            "stocks",
            "stocks:$LATEST",
            "000000000000:function:stocks",
            "arn:aws:lambda:us-east-1:000000000000:function:stocks",
            "arn:aws:lambda:us-east-1:000000000000:function:stocks:live",
        ];
        for form in forms {
            assert_eq!(bare_name(form), "stocks", "{form}");
        }
    }
}
