//! One start of a function's process, and the Runtime API that gives it its first event.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path as Segment, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};
use serde_json::Value;
use tests::memory;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::group::{Group, resume};

/// Only a start that has failed takes as long.
const PATIENCE: Duration = Duration::from_secs(30);
const REQUEST: &str = "8476a536-e9f4-11e8-9739-2dfe598c3fcd";

/// How a start went; times are from when the process became the function's program.
#[derive(Debug, Clone)]
pub(crate) struct Start {
    /// When it asked for its first event: it was initialised.
    pub(crate) asked: Duration,
    /// When its answer was there as a whole.
    pub(crate) answered: Duration,
    /// The most memory that it had resident, in MiB.
    pub(crate) peak: u64,
    /// What it answered.
    pub(crate) answer: Value,
}

/// Starts `program`, gives it one event, and ends it after its answer.
pub(crate) async fn start(
    group: &Group,
    program: &Path,
    mut variables: Vec<(&'static str, String)>,
    event: &Value,
) -> Start {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    variables.push(("AWS_LAMBDA_RUNTIME_API", address.to_string()));
    let (told, mut happened) = mpsc::unbounded_channel();
    let api = Arc::new(Api {
        event: Mutex::new(Some(Bytes::from(event.to_string()))),
        told,
    });
    let server = tokio::spawn(async move { axum::serve(listener, routes(api)).await });

    let log = tempfile::NamedTempFile::new().unwrap();
    let output = || File::options().append(true).open(log.path()).unwrap();
    let launched = group.launch(program, &variables, output().into(), output().into());
    let mut process = launched.unwrap_or_else(|why| panic!("{}: {why}", program.display()));
    let began = Instant::now();
    resume(&process);
    let mut asked = None;
    let ended = loop {
        match tokio::time::timeout(PATIENCE, happened.recv()).await {
            Ok(Some((at, Happened::Asked))) => asked = Some(at - began),
            Ok(Some((at, Happened::Answered(answer)))) => break Ok((at - began, answer)),
            Ok(Some((_, Happened::Failed(what)))) => break Err(what),
            Ok(None) | Err(_) => break Err(format!("no answer within {PATIENCE:?}")),
        }
    };
    let peak = memory::peak(i32::try_from(process.id()).unwrap());
    process.kill().unwrap();
    process.wait().unwrap();
    server.abort();
    let failed = |what: String| -> ! {
        let log = std::fs::read_to_string(log.path()).unwrap();
        panic!("{}: {what}\n{log}", program.display())
    };
    match ended {
        Ok((answered, answer)) => Start {
            asked: asked.expect("an answer is to an event"),
            answered,
            peak: peak.unwrap_or_else(|| failed("it has ended".to_owned())),
            answer: serde_json::from_slice(&answer).unwrap(),
        },
        Err(what) => failed(what),
    }
}

/// Takes a program out of the page cache, as far as no process has it mapped.
pub(crate) fn forget(program: &Path) {
    let file = File::open(program).unwrap();
    // What was just written can be dropped only once it is on the disk.
    file.sync_all().unwrap();
    posix_fadvise(&file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED).unwrap();
}

struct Api {
    event: Mutex<Option<Bytes>>,
    told: mpsc::UnboundedSender<(Instant, Happened)>,
}

enum Happened {
    Asked,
    Answered(Bytes),
    Failed(String),
}

fn routes(api: Arc<Api>) -> Router {
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route(
            "/2018-06-01/runtime/invocation/{id}/response",
            post(response),
        )
        .fallback(failure)
        .with_state(api)
}

async fn next(State(api): State<Arc<Api>>) -> (HeaderMap, Bytes) {
    let Some(event) = api.event.lock().unwrap().take() else {
        return std::future::pending().await;
    };
    let _ = api.told.send((Instant::now(), Happened::Asked));
    let deadline = SystemTime::now() + PATIENCE;
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap().as_millis();
    let headers = [
        ("lambda-runtime-aws-request-id", REQUEST.to_owned()),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:000000000000:function:measured".to_owned(),
        ),
        (
            "lambda-runtime-trace-id",
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0".to_owned(),
        ),
    ];
    let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
    (headers.into_iter().collect(), event)
}

async fn response(
    State(api): State<Arc<Api>>,
    Segment(id): Segment<String>,
    body: Body,
) -> StatusCode {
    assert_eq!(id, REQUEST);
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let _ = api.told.send((Instant::now(), Happened::Answered(body)));
    StatusCode::ACCEPTED
}

/// Whatever else a function says is an error.
async fn failure(State(api): State<Arc<Api>>, request: Request) -> StatusCode {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let said = String::from_utf8_lossy(&body);
    let what = format!("{} {}: {said}", head.method, head.uri);
    let _ = api.told.send((Instant::now(), Happened::Failed(what)));
    StatusCode::ACCEPTED
}
