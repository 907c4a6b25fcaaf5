//! The twelve stocks on which the Stocks API gives advice.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// One of the twelve stocks of the Stocks API; ordered as the API lists them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stock(u8);

const NAMES: [&str; 12] = [
    "MSFT", "AAPL", "AMZN", "GOOG", "BABA", "FB", "INTC", "NVDA", "CRM", "PYPL", "TSLA", "AMD",
];

impl Stock {
    /// All twelve, in order.
    pub fn all() -> impl ExactSizeIterator<Item = Self> + Clone {
        (0..NAMES.len() as u8).map(Self)
    }

    /// Its symbol, in upper case.
    pub fn as_str(self) -> &'static str {
        NAMES[usize::from(self.0)]
    }
}

impl fmt::Display for Stock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Stock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A symbol that is none of the twelve.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown stock `{}`; there are {}", .0.escape_debug(), NAMES.join(", "))]
pub struct UnknownStock(pub String);

impl FromStr for Stock {
    type Err = UnknownStock;

    /// In any case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::all()
            .find(|stock| stock.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownStock(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn symbols_are_read_in_any_case() {
        for stock in Stock::all() {
            assert_eq!(stock.as_str().parse(), Ok(stock));
            assert_eq!(stock.as_str().to_lowercase().parse(), Ok(stock));
        }
        assert!(
            "IBM"
                .parse::<Stock>()
                .unwrap_err()
                .to_string()
                .contains("MSFT, AAPL")
        );
    }
}
