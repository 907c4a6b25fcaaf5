//! The two exchanges, the twenty-four tickers listed on them, and the prices these start at.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One of the two exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exchange {
    /// `se1`: IBM and eleven others.
    Se1,
    /// `se2`: HPQ and eleven others.
    Se2,
}

/// A ticker and the price it starts at on its exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listing {
    /// What is listed.
    pub ticker: Ticker,
    /// Its first price, with two decimals.
    pub start_price: Decimal,
}

/// One of the twenty-four tickers; ordered as listed, `se1` first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Ticker(u8);

const PER_EXCHANGE: usize = 12;

const NAMES: [&str; 2 * PER_EXCHANGE] = [
    "IBM", "AAPL", "FB", "AMZN", "GOOG", "TWTR", "LNKD", "INTC", "AMD", "MSFT", "DELL",
    "ORKL", //
    "HPQ", "CSCO", "ZM", "QCOM", "ADBE", "VZ", "TXN", "CRM", "AVGO", "NVDA", "VMW", "EBAY",
];

const START_CENTS: [u32; 2 * PER_EXCHANGE] = [
    12_320, 12_535, 26_430, 315_950, 208_380, 7_190, 4_500, 6_320, 8_690, 23_450, 8_170,
    6_470, //
    2_800, 4_570, 38_520, 14_110, 47_660, 5_710, 17_940, 24_050, 48_090, 58_000, 14_680, 5_940,
];

static LISTINGS: [Listing; 2 * PER_EXCHANGE] = {
    let first = Listing {
        ticker: Ticker(0),
        start_price: Decimal::ZERO,
    };
    let mut all = [first; 2 * PER_EXCHANGE];
    let mut i = 0;
    while i < all.len() {
        all[i] = Listing {
            ticker: Ticker(i as u8),
            start_price: Decimal::from_parts(START_CENTS[i], 0, 0, false, 2),
        };
        i += 1;
    }
    all
};

impl Exchange {
    /// Both, in order.
    pub const ALL: [Self; 2] = [Self::Se1, Self::Se2];

    /// Its name: `se1` or `se2`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Se1 => "se1",
            Self::Se2 => "se2",
        }
    }

    /// What is listed on it, in the order in which start prices are published.
    pub fn listings(self) -> &'static [Listing] {
        match self {
            Self::Se1 => &LISTINGS[..PER_EXCHANGE],
            Self::Se2 => &LISTINGS[PER_EXCHANGE..],
        }
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is no exchange's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown exchange `{0}`; there are se1 and se2")]
pub struct UnknownExchange(pub String);

impl FromStr for Exchange {
    type Err = UnknownExchange;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|exchange| exchange.as_str() == text)
            .ok_or_else(|| UnknownExchange(text.to_owned()))
    }
}

impl Ticker {
    /// All twenty-four, in order.
    pub fn all() -> impl ExactSizeIterator<Item = Self> + Clone {
        LISTINGS.iter().map(|listing| listing.ticker)
    }

    /// Its symbol, in upper case.
    pub fn as_str(self) -> &'static str {
        NAMES[usize::from(self.0)]
    }

    /// Where it is listed.
    pub fn exchange(self) -> Exchange {
        if usize::from(self.0) < PER_EXCHANGE {
            Exchange::Se1
        } else {
            Exchange::Se2
        }
    }
}

impl fmt::Display for Ticker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Ticker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A symbol that is listed nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown ticker `{}`; there are {}", .0.escape_debug(), NAMES.join(", "))]
pub struct UnknownTicker(pub String);

impl FromStr for Ticker {
    type Err = UnknownTicker;

    /// Exactly as listed: upper case, no blanks.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::all()
            .find(|ticker| ticker.as_str() == text)
            .ok_or_else(|| UnknownTicker(text.to_owned()))
    }
}

impl From<Ticker> for String {
    fn from(ticker: Ticker) -> Self {
        ticker.as_str().to_owned()
    }
}

impl TryFrom<String> for Ticker {
    type Error = UnknownTicker;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn symbols_are_read_back_and_nothing_else_is() {
        for ticker in Ticker::all() {
            assert_eq!(ticker.as_str().parse(), Ok(ticker));
            assert!(
                ticker
                    .exchange()
                    .listings()
                    .iter()
                    .any(|listing| listing.ticker == ticker)
            );
        }
        assert_eq!(Ticker::all().len(), 24);
        for bad in ["ibm", " IBM", "", "NOPE"] {
            let error = bad.parse::<Ticker>().unwrap_err().to_string();
            assert!(
                error.contains("IBM, AAPL") && error.ends_with("EBAY"),
                "{error}"
            );
        }
    }

    #[test]
    fn listings_start_as_the_exchanges_do() {
        let shown = |exchange: Exchange, at: usize| {
            let listing = exchange.listings()[at];
            format!("{} {}", listing.ticker, listing.start_price)
        };
        assert_eq!(shown(Exchange::Se1, 0), "IBM 123.20");
        assert_eq!(shown(Exchange::Se1, 3), "AMZN 3159.50");
        assert_eq!(shown(Exchange::Se1, 11), "ORKL 64.70");
        assert_eq!(shown(Exchange::Se2, 0), "HPQ 28.00");
        assert_eq!(shown(Exchange::Se2, 11), "EBAY 59.40");
        assert_eq!("se2".parse(), Ok(Exchange::Se2));
        assert!("SE1".parse::<Exchange>().is_err());
    }
}
