//! Evaluations: `{"PORTFOLIO":"1.2","TIMESTAMP":"2026-11-23 18:00:20","NAV":590240.00,…}`.

use std::io::Write as _;

use domain::Evaluation;

/// The value of an evaluation's record: its keys in the order that the files of app1 have as their header,
/// amounts as JSON numbers with exactly two decimals, and as time the end of the window.
pub fn encode_evaluation(evaluation: &Evaluation) -> Vec<u8> {
    let Evaluation {
        portfolio,
        window_end,
        nav,
        nav_change,
        nav_change_pct,
        window_start: _,
    } = evaluation;
    let time = window_end.format("%Y-%m-%d %H:%M:%S");
    let mut value = Vec::with_capacity(128);
    #[expect(clippy::expect_used, reason = "a vector can always be written to")]
    write!(
        value,
        "{{\"PORTFOLIO\":\"{portfolio}\",\"TIMESTAMP\":\"{time}\",\"NAV\":{nav:.2},\
         \"NAV_Change\":{nav_change:.2},\"NAV_Change_%\":{nav_change_pct:.2}}}"
    )
    .expect("a vector");
    value
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use chrono::DateTime;
    use domain::{Decimal, PortfolioId};
    use proptest::prelude::*;
    use serde::Deserialize;
    use serde_json::value::RawValue;

    fn evaluation(nav: i64, change: i64, pct: i64) -> Evaluation {
        Evaluation {
            portfolio: PortfolioId {
                investor: 1,
                portfolio: 2,
            },
            window_start: DateTime::from_timestamp(1_647_790_640, 0).unwrap(),
            window_end: DateTime::from_timestamp(1_647_790_660, 0).unwrap(),
            nav: Decimal::new(nav, 2),
            nav_change: Decimal::new(change, 2),
            nav_change_pct: Decimal::new(pct, 2),
        }
    }

    #[test]
    fn keys_stand_in_order_and_amounts_are_exact() {
        let value = encode_evaluation(&evaluation(i64::MAX, -5, 0));
        let text = r#"{"PORTFOLIO":"1.2","TIMESTAMP":"2022-03-20 15:37:40","NAV":92233720368547758.07,"NAV_Change":-0.05,"NAV_Change_%":0.00}"#;
        assert_eq!(String::from_utf8(value).unwrap(), text);
    }

    #[derive(Deserialize)]
    struct Read<'a> {
        #[serde(rename = "NAV", borrow)]
        nav: &'a RawValue,
        #[serde(rename = "NAV_Change", borrow)]
        change: &'a RawValue,
        #[serde(rename = "NAV_Change_%", borrow)]
        pct: &'a RawValue,
    }

    proptest! {
        #[test]
        fn amounts_are_read_back(nav: i64, change: i64, pct: i64) {
            let value = encode_evaluation(&evaluation(nav, change, pct));
            let read: Read<'_> = serde_json::from_slice(&value).unwrap();
            for (raw, cents) in [(read.nav, nav), (read.change, change), (read.pct, pct)] {
                prop_assert_eq!(raw.get().parse::<Decimal>().unwrap(), Decimal::new(cents, 2));
            }
        }
    }
}
