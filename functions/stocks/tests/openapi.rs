//! The description of the API says what the API does.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

#[path = "../../../tests/fixtures/openapi.rs"]
mod described;

use std::sync::Arc;

use described::{assert_described, assert_whole};
use domain::Stock;
use domain::quotes::Metric;
use lambda_http::Body;
use serde_json::{Value, json};
use stocks::quotes::simulated::Simulated;
use stocks::{Context, handle};
use stream::MemoryPublisher;

fn description() -> Value {
    serde_json::from_str(include_str!("../openapi.json")).unwrap()
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    assert_whole(&description());
}

#[test]
fn what_may_stand_in_a_path_is_what_the_domain_knows() {
    let description = description();
    let stocks: Vec<_> = Stock::all().map(Stock::as_str).collect();
    assert_eq!(
        description["components"]["parameters"]["Stock"]["schema"]["enum"],
        json!(stocks)
    );
    let metrics: Vec<_> = Metric::ALL
        .iter()
        .map(|m| m.slug())
        .chain(Metric::ALL.iter().map(|m| m.key()))
        .collect();
    assert_eq!(
        description["paths"]["/{stock}/{metric}"]["parameters"][1]["schema"]["enum"],
        json!(metrics)
    );
}

#[tokio::test]
async fn every_answer_is_described() {
    let description = description();
    let log = Arc::new(MemoryPublisher::new());
    let clock = Arc::new(|| "2026-11-05T09:08:07Z".parse().unwrap());
    let context = Context::new(log.clone(), Arc::new(Simulated::default()), clock);
    for failing in [false, true] {
        log.set_failing(failing);
        for (method, path, template) in [
            ("GET", "/", "/"),
            ("GET", "/GOOG", "/{stock}"),
            ("GET", "/NOPE", "/{stock}"),
            ("GET", "/GOOG/mean-price", "/{stock}/{metric}"),
            ("GET", "/GOOG/median", "/{stock}/{metric}"),
            ("POST", "/GOOG/buy/1", "/{stock}/{action}/{quantity}"),
            ("POST", "/GOOG/buy/0", "/{stock}/{action}/{quantity}"),
            ("POST", "/GOOG/hold/1", "/{stock}/{action}/{quantity}"),
            ("GET", "/health", "/health"),
            ("GET", "/openapi.json", "/openapi.json"),
        ] {
            let request = http::Request::builder()
                .method(method)
                .uri(path)
                .body(Body::Empty)
                .unwrap();
            let answer = handle(request, &context).await.unwrap();
            let operation = &description["paths"][template][method.to_lowercase()];
            assert_described(&description, operation, &answer, path);
        }
    }
}
