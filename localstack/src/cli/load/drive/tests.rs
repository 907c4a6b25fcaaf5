//! Whole loads against servers in this process.
#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, future::pending, net::SocketAddr};

use axum::{Router, body::Body, extract::Request, response::Response};
use http::StatusCode;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    sync::{mpsc, oneshot},
};
use url::Url;

use super::{
    super::{
        plan::{games, purchases, stocks},
        target::Target,
    },
    *,
};

/// Long enough for what does come, short enough for what never does.
const PATIENCE: Patience = Patience {
    away: Duration::from_millis(300),
    grace: Duration::from_millis(300),
};

/// Path, Host and body of a request as a server saw it.
type Seen = (String, String, Vec<u8>);

/// A server that answers as `answer` says, and what it saw.
async fn server(
    answer: impl Fn(usize) -> Response + Clone + Send + Sync + 'static,
) -> (SocketAddr, mpsc::UnboundedReceiver<Seen>) {
    let (tell, seen) = mpsc::unbounded_channel();
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let router = Router::new().fallback(move |request: Request| {
        let (tell, answer, count) = (tell.clone(), answer.clone(), Arc::clone(&count));
        async move {
            let (head, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 1024).await.unwrap().to_vec();
            let host = head.headers["host"].to_str().unwrap().to_owned();
            tell.send((format!("{} {}", head.method, head.uri), host, body))
                .unwrap();
            answer(count.fetch_add(1, Ordering::SeqCst))
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (address, seen)
}

fn ok(_: usize) -> Response {
    Response::new(Body::from("Joined guild.\n"))
}

fn connections(address: SocketAddr, count: usize) -> Vec<Connection> {
    let url = Url::parse(&format!("http://{address}")).unwrap();
    let target = Arc::new(Target::of(&url).unwrap());
    (0..count)
        .map(|_| Connection::new(Arc::clone(&target)).unwrap())
        .collect()
}

async fn load(plan: Plan, address: SocketAddr, concurrency: usize) -> Driven {
    drive(
        plan,
        connections(address, concurrency),
        Arc::default(),
        PATIENCE,
        pending(),
    )
    .await
}

fn all(mut seen: mpsc::UnboundedReceiver<Seen>) -> Vec<Seen> {
    std::iter::from_fn(|| seen.try_recv().ok()).collect()
}

/// What a plan says that a server sees, in any order.
fn expected(mut plan: Plan, authority: &str) -> Vec<(String, String)> {
    let mut calls = Vec::new();
    while let Some(lane) = plan.next() {
        let host = lane
            .call
            .host
            .clone()
            .unwrap_or_else(|| authority.to_owned());
        let line = format!("{} {}", lane.call.method, lane.call.path);
        calls.extend(std::iter::repeat_n((line, host), lane.times as usize));
    }
    calls.sort();
    calls
}

#[tokio::test]
async fn exactly_the_planned_requests_arrive() {
    let wish = games::Wish {
        users: 9,
        endpoints: 9,
        requests: 777,
        batch: true,
    };
    let plans: [&dyn Fn() -> Plan; 3] = [
        &|| games::plan(wish, 3),
        &|| purchases::plan(40, 3),
        &|| stocks::plan(60, 3),
    ];
    for plan in plans {
        let (address, seen) = server(ok).await;
        let driven = load(plan(), address, 7).await;
        assert_eq!(
            (driven.tally.sent(), driven.tally.failed()),
            (plan().total, 0)
        );
        assert!(!driven.interrupted && driven.unreachable.is_none());
        let seen = all(seen);
        assert!(
            seen.iter().all(|(line, _, body)| body
                == if line.starts_with("POST") { "{}" } else { "" }.as_bytes())
        );
        let mut lines: Vec<_> = seen
            .into_iter()
            .map(|(line, host, _)| (line, host))
            .collect();
        lines.sort();
        assert_eq!(lines, expected(plan(), &address.to_string()));
    }
}

#[tokio::test]
async fn failures_are_counted_by_status() {
    let (address, seen) = server(|number| {
        let status = match number % 4 {
            0 => StatusCode::SERVICE_UNAVAILABLE,
            1 => StatusCode::CREATED,
            2 => StatusCode::FOUND,
            _ => StatusCode::OK,
        };
        Response::builder()
            .status(status)
            .body(Body::from("the broker is away"))
            .unwrap()
    })
    .await;
    let wish = games::Wish {
        users: 1,
        endpoints: 1,
        requests: 400,
        batch: false,
    };
    let driven = load(games::plan(wish, 1), address, 4).await;
    assert_eq!((driven.tally.sent(), driven.tally.failed()), (400, 200));
    let table = driven.tally.to_string();
    assert!(
        table.contains("failed: 100  503 Service Unavailable  e.g. the broker is away"),
        "{table}"
    );
    assert!(table.contains("failed: 100  302 Found"), "{table}");
    assert_eq!(all(seen).len(), 400);
}

#[tokio::test]
async fn connections_that_close_after_each_answer_lose_nothing() {
    let (address, seen) = server(|_| {
        Response::builder()
            .header("Connection", "close")
            .body(Body::from("x".repeat(100_000)))
            .unwrap()
    })
    .await;
    let plan = || purchases::plan(30, 5);
    let driven = load(plan(), address, 5).await;
    assert_eq!(
        (driven.tally.sent(), driven.tally.failed()),
        (plan().total, 0),
        "{}",
        driven.tally
    );
    assert_eq!(all(seen).len() as u64, plan().total);
}

/// Whether a request that was read is stored nobody knows: it is a failure, and not sent again.
#[tokio::test]
async fn an_answer_that_never_comes_is_a_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let reads = tokio::spawn(async move {
        let mut by_reading = BTreeMap::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).await.unwrap();
            *by_reading.entry(read > 0).or_insert(0) += 1;
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal")
                .await;
            if by_reading.get(&true) == Some(&20) {
                break;
            }
        }
        by_reading
    });
    let wish = games::Wish {
        users: 1,
        endpoints: 1,
        requests: 20,
        batch: false,
    };
    let driven = load(games::plan(wish, 1), address, 1).await;
    assert_eq!((driven.tally.sent(), driven.tally.failed()), (20, 20));
    assert_eq!(reads.await.unwrap(), BTreeMap::from([(true, 20)]));
    assert!(
        driven
            .tally
            .to_string()
            .contains("failed: 20  no answer  e.g. "),
        "{}",
        driven.tally
    );
}

