//! Parameters in the body of a POST.

use lambda_http::Body;
use serde_json::json;

use crate::fixture::{Api, body, problem};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

#[tokio::test]
async fn a_form_or_json_says_what_the_query_string_would() {
    for (media, sent) in [
        (FORM, "userid=O%27Brien+II&n=3"),
        (
            "application/x-www-form-urlencoded; charset=UTF-8",
            "n=3&userid=O'Brien%20II&other=1",
        ),
        (JSON, r#"{"userid": "O'Brien II", "n": 3}"#),
        // As `curl -d` sends it.
        (FORM, r#"{"userid": "O'Brien II", "n": 3}"#),
        (
            "Application/JSON; charset=utf-8",
            r#" {"n": "3", "userid": "O'Brien II", "other": [1]} "#,
        ),
        (
            "application/vnd.game+json",
            r#"{"n": 3.0, "userid": "O\u0027Brien II"}"#,
        ),
    ] {
        let api = Api::new();
        let answer = api.post("/purchase_a_sword/", media, sent).await;
        assert_eq!(
            body(&answer),
            "USER O'Brien II: 3  Sword(s) Purchased!",
            "{media}"
        );
        assert_eq!(api.last()["amount_purchased"], 3);
        assert_eq!(api.last()["Content-Type"], media);
    }
    let api = Api::new();
    api.post(
        "/join_guild",
        JSON,
        r#"{"userid": 7, "guild_name": "Ritter der Kokosnuß 🥥"}"#,
    )
    .await;
    assert_eq!(api.last()["userid"], "7");
    assert_eq!(api.last()["guild_name"], "Ritter der Kokosnuß 🥥");
    for (number, digits) in [
        ("-9007199254740991", "-9007199254740991"),
        ("-0.0", "0"),
        ("0", "0"),
        ("12e2", "1200"),
    ] {
        let member = format!(r#"{{"userid": {number}}}"#);
        api.post("/take_potion", JSON, &member).await;
        assert_eq!(api.last()["userid"], digits);
    }
}

#[tokio::test]
async fn the_body_wins_over_the_query_string() {
    let api = Api::new();
    let answer = api
        .post("/take_potion/?userid=query&n=2", FORM, "n=4")
        .await;
    assert_eq!(body(&answer), "USER query: 4  Potion(s) Used!");
    assert_eq!(api.last()["health"], 40);
    let answer = api
        .post(
            "/take_potion/?userid=query&n=6",
            JSON,
            r#"{"n": 5, "userid": "body"}"#,
        )
        .await;
    assert_eq!(body(&answer), "USER body: 5  Potion(s) Used!");
    problem(
        &api.post("/take_potion/?n=2", JSON, r#"{"n": 0}"#).await,
        422,
    );
    // Wrong is wrong, even where the body would have won.
    problem(&api.post("/take_potion/?n=bad", FORM, "n=4").await, 422);
    problem(
        &api.post("/take_potion/?userid=", FORM, "userid=4").await,
        422,
    );
    assert_eq!(api.events().len(), 2);
}

#[tokio::test]
async fn a_body_without_parameters_is_fine() {
    let api = Api::new();
    for (headers, sent) in [
        (&[][..], ""),
        (&[("content-type", JSON)][..], ""),
        (&[("content-type", JSON)][..], "{}"),
        (&[("content-type", JSON)][..], "\n"),
        (&[("content-type", FORM)][..], ""),
        (&[("content-type", "text/plain")][..], ""),
        (&[][..], "{}\n"),
    ] {
        let sent = Body::Text(sent.to_owned());
        let answer = api
            .send("POST", "/purchase_a_shield/?n=2", headers, sent)
            .await;
        assert_eq!(body(&answer), "2  Shield(s) Purchased!", "{headers:?}");
    }
    assert_eq!(api.events().len(), 7);
}

#[tokio::test]
async fn binary_bodies_are_read_as_well() {
    let api = Api::new();
    let sent = Body::Binary(b"n=9".to_vec());
    let answer = api
        .send(
            "POST",
            "/purchase_a_potion",
            &[("content-type", FORM)],
            sent,
        )
        .await;
    assert_eq!(body(&answer), "USER 001: 9  Potion(s) Purchased!");
}

#[tokio::test]
async fn a_get_has_no_body() {
    let api = Api::new();
    let sent = Body::Text("n=9".to_owned());
    let answer = api
        .send("GET", "/purchase_a_potion", &[("content-type", FORM)], sent)
        .await;
    assert_eq!(body(&answer), "USER 001: 1  Potion(s) Purchased!");
}

#[tokio::test]
async fn other_types_are_415_with_those_that_are_read() {
    let api = Api::new();
    for (media, sent) in [
        ("text/plain", "n=3"),
        ("image/png", "x"),
        ("multipart/form-data; boundary=x", "--x--"),
        ("", "n=3"),
    ] {
        let problem = problem(&api.post("/purchase_a_sword", media, sent).await, 415);
        assert_eq!(problem["accepted"], json!([FORM, JSON]));
    }
    assert_eq!(api.events(), []);
}

#[tokio::test]
async fn what_cannot_be_read_is_a_problem() {
    let api = Api::new();
    for (media, sent, status) in [
        (JSON, "{", 400),
        (JSON, "n=3", 400),
        (JSON, "{} {}", 400),
        (JSON, r#"{"n": 1e999}"#, 422),
        (JSON, r#"{"n": -1e999}"#, 422),
        (JSON, r#"{"n": 1e}"#, 400),
        (JSON, "1e999", 400),
        (JSON, r#"{"userid": "\ud800"}"#, 400),
        (JSON, "[]", 422),
        (JSON, "null", 422),
        (JSON, "\"n\"", 422),
        (JSON, r#"{"n": null}"#, 422),
        (JSON, r#"{"n": true}"#, 422),
        (JSON, r#"{"n": [1]}"#, 422),
        (JSON, r#"{"n": 1.5}"#, 422),
        (JSON, r#"{"n": -1}"#, 422),
        (JSON, r#"{"userid": {}}"#, 422),
        (JSON, r#"{"userid": 9007199254740992}"#, 422),
        (JSON, r#"{"userid": 18446744073709551615}"#, 422),
        (JSON, r#"{"userid": -9007199254740993}"#, 422),
        (JSON, r#"{"userid": ""}"#, 422),
        (JSON, r#"{"userid": "a\u0000b"}"#, 422),
        (FORM, "n=%", 422),
        (FORM, "n=1&n=2", 422),
        (FORM, "userid=%FF", 422),
        (FORM, r#"{"n": 0}"#, 422),
        (FORM, "{", 400),
    ] {
        let problem = problem(&api.post("/purchase_a_sword", media, sent).await, status);
        assert!(problem["detail"].as_str().unwrap().len() < 200, "{problem}");
    }
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    problem(&api.post("/purchase_a_sword", JSON, &deep).await, 400);
    let bytes = Body::Binary(b"{\"userid\": \"\xff\"}".to_vec());
    let headers = [("content-type", JSON)];
    problem(
        &api.send("POST", "/purchase_a_sword", &headers, bytes).await,
        400,
    );
    assert_eq!(api.events(), []);
}
