//! The gateway and the invoke API over real sockets, with real processes behind them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod fake;

use std::{io::Write, net::TcpStream, time::Duration};

use fake::{
    read_answer,
    served::{assert_problem, request, send, serve},
};
use futures::future::join_all;
use serde_json::json;
use tidemill::functions::{HostSettings, InvokeOptions, Outcome};
use tokio::task::spawn_blocking;

#[tokio::test]
async fn a_request_reaches_the_function_as_it_was_sent() {
    let served = serve().await;
    let answer = request(
        &served.gateway,
        "GET /stock/G%20O?a=1&a=2",
        "X-One: 1\r\n",
        b"",
    )
    .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let event = &answer.json()["event"];
    assert_eq!(event["rawPath"], "/stock/G%20O");
    assert_eq!(event["routeKey"], "GET /stock/{stock}");
    assert_eq!(event["pathParameters"]["stock"], "G O");
    assert_eq!(event["queryStringParameters"]["a"], "1,2");
    assert_eq!(event["headers"]["x-one"], "1");
    assert_eq!(
        event["requestContext"]["requestId"],
        answer.header("apigw-requestid").unwrap()
    );
}

#[tokio::test]
async fn an_answer_reaches_the_client_as_it_was_given() {
    let served = serve().await;
    let given = json!({"statusCode": 201, "headers": {"Content-Type": "text/csv", "X-A": "b"}, "body": "a,b"});
    let answer = request(
        &served.gateway,
        "POST /answer",
        "",
        given.to_string().as_bytes(),
    )
    .await;
    assert_eq!((answer.status, answer.body.as_slice()), (201, &b"a,b"[..]));
    assert_eq!(
        (answer.header("content-type"), answer.header("x-a")),
        (Some("text/csv"), Some("b"))
    );
    let answer = request(&served.gateway, "HEAD /echo", "", b"").await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
}

#[tokio::test]
async fn what_goes_wrong_is_a_problem() {
    let served = serve().await;
    let address = served.gateway.as_str();
    assert_problem(&request(address, "GET /", "", b"").await, 404);
    assert_problem(&request(address, "GET /error", "", b"").await, 502);
    assert_problem(
        &request(address, "POST /answer", "", b"{\"statusCode\":1}").await,
        502,
    );
    let long = "x".repeat(11_000);
    assert_problem(
        &request(address, &format!("GET /{long}"), "", b"").await,
        414,
    );
    assert_problem(
        &request(address, "GET /echo", &format!("X-Long: {long}\r\n"), b"").await,
        431,
    );
    assert_eq!(
        request(address, "GET /echo", "", b"").await.status,
        200,
        "all of that left it well"
    );
}

#[tokio::test]
async fn a_request_that_finds_every_child_busy_for_long_is_throttled() {
    let served = serve().await;
    let functions = &served.host.functions;
    let busy = (0..HostSettings::new("", "").default_concurrency).map(|_| {
        let event = json!({"do": "sleep", "ms": 2500}).to_string();
        functions.invoke("f", event.into(), InvokeOptions::default())
    });
    let meanwhile = async {
        // An invocation that nobody waits for, as triggers and schedules make them, waits as long as it takes.
        let patient = functions.invoke("f", "{}".into(), InvokeOptions::default());
        let refused = async {
            let answer = request(&served.gateway, "GET /echo", "", b"").await;
            assert_problem(&answer, 429);
            assert_eq!(answer.header("retry-after"), Some("1"));
        };
        let (patient, ()) = tokio::join!(patient, refused);
        assert!(matches!(patient, Ok(Outcome::Success(_))), "{patient:?}");
    };
    tokio::join!(join_all(busy), meanwhile);
    let answer = request(&served.gateway, "GET /echo", "", b"").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn what_is_no_http_is_a_problem_too() {
    let served = serve().await;
    for address in [&served.gateway, &served.lambda] {
        let head = "GET /<script> HTTP/1.1\r\nHost: x\r\n\r\n";
        assert_problem(&send(address, head, b"").await, 400);
        assert_problem(&send(address, "nonsense\r\n\r\n", b"").await, 400);
        let head = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000));
        assert_problem(&send(address, &head, b"").await, 414);
        let headers = "X-One: 1\r\n".repeat(150);
        let head = format!("GET /echo HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
        assert_problem(&send(address, &head, b"").await, 431);
    }
}

