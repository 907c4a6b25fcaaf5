//! Forms that make a portfolio and take one away: by the rules of the API, asked once more, from our own pages alone.

use http::Method;
use lake::Table;
use serde_json::json;

use super::lakes::{Function, Got, evaluation};

const OURS: [(&str, &str); 2] = [
    ("content-type", "application/x-www-form-urlencoded"),
    ("sec-fetch-site", "same-origin"),
];

async fn post(function: &Function, path: &str, body: &str) -> Got {
    function.send(Method::POST, path, &OURS, body).await
}

#[tokio::test]
async fn a_portfolio_is_made_by_a_form() {
    let function = Function::start().await;
    let body = "investor=4&portfolio=+1+&shares.IBM=1%2C000&shares.HPQ=&active=true";
    let got = post(&function, "/portfolios/new", body).await;
    assert_eq!(got.status, 303, "{}", got.text());
    assert_eq!(got.header("location"), "/portfolios/4.1?created=portfolio");
    let page = function.get(got.header("location")).await;
    assert!(page.text().contains("valued from the next window on"));
    let told = function.get("/api/portfolios/4.1").await.ok();
    let expected =
        json!({"investor": 4, "portfolio": 1, "holdings": {"IBM": 1000}, "active": true});
    assert_eq!(told, expected);

    // Nobody's holdings are written over by who meant another number.
    let again = post(
        &function,
        "/portfolios/new",
        "investor=4&portfolio=1&shares.AMD=5",
    )
    .await;
    assert_eq!(again.status, 422);
    assert!(again.text().contains("There is a portfolio 4.1 already"));
    assert!(again.text().contains("value=\"5\""));
    assert_eq!(function.get("/api/portfolios/4.1").await.ok(), expected);
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_its_field_and_nothing_is_made() {
    let function = Function::start().await;
    let before = function.get("/api/portfolios").await.ok();
    for (body, parts) in [
        (
            "investor=0&portfolio=2147483648&shares.IBM=1",
            &[
                "id=\"error-investor\">the number of the investor is from 1 to 2147483647",
                "id=\"error-portfolio\">the number of the portfolio is from 1 to 2147483647",
                "value=\"2147483648\"",
            ][..],
        ),
        (
            "investor=%3Cscript%3E&shares.IBM=many",
            &[
                "value=\"&#60;script&#62;\"",
                "id=\"error-portfolio\"",
                "id=\"error-IBM\"",
            ],
        ),
        ("investor=4&portfolio=1", &["holds at least one ticker"]),
        ("", &["id=\"error-investor\""]),
    ] {
        let got = post(&function, "/portfolios/new", body).await;
        assert_eq!(got.status, 422, "{body}");
        for part in parts {
            assert!(got.text().contains(part), "{part} in {}", got.text());
        }
    }
    assert_eq!(function.get("/api/portfolios").await.ok(), before);
}

#[tokio::test]
async fn a_portfolio_is_deleted_by_who_says_so_twice() {
    let function = Function::start().await;
    function
        .commit(
            Table::Evaluations,
            0,
            &[evaluation("1.2", 20, 100_000, 0, 0)],
        )
        .await;
    let page = function.get("/portfolios/1.2").await;
    assert!(page.text().contains("href=\"/portfolios/1.2/delete\""));
    let question = function.get("/portfolios/1.2/delete").await;
    assert_eq!(question.status, 200);
    assert!(question.text().contains("Investor 1 holds 6 tickers"));
    assert_eq!(function.get("/api/portfolios/1.2").await.status, 200);

    let got = post(&function, "/portfolios/1.2/delete", "").await;
    assert_eq!(got.status, 303, "{}", got.text());
    let list = function.get(got.header("location")).await;
    assert!(list.text().contains("Portfolio 1.2 is deleted"));
    function.get("/api/portfolios/1.2").await.problem(404);
    assert_eq!(function.get("/portfolios/1.2").await.status, 200);
    post(&function, "/portfolios/1.2/delete", "")
        .await
        .problem(404);
    function.get("/portfolios/1.2/delete").await.problem(404);
    // Only what is so is said.
    let list = function.get("/portfolios?deleted=1.1").await;
    assert!(!list.text().contains("is deleted"));
}

#[tokio::test]
async fn other_sites_and_other_bodies_are_refused() {
    let function = Function::start().await;
    let before = function.get("/api/portfolios").await.ok();
    for path in ["/portfolios/new", "/portfolios/1.2/delete"] {
        let body = "investor=4&portfolio=1&shares.IBM=1";
        let elsewhere = [OURS[0], ("sec-fetch-site", "cross-site")];
        let send =
            |headers: &'static [(&str, &str)]| function.send(Method::POST, path, headers, body);
        function
            .send(Method::POST, path, &elsewhere, body)
            .await
            .problem(403);
        send(&[("content-type", "application/json")])
            .await
            .problem(415);
        let put = function.send(Method::PUT, path, &OURS, body).await;
        put.problem(405);
        assert_eq!(put.header("allow"), "GET, HEAD, POST");
    }
    assert_eq!(function.get("/api/portfolios").await.ok(), before);
}
