//! Whatever a player is called comes back as it was sent, or is refused.

use lambda_http::Body;
use proptest::prelude::*;
use serde_json::json;

use crate::fixture::{Api, body};

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(future)
}

const ATTACKS: [&str; 10] = [
    "'; DROP TABLE game_events; --",
    "\" OR \"\"=\"",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "=HYPERLINK(\"http://evil\",\"x\")",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "../../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "{{7*7}}${7*7}%00\\u0000",
    "\",\"event_type\":\"level_up\",\"x\":\"",
];

#[tokio::test]
async fn attacks_are_texts_like_others() {
    for attack in ATTACKS {
        let api = Api::new();
        let text = encoded(attack);
        let answer = api.get(&format!("/defeat_enemy?userid={text}")).await;
        assert_eq!(body(&answer), format!("{attack}: Enemy defeated!"));
        assert_eq!(api.last()["userid"], attack);
        assert_eq!(api.last()["event_type"], "defeat_enemy");
        api.post(
            "/join_guild",
            "application/json",
            &json!({"guild_name": attack}).to_string(),
        )
        .await;
        assert_eq!(api.last()["guild_name"], attack);
        let answer = api.get(&format!("/purchase/{text}")).await;
        assert_eq!(body(&answer), format!("{attack} Purchased!\n"));
        assert_eq!(api.last()["event_type"], format!("{attack} purchased"));
        api.send("GET", "/level_up", &[("host", attack)], Body::Empty)
            .await;
        assert_eq!(api.last()["Host"], attack);
        assert_eq!(api.events().len(), 4);
    }
}

proptest! {
    #[test]
    fn printable_text_comes_back_however_it_is_sent(text in "\\PC{1,128}") {
        prop_assume!(!text.contains(['\u{2028}', '\u{2029}']));
        let api = Api::new();
        run(async {
            let answer = api.get(&format!("/level_up?userid={}", encoded(&text))).await;
            assert_eq!(body(&answer), format!("USER {text}: Leveled Up!"));
            let form = format!("guild_name={}", encoded(&text));
            api.post("/join_guild", "application/x-www-form-urlencoded", &form).await;
            assert_eq!(api.last()["guild_name"], text);
            let member = json!({"userid": text}).to_string();
            api.post("/take_potion", "application/json", &member).await;
            let answer = api.get(&format!("/purchase/{}", encoded(&text))).await;
            assert_eq!(body(&answer), format!("{text} Purchased!\n"));
        });
        let events = api.events();
        prop_assert_eq!(events.len(), 4);
        prop_assert_eq!(&events[0].2["userid"], &json!(text));
        prop_assert_eq!(&events[2].1, &text);
        prop_assert_eq!(&events[3].2["event_type"], &json!(format!("{text} purchased")));
    }

    #[test]
    fn no_bytes_bring_the_api_down(query in "[ -~]{0,60}", sent in prop::collection::vec(any::<u8>(), 0..60)) {
        let api = Api::new();
        let path = format!("/purchase_a_sword/?{}", query.replace(['#', '<', '>', '"', ' ', '`', '\\', '^', '{', '|', '}'], ""));
        for media in ["application/json", "application/x-www-form-urlencoded", "text/plain"] {
            let answer = run(api.send("POST", &path, &[("content-type", media)], Body::Binary(sent.clone())));
            prop_assert!([200, 400, 415, 422].contains(&answer.status().as_u16()), "{}", answer.status());
        }
    }
}