#[tokio::test]
async fn a_body_over_10_mb_is_refused_so_that_the_client_sees_it() {
    let served = serve().await;
    let address = served.gateway.as_str();
    let body = vec![b'x'; 11 * 1024 * 1024];
    assert_problem(&request(address, "POST /echo", "", &body).await, 413);
    let head =
        "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut chunked = format!("{:x}\r\n", body.len()).into_bytes();
    chunked.extend_from_slice(&body);
    chunked.extend_from_slice(b"\r\n0\r\n\r\n");
    assert_problem(&send(address, head, &chunked).await, 413);
    // Who asks first is told before sending anything.
    let head = format!(
        "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    assert_problem(&send(address, &head, b"").await, 413);
    // Within the gateway's limit, but no function takes that much.
    let body = vec![b'x'; 7 * 1024 * 1024];
    assert_problem(
        &request(address, "POST /echo", "Content-Type: text/plain\r\n", &body).await,
        413,
    );
}

#[tokio::test]
async fn http_1_0_works_with_and_without_keep_alive() {
    let served = serve().await;
    let answer = send(
        &served.gateway,
        "GET /echo HTTP/1.0\r\nHost: x\r\n\r\n",
        b"",
    )
    .await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.header("content-length").is_some(),
        "HTTP/1.0 knows no chunks"
    );
    let address = served.gateway.clone();
    let last = spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        let get = "GET /error HTTP/1.0\r\nHost: x\r\nConnection: Keep-Alive\r\n\r\n";
        let end = "GET /echo HTTP/1.0\r\nHost: x\r\n\r\n";
        stream
            .write_all(format!("{get}{get}{end}").as_bytes())
            .unwrap();
        let all = read_answer(&mut stream);
        assert!(
            all.header("connection")
                .is_some_and(|value| value.eq_ignore_ascii_case("keep-alive")),
            "{all:?}"
        );
        String::from_utf8_lossy(&all.body).into_owned()
    });
    let rest = last.await.unwrap();
    assert_eq!(
        rest.matches("HTTP/1.0 ").count(),
        2,
        "three answers on one connection: {rest}"
    );
}

#[tokio::test]
async fn a_client_that_has_connected_when_the_system_stops_is_answered() {
    let served = serve().await;
    let address = served.gateway.clone();
    let mut early = spawn_blocking(move || TcpStream::connect(address).unwrap())
        .await
        .unwrap();
    request(&served.gateway, "GET /echo", "", b"").await;
    served.stop.send_replace(true);
    let stopping = Duration::from_millis(100);
    tokio::time::sleep(stopping).await;
    let late = TcpStream::connect(&served.gateway);
    assert!(late.is_err(), "the door is closed: {late:?}");
    let answer = spawn_blocking(move || {
        let get = "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        early.write_all(get.as_bytes()).unwrap();
        read_answer(&mut early)
    });
    assert_eq!(answer.await.unwrap().status, 200);
}

#[tokio::test]
async fn lambdas_own_api() {
    let served = serve().await;
    let path = |name: &str| format!("POST /2015-03-31/functions/{name}/invocations");
    let invoke = async |name: &str, headers: &str, body: &[u8]| {
        request(&served.lambda, &path(name), headers, body).await
    };

    let answer = invoke("f", "", b"{\"a\":1}").await;
    assert_eq!(
        (answer.status, &answer.json()["event"]),
        (200, &json!({"a": 1}))
    );
    assert_eq!(answer.header("x-amz-executed-version"), Some("$LATEST"));
    assert!(answer.header("x-amzn-requestid").is_some());
    assert_eq!(answer.header("x-amz-function-error"), None);
    let arn = "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af";
    assert_eq!(invoke(arn, "", b"").await.json()["event"], json!({}));

    let answer = invoke("f", "", b"{\"do\":\"error\"}").await;
    assert_eq!(
        (answer.status, answer.header("x-amz-function-error")),
        (200, Some("Unhandled"))
    );
    assert_eq!(answer.json()["errorType"], "Boom");

    assert_eq!(
        invoke("f", "X-Amz-Invocation-Type: Event\r\n", b"{}")
            .await
            .status,
        202
    );
    assert_eq!(
        invoke("f", "X-Amz-Invocation-Type: DryRun\r\n", b"{}")
            .await
            .status,
        204
    );
    assert_eq!(
        invoke("f", "X-Amz-Invocation-Type: Never\r\n", b"{}")
            .await
            .status,
        400
    );
    assert_eq!(invoke("f", "", b"not json").await.status, 400);

    let answer = invoke("nope", "", b"{}").await;
    assert_eq!(
        (answer.status, answer.header("x-amzn-errortype")),
        (404, Some("ResourceNotFoundException"))
    );
    assert!(
        answer.json()["Message"]
            .as_str()
            .unwrap()
            .contains("declares f"),
        "{answer:?}"
    );

    let answer = invoke("f", "", &vec![b' '; 7 * 1024 * 1024]).await;
    assert_eq!(
        (answer.status, answer.header("x-amzn-errortype")),
        (413, Some("RequestTooLargeException"))
    );

    let answer = request(&served.lambda, "GET /2015-03-31/functions", "", b"").await;
    assert_eq!(answer.json()["Functions"][0]["FunctionName"], "f");
}
