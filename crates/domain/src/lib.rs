//! What Tidemill is about, free of I/O: tickers and exchanges, portfolios and their windows of evaluation, quotes,
//! games.

pub mod exchange;
pub mod games;
pub mod portfolio;
pub mod quotes;
pub mod stock;
pub mod tick;
pub mod window;

pub use rust_decimal::{self, Decimal};

pub use exchange::{Exchange, Listing, Ticker, UnknownExchange, UnknownTicker};
pub use portfolio::{InvalidPortfolioId, Portfolio, PortfolioId, initial_portfolios};
pub use stock::{Stock, UnknownStock};
pub use tick::{Evaluation, Tick};

/// Exact money: a decimal. Prices, NAVs and their changes have two decimals.
pub type Money = Decimal;
