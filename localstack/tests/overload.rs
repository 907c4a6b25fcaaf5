//! More than the gateway and the invoke API can take: refused in time, and nothing acknowledged is lost.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod fake;

use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use fake::{
    Answer, read_answer,
    served::{Served, assert_problem, request, serve, serve_with},
    spec, until,
};
use futures::future::join_all;
use tidemill::{functions::HostSettings, gateway::Api, invoke_api, room::Room};
use tokio::task::spawn_blocking;

const MIB: usize = 1024 * 1024;

fn assert_later(answer: &Answer, status: u16) {
    assert_problem(answer, status);
    let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&after), "{answer:?}");
}

#[tokio::test]
async fn a_function_out_of_memory_or_time_is_a_503_and_the_next_call_is_answered() {
    let mut function = spec("f");
    function.timeout = Duration::from_millis(500);
    let served = serve_with(function, |api| api, invoke_api::asynchronous_room()).await;
    for cut_short in ["GET /killed", "GET /exit", "GET /hang"] {
        let answer = request(&served.gateway, cut_short, "", b"").await;
        assert_later(&answer, 503);
        let answer = request(&served.gateway, "GET /echo", "", b"").await;
        assert_eq!(answer.status, 200, "after {cut_short}");
    }
    // What a function itself calls a failure is none of the system's.
    assert_problem(&request(&served.gateway, "GET /error", "", b"").await, 502);
    // A function that has more time than the gateway.
    let served = serve().await;
    assert_later(&request(&served.gateway, "GET /hang", "", b"").await, 503);
}

#[tokio::test]
async fn clients_that_say_nothing_are_let_go() {
    let silence = Duration::from_millis(500);
    let adapt = |api: Api| api.with_silence(silence);
    let served = serve_with(spec("f"), adapt, invoke_api::asynchronous_room()).await;
    let address = served.gateway.clone();
    let slow = spawn_blocking(move || {
        let clients = ["", "GET /echo HTTP/1.1\r\nHost:", "G"].map(|begun| {
            let mut client = TcpStream::connect(&address).unwrap();
            client.write_all(begun.as_bytes()).unwrap();
            client
        });
        let mut after_an_answer = TcpStream::connect(&address).unwrap();
        let get = "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n";
        after_an_answer.write_all(get.as_bytes()).unwrap();
        let since = Instant::now();
        for mut client in clients {
            // The end of the connection, and not this limit.
            client
                .set_read_timeout(Some(Duration::from_secs(20)))
                .unwrap();
            let mut said = Vec::new();
            client.read_to_end(&mut said).unwrap();
            assert_eq!(String::from_utf8_lossy(&said), "");
        }
        assert!(since.elapsed() >= silence / 2, "not before it is sure");
        read_answer(&mut after_an_answer)
    });
    assert_eq!(slow.await.unwrap().status, 200);
}

#[tokio::test]
async fn large_requests_share_their_memory_and_others_are_refused() {
    let adapt = |api: Api| api.with_memory(8 * MIB);
    let served = serve_with(spec("f"), adapt, invoke_api::asynchronous_room()).await;
    let body = vec![b'x'; 3 * MIB];
    let headers = "Content-Type: text/plain\r\n";
    let calls = (0..12).map(|_| request(&served.gateway, "POST /sleep", headers, &body));
    let mut counts = BTreeMap::<u16, usize>::new();
    for answer in join_all(calls).await {
        *counts.entry(answer.status).or_default() += 1;
        if answer.status != 200 {
            assert_later(&answer, 429);
        }
    }
    assert!(counts[&200] >= 1 && counts[&429] >= 1, "{counts:?}");
    let after = request(&served.gateway, "POST /echo", headers, &body).await;
    assert_eq!(after.status, 200, "the memory is free again");
}

#[tokio::test]
async fn an_asynchronous_invocation_is_refused_or_done() {
    let served = serve_with(spec("f"), |api| api, Room::new(50, MIB)).await;
    let children = HostSettings::new("", "").default_concurrency;
    let busy = (0..children).map(|_| later(&served, r#"{"do":"sleep","ms":5000}"#.to_owned()));
    assert!(
        join_all(busy)
            .await
            .iter()
            .all(|answer| answer.status == 202)
    );
    let notes = (0..200).map(|n| later(&served, format!(r#"{{"do":"note","n":{n}}}"#)));
    let mut acknowledged = Vec::new();
    for (n, answer) in join_all(notes).await.iter().enumerate() {
        match answer.status {
            202 => acknowledged.push(n),
            status => {
                assert_eq!((status, answer.header("retry-after")), (429, Some("1")));
                assert_eq!(answer.json()["errorType"], "TooManyRequestsException");
            }
        }
    }
    assert!(
        (40..150).contains(&acknowledged.len()),
        "{}",
        acknowledged.len()
    );
    let large = format!(r#"{{"do":"note","n":"{}"}}"#, "x".repeat(MIB));
    assert_eq!(later(&served, large).await.status, 429, "too much memory");
    let log = served.host.folder.path().join("logs/f.log");
    let noted = |n: usize| {
        let text = fs::read_to_string(&log).unwrap();
        text.matches(&format!("noted {n}.")).count()
    };
    until("all that was acknowledged is done", || {
        acknowledged.iter().all(|n| noted(*n) == 1)
    })
    .await;
    let done: usize = (0..200).map(noted).sum();
    assert_eq!(done, acknowledged.len(), "and nothing else is");
}

async fn later(served: &Served, event: String) -> Answer {
    let line = "POST /2015-03-31/functions/f/invocations";
    let headers = "X-Amz-Invocation-Type: Event\r\n";
    request(&served.lambda, line, headers, event.as_bytes()).await
}

#[tokio::test]
async fn a_function_that_floods_its_output_is_answered_and_its_log_is_bounded() {
    let served = serve().await;
    let line = "POST /2015-03-31/functions/f/invocations";
    let event = br#"{"do":"flood","kib":60000}"#;
    let answer = request(&served.lambda, line, "", event).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let logs = served.host.folder.path().join("logs");
    let files = fs::read_dir(logs).unwrap();
    let kept: u64 = files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!((1..=40 << 20).contains(&kept), "{kept} bytes");
    assert_eq!(
        request(&served.gateway, "GET /echo", "", b"").await.status,
        200
    );
}
