//! What evaluations a topic of ticks has to lead to, computed the long way: for each window that closes, the latest
//! price of each ticker is looked for among all ticks before.

use std::collections::{BTreeMap, BTreeSet};

use ::tests::kafka::Record;
use chrono::{DateTime, NaiveDateTime};
use serde_json::Value;

/// `WINDOW_SECONDS` and `LATENESS_SECONDS`, as they are unless set, in microseconds.
const WINDOW: i64 = 20_000_000;
const LATENESS: i64 = 2_000_000;

/// What a portfolio holds, by ticker.
pub(crate) type Holdings = BTreeMap<String, i128>;

/// The messages that `portfolios` must have, by portfolio and window's end.
pub(crate) type Messages = BTreeMap<(String, String), String>;

/// Time in microseconds, place in the log, price in hundredths.
type Price = (i64, i64, i128);

/// The evaluations of the portfolios for all ticks of the topic, as they are published.
pub(crate) fn evaluations(ticks: &[Record], portfolios: &BTreeMap<String, Holdings>) -> Messages {
    let mut seen: BTreeMap<String, Vec<Price>> = BTreeMap::new();
    let mut open = BTreeSet::new();
    let mut newest = i64::MIN;
    let mut navs = BTreeMap::new();
    let mut messages = Messages::new();
    for record in ticks {
        let tick: Value = serde_json::from_slice(&record.value).unwrap();
        let time = micros(tick["TS"].as_str().unwrap());
        newest = newest.max(time);
        let closes = |end: &i64| end + LATENESS <= newest;
        for end in open.iter().copied().filter(closes).collect::<Vec<_>>() {
            open.remove(&end);
            for (id, holdings) in portfolios {
                let Some(nav) = worth(holdings, &seen, end) else {
                    continue;
                };
                let previous = navs.insert(id.clone(), nav);
                let time = DateTime::from_timestamp_micros(end).unwrap();
                let time = time.format("%Y-%m-%d %H:%M:%S").to_string();
                let message = message(id, &time, nav, previous);
                messages.insert((id.clone(), time), message);
            }
        }
        let end = time - time.rem_euclid(WINDOW) + WINDOW;
        if !closes(&end) {
            open.insert(end);
        }
        let price = (time, record.offset, cents(tick["PRICE"].as_str().unwrap()));
        let ticker = tick["TICK"].as_str().unwrap().to_owned();
        seen.entry(ticker).or_default().push(price);
    }
    messages
}

/// What holdings are worth at a window's end; `None` while a ticker has no price.
fn worth(holdings: &Holdings, seen: &BTreeMap<String, Vec<Price>>, end: i64) -> Option<i128> {
    let mut nav = 0;
    for (ticker, quantity) in holdings {
        let prices = seen.get(ticker)?.iter();
        let (_, _, cents) = prices.filter(|(time, _, _)| *time < end).max()?;
        nav += cents * quantity;
    }
    Some(nav)
}

fn message(id: &str, time: &str, nav: i128, previous: Option<i128>) -> String {
    let change = nav - previous.unwrap_or(nav);
    let pct = previous
        .filter(|previous| *previous != 0)
        .map_or(0, |previous| {
            // In hundredths of a percent, halves away from zero.
            let (twice, sign) = (
                2 * 10_000 * change.abs(),
                change.signum() * previous.signum(),
            );
            sign * ((twice + previous.abs()) / (2 * previous.abs()))
        });
    let [nav, change, pct] = [nav, change, pct].map(decimal);
    format!(
        r#"{{"PORTFOLIO":"{id}","TIMESTAMP":"{time}","NAV":{nav},"NAV_Change":{change},"NAV_Change_%":{pct}}}"#
    )
}

/// Hundredths as a number with two decimals.
fn decimal(hundredths: i128) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let hundredths = hundredths.abs();
    format!("{sign}{}.{:02}", hundredths / 100, hundredths % 100)
}

fn cents(price: &str) -> i128 {
    let (whole, part) = price.split_once('.').unwrap();
    assert_eq!(part.len(), 2, "{price}");
    format!("{whole}{part}").parse().unwrap()
}

/// Microseconds since 1970 of `2022-03-20 15:38:01.123456`.
pub(crate) fn micros(time: &str) -> i64 {
    let time = NaiveDateTime::parse_from_str(time, "%Y-%m-%d %H:%M:%S%.f");
    time.unwrap().and_utc().timestamp_micros()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(offset: i64, ticker: &str, price: &str, time: &str) -> Record {
        let value =
            format!(r#"{{"TICK":"{ticker}","PRICE":"{price}","TS":"2026-03-20 15:00:{time}"}}"#);
        Record {
            partition: 0,
            offset,
            key: Vec::new(),
            value: value.into_bytes(),
            headers: Vec::new(),
        }
    }

    #[test]
    fn evaluations_worked_out_by_hand() {
        let holdings = [("IBM".to_owned(), 10), ("HPQ".to_owned(), 1)].into();
        let portfolios = [("1.1".to_owned(), holdings)].into();
        let ticks = [
            tick(0, "IBM", "100.00", "01.000000"),
            // Closes the first window, in which HPQ has no price yet.
            tick(1, "HPQ", "50.00", "22.000000"),
            tick(2, "IBM", "99.00", "39.999999"),
            // Past the end, but within the lateness; it does not count for the window that ends at 40.
            tick(3, "IBM", "1.00", "41.900000"),
            // Too late for its window, and older than what is known of IBM.
            tick(4, "IBM", "7.00", "02.000000"),
            tick(5, "HPQ", "49.50", "59.000000"),
            tick(6, "IBM", "2.00", "59.500000"),
        ];
        let found = evaluations(&ticks, &portfolios);
        let text = r#"{"PORTFOLIO":"1.1","TIMESTAMP":"2026-03-20 15:00:40","NAV":1040.00,"NAV_Change":0.00,"NAV_Change_%":0.00}"#;
        let key = ("1.1".to_owned(), "2026-03-20 15:00:40".to_owned());
        assert_eq!(found, [(key, text.to_owned())].into());
        assert_eq!(
            message("1.1", "t", 99_995, Some(104_000)),
            r#"{"PORTFOLIO":"1.1","TIMESTAMP":"t","NAV":999.95,"NAV_Change":-40.05,"NAV_Change_%":-3.85}"#
        );
    }
}
