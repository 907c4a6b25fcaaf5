//! Lambda's Runtime API for one child: it asks for the next event here and answers it here.

mod answers;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    body::Body,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};

use super::{
    Outcome, PAYLOAD_LIMIT,
    child_body::{Answer, collect},
};

use answers::{accepted, refusal, unknown_id};

pub(super) use answers::{error_payload, function_error};

const UNHANDLED: &str = "Unhandled";

/// An event and what goes with it.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) payload: Bytes,
    pub(super) arn: String,
    pub(super) trace: String,
    pub(super) client_context: Option<String>,
}

/// One event on its way to a child.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) event: Event,
    /// The time that the child has, from when it takes it.
    pub(super) limit: Duration,
    /// Told when the child has taken it: from then on it must not be given to another one.
    pub(super) taken: oneshot::Sender<()>,
    pub(super) answer: oneshot::Sender<Outcome>,
}

/// What a child is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Phase {
    /// It has not asked for an event yet.
    Starting,
    /// It has.
    Started,
    /// It said that it cannot start, and why.
    InitFailed(String),
}

/// The listener of one child; closed on drop.
#[derive(Debug)]
pub(super) struct RuntimeApi {
    pub(super) address: SocketAddr,
    pub(super) invocations: mpsc::Sender<Invocation>,
    pub(super) phase: watch::Receiver<Phase>,
    state: Arc<ChildState>,
    server: JoinHandle<()>,
}

impl RuntimeApi {
    pub(super) async fn listen() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let (invocations, queue) = mpsc::channel(1);
        let (phase, seen) = watch::channel(Phase::Starting);
        let state = Arc::new(ChildState {
            queue: tokio::sync::Mutex::new(queue),
            in_flight: Mutex::new(None),
            phase,
        });
        let served = Arc::clone(&state);
        let server = tokio::spawn(async move {
            // axum's accept loop ends only when it is aborted.
            let _ = axum::serve(listener, router(served)).await;
        });
        Ok(Self {
            address,
            invocations,
            phase: seen,
            state,
            server,
        })
    }

    /// Tells, whenever it is called, the id of the invocation that the child has taken and not answered.
    pub(super) fn at_work(&self) -> impl Fn() -> Option<String> + Send + 'static + use<> {
        let state = Arc::clone(&self.state);
        move || state.in_flight().as_ref().map(|current| current.id.clone())
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Debug)]
struct ChildState {
    queue: tokio::sync::Mutex<mpsc::Receiver<Invocation>>,
    in_flight: Mutex<Option<InFlight>>,
    phase: watch::Sender<Phase>,
}

#[derive(Debug)]
struct InFlight {
    id: String,
    answer: oneshot::Sender<Outcome>,
}

impl ChildState {
    fn in_flight(&self) -> std::sync::MutexGuard<'_, Option<InFlight>> {
        self.in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the child works on exactly this invocation.
    fn is_in_flight(&self, id: &str) -> bool {
        self.in_flight()
            .as_ref()
            .is_some_and(|current| current.id == id)
    }

    fn finish(&self, id: &str, outcome: Outcome) -> Response {
        match self.in_flight().take_if(|current| current.id == id) {
            Some(current) => {
                // Nobody may be waiting any more; the child has done its part all the same.
                let _ = current.answer.send(outcome);
                accepted()
            }
            None => unknown_id(),
        }
    }
}

fn router(state: Arc<ChildState>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route(
            "/2018-06-01/runtime/invocation/{id}/response",
            post(response),
        )
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .with_state(state)
}

async fn next(State(state): State<Arc<ChildState>>) -> Response {
    if state.in_flight().is_some() {
        return refusal(
            StatusCode::FORBIDDEN,
            "InvalidStateTransition",
            "the invocation in flight has no answer yet",
        );
    }
    let mut queue = state.queue.lock().await;
    state.phase.send_replace(Phase::Started);
    // Cancel-safe: a child that goes away while it waits loses nothing.
    let Some(invocation) = queue.recv().await else {
        // There will be no more, and the child is about to be ended. Runtimes take any answer for an event.
        return std::future::pending().await;
    };
    let Invocation {
        event,
        limit,
        taken,
        answer,
    } = invocation;
    *state.in_flight() = Some(InFlight {
        id: event.id.clone(),
        answer,
    });
    // The host may have given up just now; then it kills this child.
    let _ = taken.send(());
    let headers = event_headers(&event, SystemTime::now() + limit);
    (StatusCode::OK, headers, Body::from(event.payload)).into_response()
}

fn event_headers(event: &Event, deadline: SystemTime) -> HeaderMap {
    let deadline = deadline
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    let mut set = |name: &'static str, value: &str| {
        // What a header cannot carry is left out: a client context with control characters is its caller's mistake.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set("lambda-runtime-aws-request-id", &event.id);
    set("lambda-runtime-deadline-ms", &deadline.to_string());
    set("lambda-runtime-invoked-function-arn", &event.arn);
    set("lambda-runtime-trace-id", &event.trace);
    if let Some(context) = &event.client_context {
        set("lambda-runtime-client-context", context);
    }
    headers
}

async fn response(
    State(state): State<Arc<ChildState>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    if !state.is_in_flight(&id) {
        return unknown_id();
    }
    match collect(request.into_body()).await {
        Answer::Whole(payload) => state.finish(&id, Outcome::Success(payload)),
        Answer::Failed(payload) => state.finish(
            &id,
            Outcome::FunctionError {
                kind: UNHANDLED,
                payload,
            },
        ),
        Answer::TooLarge => {
            let message = format!(
                "Response payload size exceeded maximum allowed payload size ({PAYLOAD_LIMIT} bytes)."
            );
            state.finish(
                &id,
                function_error("Function.ResponseSizeTooLarge", &message),
            );
            let message = format!("Exceeded maximum allowed payload size ({PAYLOAD_LIMIT} bytes).");
            refusal(
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestEntityTooLarge",
                &message,
            )
        }
        // The child broke off: it can still answer, or die, which its process tells.
        Answer::BrokenOff => refusal(
            StatusCode::BAD_REQUEST,
            "InvalidRequest",
            "the body ended early",
        ),
    }
}

async fn error(
    State(state): State<Arc<ChildState>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    if !state.is_in_flight(&id) {
        return unknown_id();
    }
    match collect(request.into_body()).await {
        Answer::Whole(payload) | Answer::Failed(payload) => state.finish(
            &id,
            Outcome::FunctionError {
                kind: UNHANDLED,
                payload,
            },
        ),
        Answer::TooLarge | Answer::BrokenOff => state.finish(
            &id,
            function_error(
                "Runtime.Unknown",
                "the function failed with an error that cannot be read",
            ),
        ),
    }
}

async fn init_error(State(state): State<Arc<ChildState>>, request: Request) -> Response {
    if *state.phase.borrow() != Phase::Starting {
        return refusal(
            StatusCode::FORBIDDEN,
            "InvalidStateTransition",
            "initialisation is over",
        );
    }
    let reason = match collect(request.into_body()).await {
        Answer::Whole(payload) | Answer::Failed(payload) => {
            String::from_utf8_lossy(&payload).into_owned()
        }
        Answer::TooLarge | Answer::BrokenOff => "an error that cannot be read".to_owned(),
    };
    state.phase.send_replace(Phase::InitFailed(reason));
    accepted()
}

#[cfg(test)]
mod tests;
