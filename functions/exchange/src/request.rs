//! What an invocation asks an exchange for.

use chrono::{DateTime, SubsecRound as _, Utc};
use domain::{Decimal, Exchange, UnknownExchange};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

/// A checked event.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Which exchange.
    pub exchange: Exchange,
    /// How its ticks follow one another.
    pub pace: Pace,
    /// Given: a fresh exchange whose ticks depend on nothing else.
    pub seed: Option<u64>,
    /// How far prices stray.
    pub spread: Spread,
}

/// How ticks follow one another, and how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As they happen, 2 to 5 s apart.
    Real {
        /// How many; without, for just under a minute.
        ticks: Option<u32>,
    },
    /// At once, their event times 3 s apart.
    Burst {
        /// How many.
        ticks: u32,
        /// The first event time; without, now, or so long ago that the last one is not far ahead.
        start: Option<DateTime<Utc>>,
    },
}

/// How far prices stray from the start price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// Up to this fraction up and down.
    Around(Decimal),
    /// 40 to 50 % below it, as the original's formula has it.
    Original,
}

/// What an event gets wrong; each says what is allowed.
#[derive(Debug, Error)]
pub enum BadRequest {
    /// It is not made of the fields that there are.
    #[error(
        "the event must be like {{\"exchange\":\"se1\"}}, optionally with ticks, pace, start, seed and spread"
    )]
    Shape(#[source] serde_json::Error),
    /// There is no such exchange.
    #[error(transparent)]
    Exchange(#[from] UnknownExchange),
    /// Not a number of ticks.
    #[error("ticks is {0}; it must be an integer from 1 to {MAX_TICKS}")]
    Ticks(String),
    /// Not a pace.
    #[error("pace is {0:?}; it must be \"real\" or \"burst\"")]
    Pace(String),
    /// A burst would never end.
    #[error("pace \"burst\" needs ticks, an integer from 1 to {MAX_TICKS}")]
    BurstWithoutTicks,
    /// Not a time.
    #[error(
        "start is {0:?}; it must be a time like 2026-11-23T18:00:00Z or 2026-11-23 18:00:00.000000 (UTC)"
    )]
    Start(String),
    /// Ticks that happen now cannot start at another time.
    #[error(
        "start goes with pace \"burst\" only; ticks of pace \"real\" bear the time at which they are published"
    )]
    StartOfReal,
    /// Times end with the year 9999.
    #[error("start is so late that the times of {ticks} ticks would go past the year 9999")]
    StartTooLate {
        /// How many ticks were asked for.
        ticks: u32,
    },
    /// Not a seed.
    #[error("seed is {0}; it must be an integer from 0 to {max}", max = u64::MAX)]
    Seed(String),
    /// Not a spread.
    #[error("spread is {0}; it must be a decimal from 0 to 1, such as 0.05, or \"original\"")]
    Spread(String),
}

/// The most ticks of one invocation: a local broker may keep no more than 5 MiB of the one partition that they go to.
pub const MAX_TICKS: u32 = 20_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    exchange: String,
    ticks: Option<Value>,
    pace: Option<String>,
    start: Option<String>,
    seed: Option<Value>,
    spread: Option<Value>,
}

impl Request {
    /// Reads an event; a field that is null counts as left out.
    pub fn from_event(event: Value) -> Result<Self, BadRequest> {
        let event: Event = serde_json::from_value(event).map_err(BadRequest::Shape)?;
        let ticks = event.ticks.map(ticks).transpose()?;
        let start = event.start.map(start).transpose()?;
        let pace = match event.pace.as_deref() {
            None | Some("real") if start.is_some() => return Err(BadRequest::StartOfReal),
            None | Some("real") => Pace::Real { ticks },
            Some("burst") => Pace::Burst {
                ticks: ticks.ok_or(BadRequest::BurstWithoutTicks)?,
                start,
            },
            Some(other) => return Err(BadRequest::Pace(other.to_owned())),
        };
        Ok(Self {
            exchange: event.exchange.parse()?,
            pace,
            seed: event.seed.map(seed).transpose()?,
            spread: event.spread.map_or(Ok(Spread::default()), spread)?,
        })
    }
}

impl BadRequest {
    pub(crate) fn ticks(value: &Value) -> Self {
        Self::Ticks(value.to_string())
    }
}

impl Default for Spread {
    fn default() -> Self {
        Self::Around(Decimal::new(5, 2))
    }
}

fn ticks(value: Value) -> Result<u32, BadRequest> {
    let ticks = value.as_u64().and_then(|ticks| u32::try_from(ticks).ok());
    ticks
        .filter(|ticks| (1..=MAX_TICKS).contains(ticks))
        .ok_or_else(|| BadRequest::ticks(&value))
}

fn seed(value: Value) -> Result<u64, BadRequest> {
    value
        .as_u64()
        .ok_or_else(|| BadRequest::Seed(value.to_string()))
}

