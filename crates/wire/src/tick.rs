//! Ticks: `{"TICK":"IBM","PRICE":"123.20","TS":"2022-03-20 15:38:01.123456"}`.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use domain::{Decimal, Tick, Ticker};
use serde::{Deserialize, Serialize};

use crate::Undecodable;

/// How times of ticks are written, in UTC.
const TIME_FORMAT: &str = "%Y-%m-%d %H:%M:%S%.6f";

/// Prices are stored with 18 digits, two of them decimals.
const MAX_PRICE_CENTS: i128 = 10_i128.pow(18) - 1;

#[derive(Serialize)]
struct Encoded<'a> {
    #[serde(rename = "TICK")]
    ticker: &'a str,
    #[serde(rename = "PRICE")]
    price: String,
    #[serde(rename = "TS")]
    time: String,
}

/// Other keys than these are ignored, as the original's consumers do.
#[derive(Deserialize)]
struct Encoding<'a> {
    #[serde(rename = "TICK", borrow)]
    ticker: Cow<'a, str>,
    #[serde(rename = "PRICE", borrow)]
    price: Cow<'a, str>,
    #[serde(rename = "TS", borrow)]
    time: Cow<'a, str>,
}

/// The value of a tick's record. Prices have two decimals and times six.
pub fn encode_tick(tick: &Tick) -> Vec<u8> {
    let encoded = Encoded {
        ticker: tick.ticker.as_str(),
        price: format!("{:.2}", tick.price),
        time: tick.event_time.format(TIME_FORMAT).to_string(),
    };
    #[expect(clippy::expect_used, reason = "three strings are always JSON")]
    serde_json::to_vec(&encoded).expect("three strings")
}

/// Reads the value of a tick's record; JSON that was encoded twice is read as well.
///
/// A tick whose time is more than `max_ahead` ahead of the broker's timestamp is refused, for one wrong clock would
/// close windows for ever.
pub fn decode_tick(
    value: Option<&[u8]>,
    broker_timestamp_ms: i64,
    max_ahead: TimeDelta,
) -> Result<Tick, Undecodable> {
    let value = value.ok_or_else(|| Undecodable::new("the record has no value"))?;
    let text =
        std::str::from_utf8(value).map_err(|_| Undecodable::new("the value is not UTF-8"))?;
    let unwrapped;
    let text = if text.trim_start().starts_with('"') {
        unwrapped = serde_json::from_str::<String>(text)
            .map_err(|error| Undecodable::new(format!("the value is not JSON: {error}")))?;
        &unwrapped
    } else {
        text
    };
    let encoding: Encoding<'_> = serde_json::from_str(text)
        .map_err(|error| Undecodable::new(format!("the value is not a tick in JSON: {error}")))?;

    let ticker: Ticker = encoding
        .ticker
        .parse()
        .map_err(|_| Undecodable::quoting("unknown ticker", &encoding.ticker))?;
    let price = parse_price(&encoding.price)?;
    let event_time = parse_time(&encoding.time).ok_or_else(|| {
        Undecodable::quoting(
            "TS is not a time like 2022-03-20 15:38:01.123456",
            &encoding.time,
        )
    })?;
    let ahead_ms = i128::from(event_time.timestamp_millis()) - i128::from(broker_timestamp_ms);
    if ahead_ms > i128::from(max_ahead.num_milliseconds()) {
        let (limit, ahead) = (max_ahead.num_seconds(), ahead_ms / 1000);
        return Err(Undecodable::new(format!(
            "TS is {ahead} s ahead of the broker's time, more than {limit} s"
        )));
    }
    Ok(Tick {
        ticker,
        price,
        event_time,
    })
}

/// A time as ticks bear it: `YYYY-MM-DD HH:MM:SS` with up to six decimals, in UTC.
pub fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    // chrono would accept blanks around numbers, signs, and years of any length.
    let shape = text
        .bytes()
        .take(19)
        .map(|b| if b.is_ascii_digit() { b'0' } else { b });
    if !shape.eq(*b"0000-00-00 00:00:00") {
        return None;
    }
    if let Some(rest) = text.get(19..).filter(|rest| !rest.is_empty()) {
        let decimals = rest.strip_prefix('.')?;
        if !(1..=6).contains(&decimals.len()) || !decimals.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
    }
    let time = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").ok()?;
    // A leap second is read as nanoseconds past the second, which microseconds since 1970 cannot tell.
    let time = DateTime::from_timestamp_micros(time.and_utc().timestamp_micros())?;
    Some(time)
}

