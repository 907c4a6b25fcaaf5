//! Systems 1 to 3: what analysts ask, by name, over events that users have just made.

use reqwest::Method;
use serde_json::{Value, json};
use tests::http::{client, get, post, send};
use tests::load;
use tests::stack::Stack;

/// Rows of a question.
async fn answer(stack: &Stack, slug: &str) -> Vec<Value> {
    let answer = get(format!("{}/api/questions/{slug}", stack.run.lake)).await;
    assert_eq!(answer.status, 200, "{slug}: {}", answer.text());
    answer.json()["rows"].as_array().unwrap().clone()
}

async fn purchase(stack: &Stack, item: &str, host: &str) {
    let request = client().get(format!("{}/purchase/{item}", stack.run.games));
    assert_eq!(send(request.header("Host", host)).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_what_users_have_done() {
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    let listed = get(format!("{}/api/questions", stack.run.lake))
        .await
        .json();
    let listed = listed["questions"].as_array().unwrap();
    for question in listed {
        answer(&stack, question["slug"].as_str().unwrap()).await;
    }

    let (stocks, games) = (&stack.run.stocks, &stack.run.games);
    load::run(Method::GET, &format!("{stocks}/GOOG"), 7, 2, 200).await;
    load::run(Method::GET, &format!("{stocks}/AMD"), 2, 2, 200).await;
    for (stock, action, quantity) in [("AMZN", "buy", 10), ("TSLA", "buy", 3), ("AMZN", "buy", 5)] {
        assert_eq!(
            post(format!("{stocks}/{stock}/{action}/{quantity}"))
                .await
                .status,
            201
        );
    }
    for (item, host) in [
        ("sword", "user1.comcast.com"),
        ("sword", "user2.comcast.com"),
        ("sword", "user3.att.com"),
        ("helmet", "shop.example.org"),
    ] {
        purchase(&stack, item, host).await;
    }
    for path in [
        "purchase_a_sword/?userid=7&n=3",
        "purchase_a_potion/?userid=7&n=20",
        "purchase_a_sword?userid=8",
        "take_potion/?userid=7&n=3",
        "take_potion/?userid=8&n=2",
        "enemy_attack/?userid=7",
        "enemy_attack/?userid=7",
        "enemy_attack/?userid=9",
        "join_guild/?userid=7",
        "join_guild/?userid=8",
        "join_guild/?userid=7",
    ] {
        assert_eq!(get(format!("{games}/{path}")).await.status, 200, "{path}");
    }
    for (table, rows) in [
        ("stock_call", 9),
        ("stock_operation", 3),
        ("events", 4),
        ("game_events", 11),
    ] {
        stack
            .sql_until(&format!("SELECT COUNT(*) AS n FROM {table}"), |found| {
                found[0]["n"] == rows
            })
            .await;
    }

    assert_eq!(
        answer(&stack, "most-checked-stock").await,
        [json!({"stock_name": "GOOG", "query_count": 7})]
    );
    let most = answer(&stack, "most-purchased-stock").await;
    assert_eq!(
        (&most[0]["stock_name"], &most[0]["shares"]),
        (&json!("AMZN"), &json!(15))
    );
    assert_eq!(
        answer(&stack, "purchases-by-type").await,
        [
            json!({"event_type": "sword purchased", "purchase_count": 3}),
            json!({"event_type": "helmet purchased", "purchase_count": 1}),
        ]
    );
    assert_eq!(
        answer(&stack, "purchases-by-provider").await,
        [
            json!({"host_provider": "comcast", "event_type": "sword purchased", "purchase_count": 2}),
            json!({"host_provider": "att", "event_type": "sword purchased", "purchase_count": 1}),
            json!({"host_provider": null, "event_type": "helmet purchased", "purchase_count": 1}),
        ]
    );
    assert_eq!(
        answer(&stack, "amount-per-purchase-type").await,
        [
            json!({"event_type": "purchase_potion", "amount": 20, "spent": 100}),
            json!({"event_type": "purchase_sword", "amount": 4, "spent": 400}),
        ]
    );
    assert_eq!(
        answer(&stack, "most-potions-used").await,
        [
            json!({"userid": "7", "potions_used": 3, "times": 1}),
            json!({"userid": "8", "potions_used": 2, "times": 1}),
        ]
    );
    assert_eq!(
        answer(&stack, "users-attacked").await,
        [json!({"users_attacked": 2})]
    );
    assert_eq!(answer(&stack, "members-per-guild").await[0]["members"], 2);
    for question in listed {
        let page = get(format!(
            "{}/questions/{}",
            stack.run.lake,
            question["slug"].as_str().unwrap()
        ))
        .await;
        assert_eq!(page.status, 200, "{}", page.text());
    }
}
