//! The HTTP APIs of template.yaml, served as API Gateway's HTTP APIs are: routes, payload format 2.0, limits.

mod answer;
mod body;
mod door;
mod event;
mod problem;
mod refusals;
mod routes;
mod server;

use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request, State},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use tokio::{net::TcpListener, sync::Semaphore};
use tracing::{debug, warn};
use uuid::Uuid;

pub(crate) use server::{SILENCE, serve as serve_router};

pub use problem::Problem;
pub use routes::{Matched, RouteTable};

use crate::{
    functions::{Functions, InvokeError, InvokeOptions, Outcome, PAYLOAD_LIMIT, TraceId},
    room::{Held, Room},
    template::{HttpApi, Template},
};
use event::Call;

/// API Gateway answers for a function that takes longer.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// How long a request waits while every child is busy. Lambda refuses it at once, but has more children to start.
const QUEUE_LIMIT: Duration = Duration::from_secs(5);
/// Request line and headers together.
const HEAD_LIMIT: usize = 10 * 1024;
/// What the bodies and events of all requests to an API may take in memory together.
const MEMORY: usize = 64 * 1024 * 1024;

/// One HTTP API: its routes, and the functions behind them.
#[derive(Debug)]
pub struct Api {
    id: String,
    routes: RouteTable,
    functions: Functions,
    time_limit: Duration,
    queue_limit: Duration,
    silence: Duration,
    room: Room,
    /// When calls without an answer were last told.
    told: Mutex<Option<Instant>>,
}

/// An overload leaves a call in two without an answer: one line in so long says so, the metrics count them.
const TOLD_EVERY: Duration = Duration::from_secs(10);

impl Api {
    /// The API `declared` with every route that the template's functions have on it.
    pub fn new(declared: &HttpApi, template: &Template, functions: Functions) -> Self {
        let mut routes = RouteTable::default();
        for function in &template.functions {
            for route in function
                .routes
                .iter()
                .filter(|route| route.api == declared.logical_id)
            {
                routes.add(&route.method, &route.path, &function.name);
            }
        }
        Self {
            id: declared.name.clone(),
            routes,
            functions,
            time_limit: TIME_LIMIT,
            queue_limit: QUEUE_LIMIT,
            silence: SILENCE,
            // Connections are counted by the server.
            room: Room::new(Semaphore::MAX_PERMITS, MEMORY),
            told: Mutex::default(),
        }
    }

    /// Whether anything answers `GET /health`.
    pub fn has_health(&self) -> bool {
        self.routes.find(&Method::GET, "/health").is_some()
    }

    /// The same API with another limit than API Gateway's 30 s.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Whether nobody was told of a call without an answer lately.
    fn is_to_be_told(&self) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = told.is_none_or(|at| at.elapsed() >= TOLD_EVERY);
        if is_due {
            *told = Some(Instant::now());
        }
        is_due
    }

    /// The same API with another limit than 5 s for requests that find every child busy.
    #[must_use]
    pub fn with_queue_limit(mut self, limit: Duration) -> Self {
        self.queue_limit = limit;
        self
    }

    /// The same API with another limit than 30 s for clients that send no request.
    #[must_use]
    pub fn with_silence(mut self, limit: Duration) -> Self {
        self.silence = limit;
        self
    }

    /// The same API with another limit than 64 MiB for what all requests have in memory.
    #[must_use]
    pub fn with_memory(mut self, bytes: usize) -> Self {
        self.room = Room::new(Semaphore::MAX_PERMITS, bytes);
        self
    }
}

/// Serves an API until `shutdown` is ready and the requests in flight are answered.
pub async fn serve(
    listener: TcpListener,
    api: Arc<Api>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let silence = api.silence;
    let router = Router::new().fallback(handle).with_state(api);
    server::serve(listener, router, silence, shutdown).await
}

async fn handle(
    State(api): State<Arc<Api>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let id = Uuid::new_v4();
    let mut answer = match respond(&api, peer, request, id).await {
        Ok(answer) => answer,
        Err(problem) => problem.into_response(),
    };
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        answer.headers_mut().insert("apigw-requestid", id);
    }
    answer
}

