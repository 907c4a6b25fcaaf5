//! What an exchange says and what is made of it: ticks and evaluations.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::{PortfolioId, Ticker};

/// A price of a ticker at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// What it is a price of.
    pub ticker: Ticker,
    /// The price, with two decimals and not negative.
    pub price: Decimal,
    /// When the exchange saw it, in microseconds.
    pub event_time: DateTime<Utc>,
}

/// What a portfolio is worth at the end of a window, and what has changed since its previous evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Whose evaluation it is.
    pub portfolio: PortfolioId,
    /// Where the window begins; this moment belongs to it.
    pub window_start: DateTime<Utc>,
    /// Where the window ends; this moment belongs to the next one.
    pub window_end: DateTime<Utc>,
    /// Net asset value: the sum of price times quantity, with two decimals.
    pub nav: Decimal,
    /// NAV minus the previous NAV, with two decimals; 0 for the first one.
    pub nav_change: Decimal,
    /// That change in percent of the previous NAV, two decimals, halves away from zero; 0 for the first one.
    pub nav_change_pct: Decimal,
}
