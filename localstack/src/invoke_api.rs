//! Lambda's own API on `LAMBDA_PORT`, for `cargo lambda invoke` and the AWS CLI.

mod answers;

use std::{
    future::Future,
    io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tracing::{info, warn};
use uuid::Uuid;

use answers::{failure, json_response, not_found, refusal, set, stamped, unknown};

use crate::{
    functions::{Functions, InvokeOptions, Outcome, PAYLOAD_LIMIT, TraceId, arn},
    gateway::Door,
    metrics::{Metrics, scrape},
    template::FunctionSpec,
};

/// No function runs longer than this in Lambda, so no caller waits longer.
const TIME_LIMIT: Duration = Duration::from_secs(900);

#[derive(Debug)]
struct Lambda {
    functions: Functions,
    specs: Vec<FunctionSpec>,
}

/// Serves the API, and `GET /metrics` beside it, until `shutdown` is ready and the requests in flight are answered.
pub async fn serve(
    listener: TcpListener,
    specs: Vec<FunctionSpec>,
    functions: Functions,
    metrics: Option<Metrics>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let router = Router::new()
        .route("/2015-03-31/functions", get(list))
        .route("/2015-03-31/functions/", get(list))
        .route("/2015-03-31/functions/{name}", get(describe))
        .route("/2015-03-31/functions/{name}/invocations", post(invoke))
        .fallback(unknown)
        .with_state(Arc::new(Lambda { functions, specs }));
    let router = match metrics {
        Some(metrics) => router.route("/metrics", get(scrape).with_state(metrics)),
        None => router,
    };
    let (door, closed) = Door::new(listener, shutdown)?;
    axum::serve(door, router)
        .with_graceful_shutdown(closed)
        .await
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
    let payload = match read(body).await {
        Ok(payload) => payload,
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
            synchronous(&lambda.functions, name, payload, options, id).await
        }
        Some(b"Event") => asynchronous(&lambda.functions, name, payload, options, id),
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

fn asynchronous(
    functions: &Functions,
    name: String,
    payload: Bytes,
    options: InvokeOptions,
    id: Uuid,
) -> Response {
    let functions = functions.clone();
    tokio::spawn(async move {
        match functions.invoke(&name, payload, options).await {
            Ok(Outcome::Success(_)) => {
                info!(function = name, request_id = %id, "asynchronous invocation done")
            }
            // The host has said why.
            Ok(Outcome::FunctionError { .. }) => {}
            Err(error) => {
                warn!(function = name, request_id = %id, "asynchronous invocation lost: {error}")
            }
        }
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

async fn read(mut body: Body) -> Result<Bytes, Response> {
    let mut whole = BytesMut::new();
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            let message = "the body ended early";
            return Err(refusal(
                StatusCode::BAD_REQUEST,
                "InvalidRequestContentException",
                message,
            ));
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        size += data.len();
        // A client sees the refusal only once it has sent everything, so what is too much is read and thrown away.
        if size <= PAYLOAD_LIMIT {
            whole.extend_from_slice(&data);
        } else if size > 16 * PAYLOAD_LIMIT {
            break;
        }
    }
    if size > PAYLOAD_LIMIT {
        let message = format!(
            "Request must be smaller than {PAYLOAD_LIMIT} bytes for the InvokeFunction operation"
        );
        return Err(refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestTooLargeException",
            &message,
        ));
    }
    Ok(whole.freeze())
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
