//! A function's real binary on a Runtime API of the test's own: as Lambda runs it, with nothing of the local stack
//! around it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use crate::stack::binaries;

/// A function that waits for events, ended when dropped.
pub struct Function {
    process: Child,
    folder: TempDir,
    server: AbortHandle,
    invocations: mpsc::Sender<Invocation>,
}

struct Invocation {
    event: Value,
    limit: Duration,
    answer: oneshot::Sender<Result<Value, Value>>,
}

struct Api {
    invocations: tokio::sync::Mutex<mpsc::Receiver<Invocation>>,
    running: Mutex<HashMap<String, oneshot::Sender<Result<Value, Value>>>>,
}

impl Function {
    /// Starts a function with these variables and no others, but for where things are found.
    pub async fn start(name: &str, variables: &[(&str, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (invocations, waiting) = mpsc::channel(1);
        let api = Arc::new(Api {
            invocations: tokio::sync::Mutex::new(waiting),
            running: Mutex::default(),
        });
        let routes = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route(
                "/2018-06-01/runtime/invocation/{id}/response",
                post(answered),
            )
            .route(
                "/2018-06-01/runtime/invocation/{id}/error",
                post(failed_with),
            )
            .with_state(api);
        let server = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        let folder = tempfile::tempdir().unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let process = Command::new(binaries().join(name))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("AWS_LAMBDA_RUNTIME_API", &address)
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "g")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "s")
            .env("RUST_LOG", "debug")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self {
            process,
            folder,
            server: server.abort_handle(),
            invocations,
        }
    }

    /// Hands the function an event, and returns what it answers, or what it failed with.
    pub async fn invoke(&self, event: Value, limit: Duration) -> Result<Value, Value> {
        let (answer, answered) = oneshot::channel();
        let invocation = Invocation {
            event,
            limit,
            answer,
        };
        self.invocations.send(invocation).await.unwrap();
        match tokio::time::timeout(limit + Duration::from_secs(30), answered).await {
            Ok(Ok(answer)) => answer,
            other => panic!("{other:?}: {}", self.log()),
        }
    }

    /// Waits until the function's process has ended, and returns its log.
    pub async fn ended(&mut self) -> String {
        crate::eventually("the function ends", Duration::from_secs(30), || {
            let ended = self.process.try_wait().unwrap();
            let log = fs::read_to_string(self.folder.path().join("log")).unwrap();
            async move { ended.map(|_| ()).ok_or(log) }
        })
        .await;
        self.log()
    }

    /// Everything that the function has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        self.server.abort();
    }
}

async fn next(State(api): State<Arc<Api>>) -> (HeaderMap, String) {
    let waiting = api.invocations.lock().await.recv().await;
    let Some(invocation) = waiting else {
        return std::future::pending().await;
    };
    let deadline = (SystemTime::now() + invocation.limit).duration_since(UNIX_EPOCH);
    let id = format!("request-{:?}", SystemTime::now()).replace(['{', '}', ' '], "");
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("lambda-runtime-aws-request-id", id.clone()),
        (
            "lambda-runtime-deadline-ms",
            deadline.unwrap().as_millis().to_string(),
        ),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:eu-west-1:000000000000:function:f".to_owned(),
        ),
    ] {
        headers.insert(name, value.parse().unwrap());
    }
    api.running.lock().unwrap().insert(id, invocation.answer);
    (headers, invocation.event.to_string())
}

fn finish(api: &Api, id: &str, answer: Result<Value, Value>) -> StatusCode {
    let waiting = api.running.lock().unwrap().remove(id);
    let _ = waiting.unwrap().send(answer);
    StatusCode::ACCEPTED
}

async fn answered(State(api): State<Arc<Api>>, Path(id): Path<String>, body: Bytes) -> StatusCode {
    finish(&api, &id, Ok(serde_json::from_slice(&body).unwrap()))
}

async fn failed_with(
    State(api): State<Arc<Api>>,
    Path(id): Path<String>,
    body: Bytes,
) -> StatusCode {
    finish(&api, &id, Err(serde_json::from_slice(&body).unwrap()))
}