fn parse_price(text: &str) -> Result<Decimal, Undecodable> {
    let refused = |reason: &str| Undecodable::quoting(reason, text);
    let plain = !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
    let price = Some(text)
        .filter(|_| plain && text.len() <= 30)
        .and_then(|text| Decimal::from_str_exact(text).ok());
    let price = price.ok_or_else(|| refused("PRICE is not a decimal number"))?;
    if price.is_sign_negative() && !price.is_zero() {
        return Err(refused("PRICE is negative"));
    }
    let mut price = price.normalize();
    if price.scale() > 2 {
        return Err(refused("PRICE has more than two decimals"));
    }
    price.rescale(2);
    if price.scale() != 2 || price.mantissa() > MAX_PRICE_CENTS {
        return Err(refused("PRICE has more than 18 digits"));
    }
    Ok(price)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const HOUR: TimeDelta = TimeDelta::hours(1);

    fn decode(text: &str) -> Result<Tick, Undecodable> {
        decode_tick(Some(text.as_bytes()), i64::from(i32::MAX) * 1000, HOUR)
    }

    fn tick(ticker: &str, price: &str, time: &str) -> Result<Tick, Undecodable> {
        decode(&format!(
            r#"{{"TICK":"{ticker}","PRICE":"{price}","TS":"{time}"}}"#
        ))
    }

    #[test]
    fn a_tick_is_written_as_the_exchanges_wrote_it() {
        let text = r#"{"TICK":"IBM","PRICE":"123.20","TS":"2022-03-20 15:38:01.123456"}"#;
        let tick = decode(text).unwrap();
        assert_eq!(String::from_utf8(encode_tick(&tick)).unwrap(), text);
        let twice = serde_json::to_string(text).unwrap();
        assert_eq!(decode(&twice).unwrap(), tick);
        let reordered =
            r#" {"X":[1],"TS":"2022-03-20 15:38:01.123456","TICK":"I\u0042M","PRICE":"123.2"}"#;
        assert_eq!(decode(reordered).unwrap(), tick);
    }

    #[test]
    fn refusals_name_their_reason() {
        let time = "2022-03-20 15:38:01";
        for (result, reason) in [
            (tick("NOPE", "1.00", time), "unknown ticker: `NOPE`"),
            (tick("ibm", "1.00", time), "unknown ticker: `ibm`"),
            (tick("IBM", "-1.00", time), "PRICE is negative: `-1.00`"),
            (
                tick("IBM", "ten", time),
                "PRICE is not a decimal number: `ten`",
            ),
            (
                tick("IBM", "1_0", time),
                "PRICE is not a decimal number: `1_0`",
            ),
            (
                tick("IBM", "1e3", time),
                "PRICE is not a decimal number: `1e3`",
            ),
            (tick("IBM", "", time), "PRICE is not a decimal number: ``"),
            (
                tick("IBM", "1.005", time),
                "PRICE has more than two decimals: `1.005`",
            ),
            (
                tick("IBM", "10000000000000000", time),
                "PRICE has more than 18 digits: `10000000000000000`",
            ),
            (
                tick("IBM", "1.00", "2022-3-20 15:38:01"),
                "TS is not a time",
            ),
            (
                tick("IBM", "1.00", "2022-02-30 15:38:01"),
                "TS is not a time",
            ),
            (
                tick("IBM", "1.00", "2022-03-20 15:38:01.1234567"),
                "TS is not a time",
            ),
            (
                tick("IBM", "1.00", "2022-03-20T15:38:01"),
                "TS is not a time",
            ),
            (
                tick("IBM", "1.00", "9999-12-31 23:59:59"),
                "s ahead of the broker's time, more than 3600 s",
            ),
            (decode("garbage"), "not a tick in JSON"),
            (decode("\"garbage"), "not JSON"),
            (decode("[]"), "not a tick in JSON"),
            (
                decode(r#"{"TICK":"IBM","PRICE":"1.00"}"#),
                "missing field `TS`",
            ),
            (decode_tick(None, 0, HOUR), "no value"),
            (decode_tick(Some(b"\xff"), 0, HOUR), "not UTF-8"),
        ] {
            let error = result.unwrap_err().to_string();
            assert!(
                error.contains(reason),
                "{error:?} should contain {reason:?}"
            );
        }
    }

    #[test]
    fn how_far_ahead_is_judged_against_the_broker() {
        let at = |broker_ms| {
            let value = br#"{"TICK":"IBM","PRICE":"1.00","TS":"1970-01-01 02:00:00"}"#;
            decode_tick(Some(value), broker_ms, HOUR).is_ok()
        };
        assert!(at(3_600_000) && at(i64::MAX));
        assert!(!at(3_599_999) && !at(i64::MIN));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(
            ticker in 0..24_usize,
            cents in 0..10_i64.pow(18),
            micros in -62_167_219_200_000_000..253_402_300_800_000_000_i64,
            twice: bool,
        ) {
            let event_time = DateTime::from_timestamp_micros(micros).unwrap();
            let tick = Tick { ticker: Ticker::all().nth(ticker).unwrap(), price: Decimal::new(cents, 2), event_time };
            let mut value = encode_tick(&tick);
            if twice {
                value = serde_json::to_vec(std::str::from_utf8(&value).unwrap()).unwrap();
            }
            prop_assert_eq!(decode_tick(Some(&value), micros / 1000, HOUR), Ok(tick));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, broker: i64) {
            let _ = decode_tick(Some(&bytes), broker, HOUR);
        }

        #[test]
        fn no_fields_make_it_panic(ticker: String, price in ".{0,40}|[0-9.-]{0,40}", time in ".*|[0-9-]{8,12} [0-9:.]{8,20}", broker: i64) {
            let value = serde_json::to_vec(&Encoded { ticker: &ticker, price, time }).unwrap();
            let _ = decode_tick(Some(&value), broker, HOUR);
        }
    }
}