#[tokio::test]
async fn an_api_that_went_away_ends_the_load() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let driven = load(stocks::plan(10, 1), closed, 3).await;
    assert_eq!(driven.tally.sent(), 0);
    assert!(driven.unreachable.is_some());
}

#[tokio::test]
async fn a_stop_ends_between_requests() {
    let (address, mut seen) = server(ok).await;
    let (stop, stopped) = oneshot::channel();
    let wish = games::Wish {
        users: 1,
        endpoints: 9,
        requests: 10_000_000,
        batch: false,
    };
    let load = drive(
        games::plan(wish, 1),
        connections(address, 4),
        Arc::default(),
        Patience::default(),
        async {
            let _ = stopped.await;
        },
    );
    let stopping = async {
        for _ in 0..50 {
            seen.recv().await.unwrap();
        }
        stop.send(()).unwrap();
    };
    let (driven, ()) = tokio::join!(load, stopping);
    assert!(driven.interrupted);
    assert_eq!(driven.tally.failed(), 0, "{}", driven.tally);
    assert_eq!(driven.tally.sent(), 50 + all(seen).len() as u64);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let silent = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        assert!(stream.read(&mut buffer).await.unwrap() > 0);
        stop.send(()).unwrap();
        // Reads on until the client hangs up.
        while stream.read(&mut buffer).await.unwrap_or(0) > 0 {}
    });
    let driven = drive(
        stocks::plan(10, 1),
        connections(address, 1),
        Arc::default(),
        PATIENCE,
        async {
            let _ = stopped.await;
        },
    )
    .await;
    assert_eq!((driven.tally.sent(), driven.tally.failed()), (1, 1));
    assert!(
        driven
            .tally
            .to_string()
            .contains("failed: 1  stopped before the answer came")
    );
    silent.await.unwrap();
}
