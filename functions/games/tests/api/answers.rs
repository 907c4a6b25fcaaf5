//! Calls that are granted: their answers to the letter, and their events.

use lambda_http::Body;
use serde_json::{Value, json};

use crate::fixture::{Api, MOVES, body};

/// Route, query, answer, and the event beside its userid.
fn moves() -> [(&'static str, &'static str, &'static str, Value); 9] {
    [
        (
            "/purchase_a_sword",
            "userid=7&n=3",
            "USER 7: 3  Sword(s) Purchased!",
            json!({"event_type": "purchase_sword", "description": "very sharp steel sword",
                   "item_type": "sword", "amount_purchased": 3, "price": 100}),
        ),
        (
            "/purchase_a_shield",
            "userid=7&n=3",
            "3  Shield(s) Purchased!",
            json!({"event_type": "purchase_shield", "description": "very solid protective shield",
                   "item_type": "shield", "amount_purchased": 3, "price": 50}),
        ),
        (
            "/purchase_a_potion",
            "userid=7&n=3",
            "USER 7: 3  Potion(s) Purchased!",
            json!({"event_type": "purchase_potion", "description": "mystical potion with healing powers",
                   "item_type": "potion", "amount_purchased": 3, "price": 5}),
        ),
        (
            "/join_guild",
            "userid=7&guild_name=Castle+of%20Rock",
            "Joined Castle of Rock Guild!",
            json!({"event_type": "join_guild", "description": "a very large guild", "guild_name": "Castle of Rock"}),
        ),
        (
            "/find_treasure",
            "userid=7",
            "USER 7: Treasure Found!",
            json!({"event_type": "find_treasure", "description": "a small treasure chest of jewels and gold"}),
        ),
        (
            "/enemy_attack",
            "userid=7",
            "USER 7: An enemy attacked!",
            json!({"event_type": "enemy_attack", "description": "an enemy surprise attack reduces health"}),
        ),
        (
            "/defeat_enemy",
            "userid=7",
            "7: Enemy defeated!",
            json!({"event_type": "defeat_enemy", "description": "the enemy lost the battle"}),
        ),
        (
            "/take_potion",
            "userid=7&n=3",
            "USER 7: 3  Potion(s) Used!",
            json!({"event_type": "take_potion", "description": "potion returned some health points",
                   "level": 0, "attack": 0, "defense": 0, "health": 30}),
        ),
        (
            "/level_up",
            "userid=7",
            "USER 7: Leveled Up!",
            json!({"event_type": "level_up", "description": "an increase in player level, attack, and defense",
                   "level": 1, "attack": 200, "defense": 175, "health": 100}),
        ),
    ]
}

#[tokio::test]
async fn every_move_answers_to_the_letter_and_is_an_event() {
    for ((route, query, answer, event), (same, post)) in moves().into_iter().zip(MOVES) {
        assert_eq!(route, same);
        let mut event = event;
        event["userid"] = json!("7");
        let methods: &[&str] = if post { &["GET", "POST"] } else { &["GET"] };
        for method in methods {
            for path in [format!("{route}?{query}"), format!("{route}/?{query}")] {
                let api = Api::new();
                let response = api.call(method, &path).await;
                assert_eq!(response.status(), 200, "{path}");
                assert_eq!(body(&response), answer, "{method} {path}");
                let headers = response.headers();
                assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
                assert_eq!(headers["x-content-type-options"], "nosniff");
                let expected = ("game_events".to_owned(), "7".to_owned(), event.clone());
                assert_eq!(api.events(), [expected], "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_given_has_its_default() {
    for (path, answer) in [
        ("/purchase_a_sword/", "USER 001: 1  Sword(s) Purchased!"),
        ("/purchase_a_shield/", "1  Shield(s) Purchased!"),
        ("/purchase_a_potion/", "USER 001: 1  Potion(s) Purchased!"),
        ("/join_guild/", "Joined Knights of the Round Table Guild!"),
        ("/find_treasure/", "USER 001: Treasure Found!"),
        ("/enemy_attack/", "USER 001: An enemy attacked!"),
        ("/defeat_enemy/", "001: Enemy defeated!"),
        ("/take_potion/", "USER 001: 1  Potion(s) Used!"),
        ("/level_up/", "USER 001: Leveled Up!"),
    ] {
        let api = Api::new();
        assert_eq!(body(&api.get(path).await), answer);
        assert_eq!(api.last()["userid"], "001", "{path}");
    }
    let api = Api::new();
    api.get("/take_potion").await;
    assert_eq!(api.last()["health"], 10);
    api.get("/join_guild").await;
    assert_eq!(api.last()["guild_name"], "Knights of the Round Table");
}

#[tokio::test]
async fn the_root_is_the_large_games_default() {
    let api = Api::new();
    for path in ["/", "/?userid=7&n=0"] {
        assert_eq!(body(&api.get(path).await), "This is the default response!");
    }
    let event = (
        "game_events".to_owned(),
        "default".to_owned(),
        json!({"event_type": "default"}),
    );
    assert_eq!(api.events(), [event.clone(), event]);
}

#[tokio::test]
async fn the_small_game_sells_anything_and_has_one_guild() {
    let api = Api::new();
    let host = [("host", "user7.comcast.com")];
    for (method, path, answer, event_type) in [
        (
            "GET",
            "/purchase/sword",
            "sword Purchased!\n",
            "sword purchased",
        ),
        (
            "POST",
            "/purchase/gauntlet/",
            "gauntlet Purchased!\n",
            "gauntlet purchased",
        ),
        (
            "GET",
            "/purchase/a%2Fb%20%22c%22",
            "a/b \"c\" Purchased!\n",
            "a/b \"c\" purchased",
        ),
        ("GET", "/join_a_guild", "Joined guild.\n", "join_guild"),
        ("POST", "/join_a_guild/", "Joined guild.\n", "join_guild"),
    ] {
        let response = api.send(method, path, &host, Body::Empty).await;
        assert_eq!((response.status().as_u16(), body(&response)), (200, answer));
        let event = json!({"event_type": event_type, "Host": "user7.comcast.com"});
        assert_eq!(
            api.events().pop().unwrap(),
            ("events".into(), "user7.comcast.com".into(), event)
        );
    }
    // Whatever is in the body, this game has no parameters.
    assert_eq!(
        api.post("/join_a_guild", "image/png", "x").await.status(),
        200
    );
}

#[tokio::test]
async fn events_carry_the_callers_headers_and_no_secret() {
    let api = Api::new();
    let headers = [
        ("host", "user-007.comcast.com"),
        ("user-agent", "ab"),
        ("x-campaign", "spring"),
        ("price", "0"),
        ("userid", "evil"),
        ("cookie", "s3cret"),
        ("authorization", "s3cret"),
        ("x-amz-date", "s3cret"),
    ];
    api.send("GET", "/purchase_a_potion?userid=7", &headers, Body::Empty)
        .await;
    assert_eq!(
        api.last(),
        json!({"event_type": "purchase_potion", "userid": "7", "description": "mystical potion with healing powers",
               "item_type": "potion", "amount_purchased": 1, "price": 5,
               "Host": "user-007.comcast.com", "User-Agent": "ab", "X-Campaign": "spring"})
    );
}

#[tokio::test]
async fn head_follows_get_and_is_no_event() {
    let api = Api::new();
    for path in [
        "/",
        "/purchase_a_sword/?n=2",
        "/level_up",
        "/purchase/sword",
        "/health",
    ] {
        let response = api.call("HEAD", path).await;
        assert_eq!(
            (response.status().as_u16(), body(&response)),
            (200, ""),
            "{path}"
        );
    }
    let bad = api.call("HEAD", "/purchase_a_sword/?n=0").await;
    assert_eq!((bad.status().as_u16(), body(&bad)), (422, ""));
    assert_eq!(api.events(), []);
}

#[tokio::test]
async fn health_and_description_are_no_events() {
    let api = Api::new();
    assert_eq!(body(&api.get("/health").await), r#"{"status":"ok"}"#);
    let description = api.get("/openapi.json/").await;
    assert_eq!(description.headers()["content-type"], "application/json");
    let description: Value = serde_json::from_str(body(&description)).unwrap();
    assert_eq!(description["openapi"], "3.1.0");
    assert_eq!(api.events(), []);
}
