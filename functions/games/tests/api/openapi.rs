//! The description of the API says what the API does.

use std::collections::BTreeSet;

use domain::games::{Amount, Text};
use lambda_http::Body;
use serde_json::Value;

use crate::described::{assert_described, assert_whole};
use crate::fixture::Api;

fn description() -> Value {
    serde_json::from_str(include_str!("../../openapi.json")).unwrap()
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    assert_whole(&description());
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
