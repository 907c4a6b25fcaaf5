//! The form that edits holdings: saved by the rules of PUT, refused field by field, and from our own pages alone.

use http::Method;
use serde_json::json;

use super::lakes::{Function, Got};

const OURS: [(&str, &str); 2] = [
    ("content-type", "application/x-www-form-urlencoded"),
    ("sec-fetch-site", "same-origin"),
];

async fn post(function: &Function, headers: &[(&str, &str)], body: &str) -> Got {
    function
        .send(Method::POST, "/portfolios/1.2", headers, body)
        .await
}

#[tokio::test]
async fn a_form_that_was_sent_is_what_the_api_then_tells() {
    let function = Function::start().await;
    let body = "shares.IBM=1%2C500&shares.HPQ=+20+&shares.AMZN=0&shares.FB=&active=true";
    let got = post(&function, &OURS, body).await;
    assert_eq!(got.status, 303, "{}", got.text());
    assert_eq!(got.header("location"), "/portfolios/1.2?saved=holdings");
    let told = function.get("/api/portfolios/1.2").await.ok();
    assert_eq!(told["holdings"], json!({"HPQ": 20, "IBM": 1500}));
    assert_eq!(told["active"], true);
    let page = function.get(got.header("location")).await;
    assert!(page.text().contains("The next window uses these holdings"));

    // A box that is not ticked is not sent.
    assert_eq!(post(&function, &OURS, "shares.IBM=1").await.status, 303);
    assert_eq!(
        function.get("/api/portfolios/1.2").await.ok()["active"],
        false
    );
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_its_field_and_nothing_is_saved() {
    let function = Function::start().await;
    let before = function.get("/api/portfolios/1.2").await.ok();
    let body = "shares.IBM=many&shares.HPQ=1000000001&shares.FB=-1&shares.AMD=5&active=true";
    let got = post(&function, &OURS, body).await;
    assert_eq!(got.status, 422);
    let text = got.text();
    for part in [
        "3 of the fields",
        "aria-describedby=\"error-IBM\"",
        "id=\"error-IBM\">&#34;many&#34; is not a whole number of shares",
        "id=\"error-HPQ\">the quantity of HPQ is from 1 to 1000000000, not 1000000001",
        "id=\"error-FB\"",
        "value=\"many\"",
        "value=\"5\"",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("error-AMD"));
    let empty = post(&function, &OURS, "active=true").await;
    assert_eq!(empty.status, 422);
    assert!(empty.text().contains("holds at least one ticker"));
    let attack = post(
        &function,
        &OURS,
        "shares.IBM=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    )
    .await;
    assert_eq!(attack.status, 422);
    assert!(!attack.text().contains("<script>"));
    assert_eq!(function.get("/api/portfolios/1.2").await.ok(), before);
}

#[tokio::test]
async fn other_sites_other_bodies_and_other_portfolios_are_refused() {
    let function = Function::start().await;
    let before = function.get("/api/portfolios/1.2").await.ok();
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
    ] {
        let headers = [OURS[0], (name, value)];
        post(&function, &headers, "shares.IBM=1").await.problem(403);
    }
    let json = [("content-type", "application/json")];
    post(&function, &json, "{}").await.problem(415);
    function
        .send(Method::POST, "/portfolios/8.8", &OURS, "shares.IBM=1")
        .await
        .problem(404);
    assert_eq!(function.get("/api/portfolios/1.2").await.ok(), before);
}
