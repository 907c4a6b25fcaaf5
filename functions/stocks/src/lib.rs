//! The Stocks API: a year's figures of twelve stocks, buying and selling, and an event of every call.
//!
//! - Trigger: HTTP (API Gateway's payload 2.0; 1.0 and Function URLs too).
//! - Input: the request; daily quotes from [`quotes`].
//! - Output: the answer, and one record in `default_call`, `stock_call` or `stock_operation`.
//! - Guarantee: an answer of success is given only after the broker has acknowledged its event. An answer of any other
//!   kind means that no event was made, but for 503: there the event may have been stored all the same.

mod answers;
mod config;
mod context;
mod handler;
mod operation;
pub mod quotes;
mod refusals;
mod route;

pub use config::{Config, QuotesSource};
pub use context::{Clock, ConnectError, Context};
pub use handler::{Error, handle};
