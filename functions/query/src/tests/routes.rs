//! Every route answers, and only by its methods.

use http::Method;
use serde_json::Value;

use super::lakes::Function;

const READS: [&str; 30] = [
    "/",
    "/prices",
    "/prices/IBM",
    "/portfolios",
    "/portfolios/new",
    "/portfolios/1.2",
    "/portfolios/1.2/delete",
    "/behaviour",
    "/cost",
    "/sql",
    "/assets/site.css",
    "/health",
    "/openapi.json",
    "/api/tables",
    "/api/tables/ticks",
    "/api/portfolios",
    "/api/portfolios/statistics",
    "/api/portfolios/1.2",
    "/api/portfolios/1.2/evaluations",
    "/api/questions",
    "/api/questions/users-attacked",
    "/questions",
    "/questions/users-attacked",
    "/api/reports",
    "/api/reports/player-standings",
    "/reports",
    "/reports/analytics",
    "/reports/player-standings",
    "/csv",
    "/csv/INVESTOR_1_PORTFOLIO_2.csv",
];

/// Those that take more methods.
const WRITES: [&str; 4] = [
    "/portfolios/new",
    "/portfolios/1.2",
    "/portfolios/1.2/delete",
    "/api/portfolios/1.2",
];

#[tokio::test]
async fn every_route_can_be_read_with_and_without_a_slash() {
    let function = Function::start().await;
    for path in READS {
        let got = function.get(path).await;
        assert_eq!(got.status, 200, "{path}: {}", got.text());
        let slash = function
            .get(&format!("{}/", path.trim_end_matches('/')))
            .await;
        assert_eq!(slash.status, 200, "{path}/");
        let head = function.send(Method::HEAD, path, &[], "").await;
        assert_eq!(head.status, 200, "{path}");
        assert!(head.body.is_empty());
        assert_eq!(head.header("content-type"), got.header("content-type"));
    }
}

#[tokio::test]
async fn other_methods_are_told_which_there_are() {
    let function = Function::start().await;
    for path in READS {
        if WRITES.contains(&path) {
            continue;
        }
        let got = function.send(Method::POST, path, &[], "").await;
        got.problem(405);
        assert_eq!(got.header("allow"), "GET, HEAD", "{path}");
    }
    let got = function
        .send(Method::PATCH, "/api/portfolios/1.2", &[], "")
        .await;
    got.problem(405);
    assert_eq!(got.header("allow"), "GET, HEAD, PUT, DELETE");
    let got = function.send(Method::PUT, "/portfolios/1.2", &[], "").await;
    got.problem(405);
    assert_eq!(got.header("allow"), "GET, HEAD, POST");
    let got = function.send(Method::DELETE, "/api/sql", &[], "").await;
    got.problem(405);
    assert_eq!(got.header("allow"), "GET, HEAD, POST");
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let function = Function::start().await;
    for path in [
        "/nope",
        "/api",
        "/api/nope",
        "/api/portfolios/9.9",
        "/api/portfolios/9.9/evaluations",
        "/api/portfolios/one",
        "/api/portfolios/1.2/nope",
        "/csv/INVESTOR_9_PORTFOLIO_9.csv",
        "/csv/INVESTOR_01_PORTFOLIO_2.csv",
        "/csv/../secret",
    ] {
        function.get(path).await.problem(404);
    }
    let problem = function.get("/api/tables/nope").await.problem(404);
    assert!(
        problem["tables"]
            .as_array()
            .unwrap()
            .contains(&"ticks".into())
    );
}

#[tokio::test]
async fn links_of_the_first_page_work() {
    let function = Function::start().await;
    let home = function.get("/").await;
    assert!(home.header("content-type").starts_with("text/html"));
    let links: Vec<&str> = home
        .text()
        .split("href=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert!(links.len() > 5);
    for link in links {
        // Where it leads within the page is the browser's business.
        let link = link.split('#').next().unwrap().replace("&#38;", "&");
        if !link.is_empty() {
            assert_eq!(function.get(&link).await.status, 200, "{link}");
        }
    }
}

#[tokio::test]
async fn the_description_names_every_route() {
    let function = Function::start().await;
    let described = function.get("/openapi.json").await.ok();
    assert_eq!(described["openapi"], "3.1.0");
    let paths = described["paths"].as_object().unwrap();
    for path in READS {
        let path = path
            .replace("1.2", "{id}")
            .replace("/ticks", "/{name}")
            .replace("site.css", "{name}")
            .replace("IBM", "{ticker}")
            .replace("users-attacked", "{slug}")
            .replace("player-standings", "{slug}")
            .replace("INVESTOR_1_PORTFOLIO_2.csv", "{file}");
        let path = if path == "/csv" {
            "/csv/"
        } else {
            path.as_str()
        };
        assert!(paths.contains_key(path), "{path}");
    }
    assert!(paths.contains_key("/api/sql"));
    assert_eq!(paths.len(), READS.len() + 1);
    references(&described, &described);
}

/// Every reference leads somewhere.
fn references(value: &Value, root: &Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(target)) = members.get("$ref") {
                let pointer = target.strip_prefix('#').unwrap();
                assert!(root.pointer(pointer).is_some(), "{target}");
            }
            members.values().for_each(|member| references(member, root));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, root)),
        _ => {}
    }
}
