//! Portfolios: who holds how much of what.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Ticker;

/// A portfolio of an investor, written `1.2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct PortfolioId {
    /// The investor's number.
    pub investor: u32,
    /// The portfolio's number among the investor's.
    pub portfolio: u32,
}

/// What a portfolio holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portfolio {
    /// Whose it is.
    pub id: PortfolioId,
    /// How many of each ticker.
    pub holdings: BTreeMap<Ticker, u64>,
    /// Whether it is evaluated.
    pub active: bool,
}

impl fmt::Display for PortfolioId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.investor, self.portfolio)
    }
}

/// Text that is no portfolio's id.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{}` is no portfolio id; one is the investor's number, a dot and the portfolio's number, as in 1.2", .0.escape_debug())]
pub struct InvalidPortfolioId(pub String);

impl FromStr for PortfolioId {
    type Err = InvalidPortfolioId;

    /// Only the form that `Display` writes: no signs, no leading zeros.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.split_once('.').and_then(|(investor, portfolio)| {
            Some(Self {
                investor: investor.parse().ok()?,
                portfolio: portfolio.parse().ok()?,
            })
        });
        parsed
            .filter(|id| id.to_string() == text)
            .ok_or_else(|| InvalidPortfolioId(text.to_owned()))
    }
}

impl From<PortfolioId> for String {
    fn from(id: PortfolioId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for PortfolioId {
    type Error = InvalidPortfolioId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

type Holding = (&'static str, u64);

const INITIAL: [(u32, u32, [Holding; 6]); 6] = [
    (
        1,
        1,
        [
            ("IBM", 1000),
            ("AAPL", 1200),
            ("FB", 900),
            ("AMZN", 2300),
            ("GOOG", 1400),
            ("TWTR", 400),
        ],
    ),
    (
        1,
        2,
        [
            ("LNKD", 900),
            ("INTC", 600),
            ("AMD", 1100),
            ("MSFT", 1200),
            ("DELL", 700),
            ("ORKL", 1200),
        ],
    ),
    (
        2,
        1,
        [
            ("HPQ", 600),
            ("CSCO", 1200),
            ("ZM", 1400),
            ("QCOM", 900),
            ("ADBE", 800),
            ("VZ", 1200),
        ],
    ),
    (
        2,
        2,
        [
            ("TXN", 1100),
            ("CRM", 600),
            ("AVGO", 700),
            ("NVDA", 1100),
            ("VMW", 600),
            ("EBAY", 800),
        ],
    ),
    (
        3,
        1,
        [
            ("HPQ", 1200),
            ("ZM", 750),
            ("DELL", 800),
            ("NVDA", 1250),
            ("IBM", 900),
            ("INTC", 1000),
        ],
    ),
    (
        3,
        2,
        [
            ("VZ", 1150),
            ("AVGO", 900),
            ("TWTR", 1200),
            ("AAPL", 1200),
            ("DELL", 500),
            ("ORKL", 900),
        ],
    ),
];

/// The six portfolios of the three investors with which a new lake starts, in order.
pub fn initial_portfolios() -> Vec<Portfolio> {
    let holding = |(symbol, quantity): Holding| {
        #[expect(
            clippy::expect_used,
            reason = "the table above names listed tickers only, as a test holds"
        )]
        let ticker = symbol.parse().expect("a listed ticker");
        (ticker, quantity)
    };
    INITIAL
        .into_iter()
        .map(|(investor, portfolio, holdings)| Portfolio {
            id: PortfolioId {
                investor,
                portfolio,
            },
            holdings: holdings.into_iter().map(holding).collect(),
            active: true,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_in_the_form_they_are_written_only() {
        assert_eq!(
            "1.2".parse(),
            Ok(PortfolioId {
                investor: 1,
                portfolio: 2
            })
        );
        for bad in [
            "",
            "1",
            "1.",
            ".2",
            "1.2.3",
            "+1.2",
            "01.2",
            "1.-2",
            "1.2 ",
            "4294967296.1",
        ] {
            assert_eq!(
                bad.parse::<PortfolioId>(),
                Err(InvalidPortfolioId(bad.to_owned()))
            );
        }
    }

    #[test]
    fn a_new_lake_has_six_portfolios_of_six_tickers() {
        let portfolios = initial_portfolios();
        let ids: Vec<String> = portfolios
            .iter()
            .map(|portfolio| portfolio.id.to_string())
            .collect();
        assert_eq!(ids, ["1.1", "1.2", "2.1", "2.2", "3.1", "3.2"]);
        assert!(
            portfolios
                .iter()
                .all(|portfolio| portfolio.holdings.len() == 6 && portfolio.active)
        );
    }
}
