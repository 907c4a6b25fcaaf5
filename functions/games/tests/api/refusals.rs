//! Calls that are not granted: a problem, and no event.

use serde_json::json;

use crate::fixture::{Api, MOVES, problem};

#[tokio::test]
async fn an_amount_out_of_bounds_is_422() {
    let api = Api::new();
    for n in [
        "0",
        "-1",
        "ten",
        "1.5",
        "%2B1",
        "",
        "%20",
        "1000001",
        "99999999999999999999",
        "1&n=1",
        "٣",
    ] {
        for route in ["/purchase_a_sword/", "/purchase_a_potion", "/take_potion/"] {
            for method in ["GET", "POST"] {
                let answer = api.call(method, &format!("{route}?n={n}")).await;
                assert_eq!(problem(&answer, 422)["parameter"], "n", "{n:?}");
            }
        }
    }
    let told = problem(&api.get("/take_potion?n=1000001").await, 422);
    assert_eq!(
        (&told["minimum"], &told["maximum"]),
        (&json!(1), &json!(1_000_000))
    );
    assert_eq!(api.events(), []);
    assert_eq!(api.get("/take_potion?n=1000000").await.status(), 200);
    assert_eq!(api.last()["health"], 10_000_000);
}

#[tokio::test]
async fn a_text_that_does_not_print_or_is_too_long_is_422() {
    let api = Api::new();
    let long = "%C3%A9".repeat(129);
    for bad in [
        "",
        "a%00b",
        "a%0Ab",
        "%7F",
        "%C2%85",
        "%E2%80%AE",
        "%FF",
        "%C3",
        &long,
        "a&userid=b",
    ] {
        for (route, _) in MOVES {
            let answer = api.get(&format!("{route}?userid={bad}")).await;
            problem(&answer, 422);
        }
        let answer = api
            .get(&format!(
                "/join_guild?guild_name={}",
                bad.replace("userid", "guild_name")
            ))
            .await;
        problem(&answer, 422);
        if !bad.is_empty() && !bad.contains('&') {
            problem(&api.call("POST", &format!("/purchase/{bad}")).await, 422);
        }
    }
    assert_eq!(api.events(), []);
    let longest = "%C3%A9".repeat(128);
    assert_eq!(
        api.get(&format!("/level_up?userid={longest}"))
            .await
            .status(),
        200
    );
    assert_eq!(api.last()["userid"], "é".repeat(128));
}

#[tokio::test]
async fn what_is_not_there_is_404_with_the_routes() {
    let api = Api::new();
    for path in [
        "/nope",
        "/purchase",
        "/purchase/",
        "/purchase/a/b",
        "/purchase_a_sword/now",
        "/Level_Up",
        "//level_up",
        "/%FF",
        "/../etc/passwd",
    ] {
        for method in ["GET", "POST", "DELETE"] {
            let problem = problem(&api.call(method, path).await, 404);
            assert_eq!(problem["routes"].as_array().unwrap().len(), 14, "{path}");
        }
    }
    assert_eq!(api.events(), []);
}

#[tokio::test]
async fn a_wrong_method_is_405_with_the_right_ones() {
    let api = Api::new();
    let both = "GET, HEAD, POST";
    let read = "GET, HEAD";
    let large = MOVES.map(|(route, post)| (route, if post { both } else { read }));
    let others = [
        ("/", read),
        ("/health", read),
        ("/openapi.json", read),
        ("/purchase/sword", both),
        ("/join_a_guild", both),
    ];
    for (route, allowed) in large.into_iter().chain(others) {
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
            if allowed.contains(method) {
                continue;
            }
            let answer = api.call(method, route).await;
            problem(&answer, 405);
            assert_eq!(answer.headers()["allow"], allowed, "{method} {route}");
        }
    }
    assert_eq!(api.events(), []);
}

#[tokio::test]
async fn an_event_that_is_not_stored_is_503_with_a_time_to_come_again() {
    let api = Api::new();
    api.log.set_failing(true);
    for (route, _) in MOVES.into_iter().chain([
        ("/", false),
        ("/purchase/sword", true),
        ("/join_a_guild", true),
    ]) {
        let answer = api.get(route).await;
        problem(&answer, 503);
        assert_eq!(answer.headers()["retry-after"], "5");
    }
    assert_eq!(api.get("/health").await.status(), 200);
    problem(&api.get("/level_up?userid=").await, 422);
    api.log.set_failing(false);
    assert_eq!(api.get("/level_up").await.status(), 200);
    assert_eq!(api.events().len(), 1);
}
