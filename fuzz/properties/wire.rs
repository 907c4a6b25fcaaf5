//! What is written to topics is read back, and no secret of a request is among it.

use chrono::TimeDelta;
use domain::games::{LargeGame, Move, SmallGame, Text};
use serde_json::{Map, Value};
use wire::{Event as _, GameEvent, StockEvent, decode_tick, encode_tick, event_headers};

/// Holds `data` as a tick, and as lines of a request's headers.
pub(crate) fn hold(data: &[u8]) {
    for broker in [i64::MIN, 0, 1_700_000_000_000, i64::MAX] {
        if let Ok(tick) = decode_tick(Some(data), broker, TimeDelta::hours(1)) {
            let again = decode_tick(Some(&encode_tick(&tick)), broker, TimeDelta::hours(1));
            assert_eq!(again, Ok(tick));
        }
    }
    if let Ok(text) = std::str::from_utf8(data) {
        wire::parse_time(text);
        request(text);
    }
}

fn request(text: &str) {
    let lines = || {
        text.lines()
            .map(|line| line.split_once(':').unwrap_or((line, "")))
    };
    let headers = event_headers(lines());
    let spoken: Option<Text> = text.lines().next().and_then(|line| line.parse().ok());
    let mut events = vec![event(&StockEvent::Default.encode(&headers))];
    if let Some(spoken) = spoken {
        let deed = GameEvent::Small(SmallGame::Purchase(spoken.clone()));
        let joined = GameEvent::Large(LargeGame::Play {
            userid: spoken.clone(),
            act: Move::JoinGuild(spoken),
        });
        for played in [deed, joined] {
            events.push(event(&played.encode(&headers)));
        }
    }
    for event in events {
        let secret = |name: &String| {
            let name = name.to_ascii_lowercase();
            name.starts_with("x-amz-")
                || ["authorization", "cookie", "x-api-key"].contains(&name.as_str())
        };
        assert!(!event.keys().any(secret), "{event:?}");
    }
}

fn event(value: &[u8]) -> Map<String, Value> {
    serde_json::from_slice(value).expect("every event is one JSON object")
}
