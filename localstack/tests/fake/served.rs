//! A fake function behind a gateway and the invoke API.

use std::{sync::Arc, time::Duration};

use tidemill::{
    gateway::{self, Api},
    invoke_api,
    room::Room,
    template::{FunctionSpec, HttpApi, Template},
};
use tokio::{net::TcpListener, sync::watch, task::spawn_blocking};

use super::{Answer, Host, http, route, spec};

pub(crate) struct Served {
    pub(crate) gateway: String,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) lambda: String,
    pub(crate) host: Host,
}

/// With limits that no test waits for.
pub(crate) async fn serve() -> Served {
    let api = |api: Api| {
        api.with_time_limit(Duration::from_secs(5))
            .with_queue_limit(Duration::from_millis(500))
    };
    serve_with(spec("f"), api, invoke_api::asynchronous_room()).await
}

/// A function behind an API that `adapt` has adapted, and behind Lambda's own.
pub(crate) async fn serve_with(
    mut function: FunctionSpec,
    adapt: impl FnOnce(Api) -> Api,
    asynchronous: Room,
) -> Served {
    function.routes = vec![
        route("ANY", "/{proxy+}"),
        route("GET", "/stock/{stock}"),
        route("POST", "/only/post"),
    ];
    let declared = HttpApi {
        logical_id: "Api".to_owned(),
        name: "stocks".to_owned(),
    };
    let template = Template {
        apis: vec![declared.clone()],
        functions: vec![function],
    };
    let host = Host::start(&template.functions);
    let api = adapt(Api::new(&declared, &template, host.functions.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway = listener.local_addr().unwrap().to_string();
    let (stop, mut stopped) = watch::channel(false);
    tokio::spawn(gateway::serve(listener, Arc::new(api), async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let lambda = listener.local_addr().unwrap().to_string();
    let functions = host.functions.clone();
    tokio::spawn(invoke_api::serve(
        listener,
        template.functions,
        functions,
        None,
        asynchronous,
        std::future::pending(),
    ));
    Served {
        gateway,
        stop,
        lambda,
        host,
    }
}

pub(crate) async fn send(address: &str, head: &str, body: &[u8]) -> Answer {
    let (address, head, body) = (address.to_owned(), head.to_owned(), body.to_vec());
    spawn_blocking(move || http(&address, &head, &body))
        .await
        .unwrap()
}

pub(crate) async fn request(address: &str, line: &str, headers: &str, body: &[u8]) -> Answer {
    let length = body.len();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    send(address, &head, body).await
}

/// Checks that an answer is a problem of this status.
pub(crate) fn assert_problem(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json")
    );
    let problem = answer.json();
    assert_eq!(problem["status"], status);
    assert!(
        ["type", "title", "detail"]
            .iter()
            .all(|field| problem[field].is_string()),
        "{problem}"
    );
}
