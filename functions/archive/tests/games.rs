//! Events of the games as rows: typed, sparse, and open to fields that nobody has heard of.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::Arc;

use archive::handle;
use domain::games::{Amount, LargeGame, Move, SmallGame, Ware};
use lake::{MemoryStore, Store, Table};
use lambda_kit::kafka::BatchResponse;
use serde_json::Value;
use support::{batch, context, decoded, event, longs, record, stored, texts};
use wire::{Event as _, EventHeaders, GameEvent, event_headers};

fn some(text: &str) -> Vec<Option<String>> {
    vec![Some(text.to_owned())]
}

fn headers() -> EventHeaders {
    let headers = [
        ("host", "user-007.comcast.com"),
        ("user-agent", "ApacheBench/2.3"),
        ("accept", "*/*"),
        ("x-campaign", "spring"),
        ("level", "99"),
    ];
    event_headers(headers.into_iter())
}

fn play(act: Move) -> GameEvent {
    let userid = "O'Brien \"7\"".parse().unwrap();
    GameEvent::Large(LargeGame::Play { userid, act })
}

const NUMBERS: [&str; 6] = [
    "amount_purchased",
    "price",
    "level",
    "attack",
    "defense",
    "health",
];

/// What the Games API publishes is what the tables are for.
#[test]
fn the_games_functions_events_are_rows() {
    let five = Amount::new(5).unwrap();
    let none = None;
    for (act, numbers) in [
        (
            Move::Purchase(Ware::Sword, five),
            [Some(5), Some(100), none, none, none, none],
        ),
        (
            Move::Purchase(Ware::Shield, five),
            [Some(5), Some(50), none, none, none, none],
        ),
        (
            Move::Purchase(Ware::Potion, five),
            [Some(5), Some(5), none, none, none, none],
        ),
        (
            Move::JoinGuild("Castle of Rock".parse().unwrap()),
            [none; 6],
        ),
        (Move::FindTreasure, [none; 6]),
        (Move::EnemyAttack, [none; 6]),
        (Move::DefeatEnemy, [none; 6]),
        (
            Move::TakePotion(five),
            [none, none, Some(0), Some(0), Some(0), Some(50)],
        ),
        (
            Move::LevelUp,
            [none, none, Some(1), Some(200), Some(175), Some(100)],
        ),
    ] {
        let (event_type, description) = (act.event_type(), act.description());
        let guild = matches!(act, Move::JoinGuild(_)).then(|| "Castle of Rock".to_owned());
        let item = match act {
            Move::Purchase(ware, _) => Some(ware.as_str().to_owned()),
            _ => None,
        };
        let played = play(act);
        let table = Table::of_topic(played.topic()).unwrap();
        assert_eq!(table, Table::GameEvents);
        let decoded = decoded(table, &[&played.encode(&headers())]);
        assert_eq!(decoded.dead.offsets, [0; 0]);
        let rows = decoded.rows.batch;
        for (column, text) in [
            ("Host", "user-007.comcast.com"),
            ("User-Agent", "ApacheBench/2.3"),
            ("userid", "O'Brien \"7\""),
            ("event_type", event_type),
            ("description", description),
            ("_topic", "game_events"),
        ] {
            assert_eq!(texts(&rows, column), some(text), "{column}");
        }
        assert_eq!(texts(&rows, "guild_name"), [guild]);
        assert_eq!(texts(&rows, "item_type"), [item]);
        for (column, number) in NUMBERS.into_iter().zip(numbers) {
            assert_eq!(longs(&rows, column), [number], "{event_type} {column}");
        }
        let kept = texts(&rows, "headers").pop().unwrap().unwrap();
        assert!(kept.contains(r#""X-Campaign":"spring""#), "{kept}");
    }
}

#[test]
fn the_small_game_and_the_onlooker_are_rows_too() {
    let item = "../<b>=1+1".parse().unwrap();
    for (played, event_type) in [
        (
            GameEvent::Small(SmallGame::Purchase(item)),
            "../<b>=1+1 purchased",
        ),
        (GameEvent::Small(SmallGame::JoinGuild), "join_guild"),
        (GameEvent::Large(LargeGame::Default), "default"),
    ] {
        let table = Table::of_topic(played.topic()).unwrap();
        let decoded = decoded(table, &[&played.encode(&headers())]);
        assert_eq!(decoded.dead.offsets, [0; 0]);
        let rows = decoded.rows.batch;
        assert_eq!(texts(&rows, "event_type"), some(event_type));
        assert_eq!(texts(&rows, "Host"), some("user-007.comcast.com"));
        if table == Table::GameEvents {
            assert_eq!(texts(&rows, "userid"), [None]);
        }
    }
}

/// A field that is new stops nothing, whatever its value and in whichever of the two tables.
#[tokio::test]
async fn fields_that_nobody_has_heard_of_are_kept() {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let context = context(store.clone());
    let value = r#"{"event_type":"level_up","userid":"7","mana":1e3,"pet":{"name":"🐉","legs":[1,2]},"seen":null,"_offset":9}"#;
    for (topic, table) in [
        ("game_events", Table::GameEvents),
        ("events", Table::Events),
    ] {
        let records = vec![record(0, value), record(1, r#"{"event_type":"level_up"}"#)];
        let done = handle(event([batch(topic, 0, records)]), &context)
            .await
            .unwrap();
        assert_eq!(done, BatchResponse::default());
        let rows = stored(&store, table).await;
        assert_eq!(longs(&rows, "_offset"), [Some(0), Some(1)]);
        let kept = texts(&rows, "headers");
        let first: Value = serde_json::from_str(kept[0].as_ref().unwrap()).unwrap();
        assert_eq!(first["pet"]["name"], "🐉");
        assert_eq!(
            (&first["mana"], &first["_offset"]),
            (&1e3.into(), &9.into())
        );
        assert_eq!(first.get("seen"), Some(&Value::Null));
        assert_eq!(first.get("userid").is_some(), table == Table::Events);
        assert_eq!(kept[1], None);
    }
    assert_eq!(store.list("dead_letter", None).await.unwrap(), []);
}

#[test]
fn a_typed_field_of_another_kind_is_a_dead_letter() {
    for (field, reason) in [
        (
            r#""amount_purchased":"ten""#,
            "amount_purchased is not an integer",
        ),
        (r#""health":1.5"#, "health is not an integer"),
        (r#""userid":{}"#, "userid is not a text"),
    ] {
        let value = format!(r#"{{"event_type":"e",{field}}}"#);
        let dead = decoded(Table::GameEvents, &[value.as_bytes()]).dead.batch;
        let told = texts(&dead, "reason").pop().unwrap().unwrap();
        assert!(told.contains(reason), "{told}");
    }
}
