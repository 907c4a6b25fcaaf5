//! The description of the API says what the API does.

use std::collections::BTreeSet;

use domain::games::{Amount, Text};
use lambda_http::Body;
use serde_json::{Value, json};

use crate::fixture::Api;

fn description() -> Value {
    serde_json::from_str(include_str!("../../openapi.json")).unwrap()
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
fn the_bounds_are_those_of_the_domain() {
    let description = description();
    let schemas = &description["components"]["schemas"];
    assert_eq!(schemas["Text"]["maxLength"], Text::LONGEST);
    let amount = &description["components"]["parameters"]["n"]["schema"];
    assert_eq!(amount["minimum"], Amount::ONE.get());
    assert_eq!(amount["maximum"], Amount::MOST);
}

#[tokio::test]
async fn every_route_takes_the_methods_that_are_described() {
    let api = Api::new();
    for (path, item) in description()["paths"].as_object().unwrap() {
        let path = path.replace("{item}", "sword");
        let answer = api.call("DELETE", &path).await;
        let allow = answer.headers()["allow"].to_str().unwrap().to_lowercase();
        let allowed: BTreeSet<_> = allow.split(", ").filter(|m| *m != "head").collect();
        let described: BTreeSet<_> = item
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .filter(|key| *key != "parameters")
            .collect();
        assert_eq!(allowed, described, "{path}");
    }
}

#[tokio::test]
async fn every_answer_is_described() {
    let description = description();
    let api = Api::new();
    let paths = description["paths"].as_object().unwrap();
    for failing in [false, true] {
        api.log.set_failing(failing);
        for (template, item) in paths {
            for (method, operation) in item.as_object().unwrap() {
                if method == "parameters" {
                    continue;
                }
                let path = template.replace("{item}", "sword");
                let bad = template.replace("{item}", "%00");
                for (path, media, sent) in [
                    (path.clone(), "application/json", ""),
                    (format!("{bad}?userid=&n=0"), "application/json", ""),
                    (path.clone(), "application/json", "{"),
                    (path.clone(), "application/json", "[]"),
                    (path, "text/plain", "x"),
                ] {
                    let sent = Body::Text(sent.to_owned());
                    let headers = [("content-type", media)];
                    let answer = api
                        .send(&method.to_uppercase(), &path, &headers, sent)
                        .await;
                    assert_described(&description, operation, &answer, &path);
                }
            }
        }
    }
}

fn assert_described(
    description: &Value,
    operation: &Value,
    answer: &http::Response<Body>,
    path: &str,
) {
    let mut response = &operation["responses"][answer.status().as_str()];
    if let Some(reference) = response["$ref"].as_str() {
        response = description.pointer(&reference[1..]).unwrap();
    }
    let content_type = answer.headers()["content-type"].to_str().unwrap();
    let media = content_type.split(';').next().unwrap();
    assert!(
        response["content"][media].is_object(),
        "{path}: {} {media}",
        answer.status()
    );
    if media != "text/plain" {
        assert_shape(
            description,
            &response["content"][media]["schema"],
            answer.body(),
        );
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