fn start(text: String) -> Result<DateTime<Utc>, BadRequest> {
    let rfc3339 = || {
        DateTime::parse_from_rfc3339(&text)
            .ok()
            .map(|time| time.to_utc())
    };
    let time = wire::parse_time(&text).or_else(rfc3339);
    time.map(|time| time.trunc_subsecs(6))
        .ok_or(BadRequest::Start(text))
}

fn spread(value: Value) -> Result<Spread, BadRequest> {
    let decimal = match &value {
        Value::String(text) if text == "original" => return Ok(Spread::Original),
        Value::String(text) => text.parse::<Decimal>().ok(),
        // A JSON number's text is the decimal that was meant: 0.05 is read and shown as such.
        Value::Number(number) => number.to_string().parse().ok(),
        _ => None,
    };
    let within = decimal.filter(|spread| (Decimal::ZERO..=Decimal::ONE).contains(spread));
    within
        .map(Spread::Around)
        .ok_or_else(|| BadRequest::Spread(value.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn events_of_the_schedule_and_of_users_are_read() {
        let scheduled = Request::from_event(json!({"exchange": "se1"})).unwrap();
        let default = Spread::Around(Decimal::new(5, 2));
        let expected = Request {
            exchange: Exchange::Se1,
            pace: Pace::Real { ticks: None },
            seed: None,
            spread: default,
        };
        assert_eq!(scheduled, expected);

        let start = DateTime::from_timestamp_micros(1_647_790_681_123_456).unwrap();
        for text in [
            "2022-03-20 15:38:01.123456",
            "2022-03-20T15:38:01.1234567Z",
            "2022-03-20T16:38:01.123456+01:00",
        ] {
            let event =
                json!({"exchange": "se2", "ticks": 100, "pace": "burst", "seed": 7, "start": text});
            let pace = Pace::Burst {
                ticks: 100,
                start: Some(start),
            };
            let expected = Request {
                exchange: Exchange::Se2,
                pace,
                seed: Some(7),
                spread: default,
            };
            assert_eq!(Request::from_event(event).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_spread_is_a_decimal_or_the_originals() {
        let spread = |value: Value| {
            Request::from_event(json!({"exchange": "se1", "spread": value})).map(|r| r.spread)
        };
        assert_eq!(
            spread(json!("0.10")).unwrap(),
            Spread::Around(Decimal::new(1, 1))
        );
        assert_eq!(
            spread(json!(0.1)).unwrap(),
            Spread::Around(Decimal::new(1, 1))
        );
        assert_eq!(spread(json!(0)).unwrap(), Spread::Around(Decimal::ZERO));
        assert_eq!(spread(json!("original")).unwrap(), Spread::Original);
        assert_eq!(spread(Value::Null).unwrap(), Spread::default());
    }

    #[test]
    fn bad_events_are_told_what_is_allowed() {
        for (event, allowed) in [
            (json!({"exchange": "se3"}), "there are se1 and se2"),
            (
                json!({"exchange": "se1", "ticks": 0}),
                "ticks is 0; it must be an integer from 1 to 20000",
            ),
            (
                json!({"exchange": "se1", "ticks": 20_001}),
                "from 1 to 20000",
            ),
            (json!({"exchange": "se1", "ticks": 1.5}), "from 1 to 20000"),
            (
                json!({"exchange": "se1", "ticks": "many"}),
                "from 1 to 20000",
            ),
            (
                json!({"exchange": "se1", "pace": "slow"}),
                "\"real\" or \"burst\"",
            ),
            (json!({"exchange": "se1", "pace": "burst"}), "needs ticks"),
            (
                json!({"exchange": "se1", "start": "2022-03-20 15:38:01"}),
                "pace \"burst\" only",
            ),
            (
                json!({"exchange": "se1", "pace": "burst", "ticks": 1, "start": "noon"}),
                "2026-11-23T18:00:00Z",
            ),
            (
                json!({"exchange": "se1", "seed": -1}),
                "from 0 to 18446744073709551615",
            ),
            (json!({"exchange": "se1", "spread": 1.1}), "from 0 to 1"),
            (json!({"exchange": "se1", "spread": "-0.1"}), "from 0 to 1"),
            (json!({"exchange": "se1", "spread": [1]}), "from 0 to 1"),
            (
                json!({"exchange": "se1", "tick": 3}),
                "unknown field `tick`, expected one of `exchange`, `ticks`",
            ),
            (json!({}), "missing field `exchange`"),
            (
                json!("se1"),
                "the event must be like {\"exchange\":\"se1\"}",
            ),
        ] {
            let shown = lambda_kit::run::chain(&Request::from_event(event).unwrap_err());
            assert!(
                shown.contains(allowed),
                "{shown:?} should contain {allowed:?}"
            );
        }
    }
}