async fn respond(
    api: &Arc<Api>,
    peer: SocketAddr,
    request: Request,
    id: Uuid,
) -> Result<Response, Problem> {
    check_head(&request)?;
    let (head, body) = request.into_parts();
    let matched = api.routes.find(&head.method, head.uri.path());
    let (body, held) = body::read(&head.headers, body, &api.room).await?;
    let matched = matched.ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            format!("no route for {} {}", head.method, head.uri.path()),
        )
    })?;
    let trace = head
        .headers
        .get("x-amzn-trace-id")
        .and_then(|value| TraceId::from_header(value.to_str().ok()?))
        .unwrap_or_else(|| TraceId::new(SystemTime::now()));
    let is_head = head.method == Method::HEAD;
    let call = Call {
        head: &head,
        body: &body,
        matched: &matched,
        api: &api.id,
        peer,
        id,
        trace: &trace,
    };
    let event = Bytes::from(call.to_event(chrono::Utc::now()).to_string());
    if event.len() > PAYLOAD_LIMIT {
        let detail = format!(
            "as an event the request has {} bytes; a function takes {PAYLOAD_LIMIT}",
            event.len()
        );
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    drop((body, held));
    let held = api.room.take(event.len()).ok_or_else(body::no_room)?;
    let outcome = invoke(api, matched.function, (event, held), id, trace).await?;
    answer::decode(&outcome, is_head)
}

/// Runs in a task of its own: as on AWS, a client that hangs up does not stop what it asked for.
async fn invoke(
    api: &Arc<Api>,
    function: String,
    (event, held): (Bytes, Held),
    id: Uuid,
    trace: TraceId,
) -> Result<Bytes, Problem> {
    let options = InvokeOptions {
        limit: Some(api.time_limit),
        queue_limit: Some(api.queue_limit),
        request_id: Some(id),
        trace: Some(trace),
        ..InvokeOptions::default()
    };
    let functions = api.functions.clone();
    let called = function.clone();
    let invocation = tokio::spawn(async move {
        let outcome = functions.invoke(&called, event, options).await;
        drop(held);
        outcome
    });
    match invocation.await {
        Ok(Ok(Outcome::Success(answer))) => Ok(answer),
        Ok(Ok(failed @ Outcome::FunctionError { .. })) if failed.broke_off() => {
            let detail = format!(
                "function `{function}` died or took too long; what it did is not known, request id {id}"
            );
            Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(1))
        }
        Ok(Ok(Outcome::FunctionError { .. })) => {
            let detail =
                format!("function `{function}` failed; its log has the reason, request id {id}");
            Err(Problem::new(StatusCode::BAD_GATEWAY, detail))
        }
        Ok(Err(error)) => {
            if api.is_to_be_told() {
                warn!(%function, request_id = %id, "no answer: {error}");
            } else {
                debug!(%function, request_id = %id, "no answer: {error}");
            }
            Err(refusal(&error))
        }
        Err(_) => Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the local stack is stopping".to_owned(),
        )),
    }
}

fn refusal(error: &InvokeError) -> Problem {
    let detail = error.to_string();
    match error {
        InvokeError::NoSuchFunction { .. } => Problem::new(StatusCode::BAD_GATEWAY, detail),
        // As API Gateway's HTTP APIs say it.
        InvokeError::TimedOut { .. } => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(1)
        }
        InvokeError::Throttled { .. } => {
            Problem::new(StatusCode::TOO_MANY_REQUESTS, detail).retry_after(1)
        }
        InvokeError::Exited { .. } => {
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(1)
        }
        InvokeError::StartFailed { retry_after, .. } => {
            let seconds = retry_after.as_secs() + 1;
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(seconds)
        }
    }
}

fn check_head(request: &Request<Body>) -> Result<(), Problem> {
    let line = request.method().as_str().len()
        + request.uri().to_string().len()
        + " HTTP/1.1\r\n".len()
        + 1;
    let headers: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    let refuse = |status| {
        let detail = format!(
            "request line and headers have {} bytes; at most {HEAD_LIMIT} are taken",
            line + headers
        );
        let mut problem = Problem::new(status, detail);
        problem.set(header::CONNECTION, HeaderValue::from_static("close"));
        Err(problem)
    };
    match (line > HEAD_LIMIT, line + headers > HEAD_LIMIT) {
        (true, _) => refuse(StatusCode::URI_TOO_LONG),
        (false, true) => refuse(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
        (false, false) => Ok(()),
    }
}
