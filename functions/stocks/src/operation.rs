//! Buying and selling: what may be asked for, and the price that it is done at.

use domain::quotes::DailyRecord;
use wire::Action;

/// The most shares that one call buys or sells.
pub(crate) const MAX_QUANTITY: u32 = 1_000_000;

/// Every action, in the order in which they are named to callers.
pub(crate) const ACTIONS: [Action; 2] = [Action::Buy, Action::Sell];

/// The action of a path segment.
pub(crate) fn action(segment: &str) -> Option<Action> {
    ACTIONS
        .into_iter()
        .find(|action| action.as_str() == segment)
}

/// A quantity: digits alone, from 1 to [`MAX_QUANTITY`].
pub(crate) fn quantity(segment: &str) -> Option<u32> {
    let digits = !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
    let quantity = segment.parse().ok().filter(|_| digits)?;
    (1..=MAX_QUANTITY).contains(&quantity).then_some(quantity)
}

/// What the answer calls the deed: `bought_10_AMZN`.
pub(crate) fn past_tense(action: Action) -> &'static str {
    match action {
        Action::Buy => "bought",
        Action::Sell => "sold",
    }
}

/// The price per share of the latest day that has one: one buys at the open and sells at the close.
pub(crate) fn price(action: Action, newest_first: &[DailyRecord]) -> Option<f64> {
    let of = |record: &DailyRecord| match action {
        Action::Buy => record.open,
        Action::Sell => record.close,
    };
    newest_first
        .iter()
        .filter_map(of)
        .find(|price| price.is_finite() && *price > 0.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantities_are_whole_and_in_bounds() {
        assert_eq!(quantity("1"), Some(1));
        assert_eq!(quantity("1000000"), Some(1_000_000));
        for bad in [
            "0",
            "1000001",
            "-1",
            "+1",
            "ten",
            "1.0",
            "1e3",
            "",
            " 1",
            "٣",
            "99999999999999999999",
        ] {
            assert_eq!(quantity(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_quantity_is_what_its_digits_say(text in "[0-9]{1,9}|.{0,6}") {
            match quantity(&text) {
                Some(number) => prop_assert_eq!(Ok(number), text.parse()),
                None => prop_assert!(text.parse::<u32>().map_or(true, |n| n == 0 || n > MAX_QUANTITY || text.starts_with('+'))),
            }
        }
    }

    #[test]
    fn one_buys_at_the_latest_open_and_sells_at_the_latest_close() {
        let day = |day, open, close| DailyRecord {
            date: chrono::NaiveDate::from_ymd_opt(2026, 11, day).unwrap(),
            open,
            close,
            adjclose: Some(9.0),
        };
        let year = [
            day(4, None, None),
            day(3, None, Some(3.5)),
            day(2, Some(2.0), Some(2.5)),
        ];
        assert_eq!(price(Action::Buy, &year), Some(2.0));
        assert_eq!(price(Action::Sell, &year), Some(3.5));
        assert_eq!(price(Action::Buy, &year[..2]), None);
    }
}
