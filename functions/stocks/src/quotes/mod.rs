//! The port that daily quotes come through, and its adapters.

pub mod chart;
pub mod simulated;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::Stock;
use domain::quotes::DailyRecord;
use thiserror::Error;

/// A source of daily quotes.
#[async_trait]
pub trait Quotes: Send + Sync {
    /// The records of the year before `now`, newest first; any price of a record may be missing.
    async fn year(&self, stock: Stock, now: DateTime<Utc>)
    -> Result<Vec<DailyRecord>, QuotesError>;

    /// What answers say of the quotes in the header `X-Quotes`; nothing for real ones.
    fn label(&self) -> Option<&'static str> {
        None
    }
}

/// Why there are no quotes of a stock.
#[derive(Debug, Error)]
pub enum QuotesError {
    /// The source did not answer in time, or not as HTTP.
    #[error("the source of quotes for {stock} could not be reached")]
    Unreachable {
        /// Of which stock.
        stock: Stock,
        /// What the client says.
        #[source]
        source: reqwest::Error,
    },
    /// The source refused.
    #[error("the source of quotes for {stock} answered {status}")]
    Refused {
        /// Of which stock.
        stock: Stock,
        /// The status that it answered with.
        status: http::StatusCode,
    },
    /// The answer is longer than any year of quotes.
    #[error("the source of quotes for {stock} answered more than {limit} bytes")]
    TooLong {
        /// Of which stock.
        stock: Stock,
        /// How many are read.
        limit: usize,
    },
    /// The answer cannot be read.
    #[error("the answer of the source of quotes for {stock} is no chart")]
    Malformed {
        /// Of which stock.
        stock: Stock,
        /// Where it is none.
        #[source]
        source: serde_json::Error,
    },
    /// The answer is a chart, but not of a year of prices.
    #[error("the chart for {stock} {reason}")]
    Unusable {
        /// Of which stock.
        stock: Stock,
        /// What is wrong with it.
        reason: &'static str,
    },
}
