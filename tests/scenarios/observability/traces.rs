//! One trace from a client's request through the record's headers to the commit, and links where a batch has several.

use std::time::Duration;

use serde_json::json;
use tests::collector::{Collector, Span};
use tests::eventually;
use tests::http::{client, send};
use tests::kafka;
use tests::stack::Stack;

use super::SECRETS;

const SERVER: i32 = 2;
const PRODUCER: i32 = 4;
const CONSUMER: i32 = 5;

/// The context that a client sends with its `number`th request.
fn client_span(number: u32) -> (String, String) {
    (
        format!("{:032x}", 0xabc0_0000_u32 + number),
        format!("{:016x}", 0xdef0_0000_u32 + number),
    )
}

/// GET as the client's `number`th request, with secrets.
async fn call(stack: &Stack, number: u32) {
    let (trace, span) = client_span(number);
    let mut request = client()
        .get(format!("{}/GOOG?token=s3cret-parameter", stack.run.stocks))
        .header("traceparent", format!("00-{trace}-{span}-01"));
    for (name, value) in SECRETS {
        request = request.header(name, value);
    }
    assert_eq!(send(request).await.status, 200);
}

/// The one span that `wanted` describes, once it has come.
async fn one(collector: &Collector, what: &str, wanted: impl Fn(&Span) -> bool) -> Span {
    eventually(what, Duration::from_secs(60), || async {
        let spans = collector.spans();
        let found: Vec<&Span> = spans.iter().filter(|span| wanted(span)).collect();
        match found[..] {
            [span] => Ok(span.clone()),
            _ => Err(format!("{found:#?} of {spans:#?}")),
        }
    })
    .await
}

async fn traced(collector: &Collector, batching_window: &str) -> Stack {
    let settings = [
        ("SCHEDULES", "off"),
        ("BATCHING_WINDOW", batching_window),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint),
    ];
    Stack::start(&settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_followed_to_its_commit() {
    let collector = Collector::start().await;
    let stack = traced(&collector, "1").await;
    call(&stack, 1).await;
    let (trace, client_span) = client_span(1);
    let of_trace = |name: &'static str| {
        let trace = trace.clone();
        move |span: &Span| span.trace == trace && span.name == name
    };

    let server = one(&collector, "the request", of_trace("GET /{stock}")).await;
    assert_eq!((server.service.as_str(), server.kind), ("stocks", SERVER));
    assert_eq!(server.parent, client_span);
    assert_eq!(server.attributes["http.response.status_code"], "200");
    let publish = one(&collector, "the record", of_trace("publish stock_call")).await;
    assert_eq!((publish.parent, publish.kind), (server.id, PRODUCER));
    let invocation = one(&collector, "the invocation", of_trace("archive")).await;
    assert_eq!(
        (invocation.service.as_str(), invocation.kind),
        ("archive", CONSUMER)
    );
    assert_eq!(invocation.parent, publish.id);
    let commit = one(&collector, "the commit", of_trace("commit stock_call")).await;
    assert_eq!(commit.parent, invocation.id);
    assert_eq!(commit.links, [(trace.clone(), publish.id.clone())]);
    assert_eq!(commit.attributes["messaging.batch.message_count"], "1");
    assert!(collector.spans().iter().all(|span| !span.failed));

    // The record has the context in its headers, and nothing of it in its value.
    let records = kafka::records(&stack.run.kafka, "stock_call");
    assert_eq!(records.len(), 1);
    let headers = &records[0].headers;
    let (_, header) = headers
        .iter()
        .find(|(name, _)| name == "traceparent")
        .unwrap();
    let expected = format!("00-{trace}-{}-01", publish.id);
    assert_eq!(header, expected.as_bytes());
    let value = String::from_utf8_lossy(&records[0].value).to_lowercase();
    assert!(
        !value.contains("traceparent") && !value.contains(&trace),
        "{value}"
    );

    // The log names the trace, and no secret is in what was sent.
    assert!(stack.log("stocks").contains(&trace) && stack.log("archive").contains(&trace));
    assert!(collector.text().contains("GET /{stock}"));
    assert!(!collector.text().contains("s3cret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_several_traces_is_linked_to_each() {
    let collector = Collector::start().await;
    let stack = traced(&collector, "5").await;
    // One ticker, so one partition; well within one batching window.
    for number in [2, 3, 4] {
        call(&stack, number).await;
    }
    let traces: Vec<String> = [2, 3, 4].map(|number| client_span(number).0).to_vec();
    let linked = |span: &Span| {
        let to = span.links.iter().map(|(trace, _)| trace.clone());
        to.collect::<Vec<_>>() == traces
    };
    let commit = one(&collector, "the commit", |span| {
        span.name == "commit stock_call" && linked(span)
    })
    .await;
    let invocation = one(&collector, "the invocation", |span| {
        span.id == commit.parent
    })
    .await;
    assert!(
        linked(&invocation) && invocation.parent.is_empty(),
        "{invocation:?}"
    );
    assert!(!traces.contains(&invocation.trace), "a trace of its own");
    let spans = collector.spans();
    for (trace, span) in &commit.links {
        let publish = spans
            .iter()
            .find(|it| it.id == *span)
            .expect("the link's end");
        assert_eq!(
            (&publish.trace, publish.name.as_str()),
            (trace, "publish stock_call")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ticks_are_followed_to_the_evaluations() {
    let collector = Collector::start().await;
    let stack = traced(&collector, "1").await;
    for exchange in ["se1", "se2"] {
        let event = json!({"exchange": exchange, "ticks": 12, "pace": "burst", "start": "2026-03-20T15:38:01Z"});
        stack.invoke("exchange", &event).await;
    }
    let event = json!({"exchange": "se1", "ticks": 20, "pace": "burst", "start": "2026-03-20T15:39:00Z", "seed": 7});
    stack.invoke("exchange", &event).await;
    let published = eventually("evaluations", Duration::from_secs(60), || async {
        let spans = collector.spans();
        let found = spans.iter().find(|it| it.name == "publish portfolios");
        found.cloned().ok_or(format!("{spans:#?}"))
    })
    .await;
    let span = |id: String| one(&collector, "a parent", move |span| span.id == id);
    let evaluate = span(published.parent).await;
    assert_eq!(evaluate.name, "evaluate StockExchange");
    assert!(!evaluate.links.is_empty());
    let invocation = span(evaluate.parent.clone()).await;
    assert_eq!(
        (invocation.service.as_str(), invocation.name.as_str()),
        ("evaluate", "evaluate")
    );
    let tick = span(evaluate.links[0].1.clone()).await;
    assert_eq!(
        (tick.service.as_str(), tick.name.as_str()),
        ("exchange", "publish StockExchange")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_keeps_no_one_waiting() {
    let endpoint = {
        let gone = Collector::start().await;
        gone.endpoint.clone()
    };
    let stack = Stack::start(&[
        ("SCHEDULES", "off"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
    ])
    .await;
    call(&stack, 5).await;
    call(&stack, 6).await;
    stack
        .sql_until("SELECT COUNT(*) AS n FROM stock_call", |rows| {
            rows[0]["n"] == 2
        })
        .await;
    assert!(stack.log("stocks").contains("spans not exported"));
}
