//! A way to an S3 that is slow or busy when it is told to.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::http::client;

/// What S3 says when it has more to do than it can.
const SLOW_DOWN: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
    <Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";

/// How requests fare on their way.
#[derive(Debug, Clone, Copy)]
pub enum Traffic {
    /// They are passed on.
    Flows,
    /// They are passed on, and their answers come this much later: what was asked has long been done.
    Slow(Duration),
    /// One of so many is passed on, all others are answered 503 `SlowDown`.
    OneOf(usize),
    /// All are answered 503 `SlowDown`.
    Jammed,
}

/// A proxy before an S3, gone when dropped.
pub struct Proxy {
    /// For `AWS_ENDPOINT_URL`.
    pub endpoint: String,
    road: Arc<Road>,
    server: JoinHandle<()>,
}

struct Road {
    /// `http://host:port`.
    leads_to: String,
    traffic: Mutex<Traffic>,
    requests: AtomicUsize,
    refused: AtomicUsize,
}

impl Proxy {
    /// Listens on a free port and passes on to `http://host:port`.
    pub async fn before(leads_to: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let road = Arc::new(Road {
            leads_to,
            traffic: Mutex::new(Traffic::Flows),
            requests: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
        });
        let app = Router::new().fallback(pass).with_state(Arc::clone(&road));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            endpoint,
            road,
            server,
        }
    }

    /// From now on.
    pub fn set(&self, traffic: Traffic) {
        *self.road.traffic.lock().unwrap() = traffic;
    }

    /// How many requests were answered 503.
    pub fn refused(&self) -> usize {
        self.road.refused.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn pass(State(road): State<Arc<Road>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    // A request is read whole before it is refused, or its sender would meet a closed connection and no answer.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let number = road.requests.fetch_add(1, Ordering::Relaxed);
    let traffic = *road.traffic.lock().unwrap();
    let is_refused = match traffic {
        Traffic::Flows | Traffic::Slow(_) => false,
        Traffic::OneOf(count) => number % count != 0,
        Traffic::Jammed => true,
    };
    if is_refused {
        road.refused.fetch_add(1, Ordering::Relaxed);
        let answer = Response::builder()
            .status(503)
            .header("content-type", "application/xml");
        return answer.body(Body::from(SLOW_DOWN)).unwrap();
    }
    let url = format!("{}{}", road.leads_to, head.uri);
    let asked = client().request(head.method, url).headers(head.headers);
    let answer = asked.body(body).send().await;
    if let Traffic::Slow(delay) = traffic {
        tokio::time::sleep(delay).await;
    }
    let Ok(answer) = answer else {
        return Response::builder().status(502).body(Body::empty()).unwrap();
    };
    let mut passed = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        // The answer goes on whole, however it came.
        if !["connection", "transfer-encoding"].contains(&name.as_str()) {
            passed = passed.header(name, value);
        }
    }
    let body = answer.bytes().await.unwrap_or_default();
    passed.body(Body::from(body)).unwrap()
}
