//! Events of the Games API: which topic, which key, which fields.

use domain::games::{LargeGame, Move, SmallGame, Text};

use crate::fields::{Field, encode};
use crate::{Event, EventHeaders, topics};

/// What happened on the Games API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GameEvent {
    /// In the small game.
    Small(SmallGame),
    /// In the large game.
    Large(LargeGame),
}

impl Event for GameEvent {
    fn topic(&self) -> &'static str {
        match self {
            Self::Small(_) => topics::EVENTS,
            Self::Large(_) => topics::GAME_EVENTS,
        }
    }

    /// The Host of a small game's call, the userid of a large one's; who only looks has none and is keyed `default`.
    fn key<'a>(&'a self, headers: &'a EventHeaders) -> &'a str {
        match self {
            Self::Small(_) => headers.get("Host").unwrap_or_default(),
            Self::Large(LargeGame::Default) => "default",
            Self::Large(LargeGame::Play { userid, .. }) => userid.as_str(),
        }
    }

    fn encode(&self, headers: &EventHeaders) -> Vec<u8> {
        encode(&self.fields(), headers)
    }
}

impl GameEvent {
    fn fields(&self) -> Vec<(&'static str, Field<'_>)> {
        match self {
            Self::Small(deed) => vec![("event_type", Field::Text(deed.event_type().into()))],
            Self::Large(game) => {
                let mut fields = vec![("event_type", Field::Text(game.event_type().into()))];
                if let LargeGame::Play { userid, act } = game {
                    fields.push(("userid", text(userid)));
                    fields.push(("description", Field::Text(act.description().into())));
                    fields.extend(of_move(act));
                }
                fields
            }
        }
    }
}

fn of_move(act: &Move) -> Vec<(&'static str, Field<'_>)> {
    let mut fields = match act {
        Move::Purchase(ware, amount) => vec![
            ("item_type", Field::Text(ware.as_str().into())),
            ("amount_purchased", Field::Integer(amount.get())),
            ("price", Field::Integer(ware.price())),
        ],
        Move::JoinGuild(guild) => vec![("guild_name", text(guild))],
        _ => Vec::new(),
    };
    if let Some(gains) = act.gains() {
        fields.extend([
            ("level", Field::Integer(gains.level)),
            ("attack", Field::Integer(gains.attack)),
            ("defense", Field::Integer(gains.defense)),
            ("health", Field::Integer(gains.health)),
        ]);
    }
    fields
}

fn text(text: &Text) -> Field<'_> {
    Field::Text(text.as_str().into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use domain::games::{Amount, Ware};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::event_headers;

    fn decoded(event: &GameEvent, headers: &[(&str, &str)]) -> Value {
        serde_json::from_slice(&event.encode(&event_headers(headers.iter().copied()))).unwrap()
    }

    fn play(userid: &str, act: Move) -> GameEvent {
        let userid = userid.parse().unwrap();
        GameEvent::Large(LargeGame::Play { userid, act })
    }

    #[test]
    fn moves_have_the_fields_of_the_originals() {
        let three = Amount::new(3).unwrap();
        for (act, event) in [
            (
                Move::Purchase(Ware::Sword, three),
                json!({"event_type": "purchase_sword", "description": "very sharp steel sword",
                       "item_type": "sword", "amount_purchased": 3, "price": 100}),
            ),
            (
                Move::Purchase(Ware::Shield, three),
                json!({"event_type": "purchase_shield", "description": "very solid protective shield",
                       "item_type": "shield", "amount_purchased": 3, "price": 50}),
            ),
            (
                Move::Purchase(Ware::Potion, three),
                json!({"event_type": "purchase_potion", "description": "mystical potion with healing powers",
                       "item_type": "potion", "amount_purchased": 3, "price": 5}),
            ),
            (
                Move::JoinGuild("Game of Thrones".parse().unwrap()),
                json!({"event_type": "join_guild", "description": "a very large guild",
                       "guild_name": "Game of Thrones"}),
            ),
            (
                Move::FindTreasure,
                json!({"event_type": "find_treasure", "description": "a small treasure chest of jewels and gold"}),
            ),
            (
                Move::EnemyAttack,
                json!({"event_type": "enemy_attack", "description": "an enemy surprise attack reduces health"}),
            ),
            (
                Move::DefeatEnemy,
                json!({"event_type": "defeat_enemy", "description": "the enemy lost the battle"}),
            ),
            (
                Move::TakePotion(three),
                json!({"event_type": "take_potion", "description": "potion returned some health points",
                       "level": 0, "attack": 0, "defense": 0, "health": 30}),
            ),
            (
                Move::LevelUp,
                json!({"event_type": "level_up", "description": "an increase in player level, attack, and defense",
                       "level": 1, "attack": 200, "defense": 175, "health": 100}),
            ),
        ] {
            let played = play("7", act);
            let mut expected = event;
            expected["userid"] = json!("7");
            assert_eq!(decoded(&played, &[]), expected);
            assert_eq!(
                (played.topic(), played.key(&EventHeaders::default())),
                ("game_events", "7")
            );
        }
    }

    #[test]
    fn who_only_looks_leaves_an_event_type_alone() {
        let event = GameEvent::Large(LargeGame::Default);
        assert_eq!(decoded(&event, &[]), json!({"event_type": "default"}));
        let headers = event_headers([("Host", "h")].into_iter());
        assert_eq!(
            (event.topic(), event.key(&headers)),
            ("game_events", "default")
        );
    }

    #[test]
    fn the_small_game_is_keyed_by_host() {
        let purchase = GameEvent::Small(SmallGame::Purchase("gauntlet".parse().unwrap()));
        let host = ("host", "user7.comcast.com");
        assert_eq!(
            decoded(&purchase, &[host]),
            json!({"event_type": "gauntlet purchased", "Host": "user7.comcast.com"})
        );
        let guild = GameEvent::Small(SmallGame::JoinGuild);
        assert_eq!(decoded(&guild, &[]), json!({"event_type": "join_guild"}));
        let headers = event_headers([host].into_iter());
        assert_eq!(
            (guild.topic(), guild.key(&headers)),
            ("events", "user7.comcast.com")
        );
        assert_eq!(guild.key(&EventHeaders::default()), "");
    }

    proptest! {
        #[test]
        fn texts_and_headers_come_back_as_they_were(userid in "\\PC{1,40}", host in "\\PC{0,40}", name in "[A-Za-z_-]{1,12}") {
            let Ok(user) = userid.parse() else { return Ok(()) };
            prop_assume!(!name.eq_ignore_ascii_case("host"));
            let event = GameEvent::Large(LargeGame::Play { userid: user, act: Move::LevelUp });
            let value = decoded(&event, &[("Host", &host), (&name, "x")]);
            prop_assert_eq!(&value["userid"], &json!(userid));
            prop_assert_eq!(&value["level"], 1);
            prop_assert_eq!(&value["Host"], &json!(host));
        }
    }
}
