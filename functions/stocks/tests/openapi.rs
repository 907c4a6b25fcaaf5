//! The description of the API says what the API does.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::BTreeSet;
use std::sync::Arc;

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

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            found.extend(
                members
                    .get("$ref")
                    .map(|reference| reference.as_str().unwrap().to_owned()),
            );
            members
                .values()
                .for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    let description = description();
    let mut found = BTreeSet::new();
    references(&description, &mut found);
    for reference in &found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(description.pointer(pointer).is_some(), "{reference}");
    }
    for (kind, components) in description["components"].as_object().unwrap() {
        for name in components.as_object().unwrap().keys() {
            assert!(
                found.contains(&format!("#/components/{kind}/{name}")),
                "{kind}/{name} is not used"
            );
        }
    }
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
            let mut response = &operation["responses"][answer.status().as_str()];
            if let Some(reference) = response["$ref"].as_str() {
                response = description.pointer(&reference[1..]).unwrap();
            }
            let content_type = answer.headers()["content-type"]
                .to_str()
                .unwrap()
                .split(';')
                .next()
                .unwrap();
            assert!(
                response["content"][content_type].is_object(),
                "{method} {path}: {} {content_type}",
                answer.status()
            );
            assert_shape(
                &description,
                &response["content"][content_type]["schema"],
                answer.body(),
            );
        }
    }
}

/// The required members are there, and where no others may be, there are no others.
fn assert_shape(description: &Value, schema: &Value, body: &Body) {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => description.pointer(&reference[1..]).unwrap(),
        None => schema,
    };
    let Some(required) = schema["required"].as_array() else {
        return;
    };
    let answer: Value = serde_json::from_slice(body.as_ref()).unwrap();
    for member in required {
        assert!(
            answer.get(member.as_str().unwrap()).is_some(),
            "{member} in {answer}"
        );
    }
    if schema["additionalProperties"] == json!(false) {
        for member in answer.as_object().unwrap().keys() {
            assert!(
                schema["properties"].get(member).is_some(),
                "{member} is not described"
            );
        }
    }
}
