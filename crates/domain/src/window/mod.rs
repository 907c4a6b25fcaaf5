//! Windows of event time: a pure function from the log of ticks to the evaluations of portfolios.
//!
//! A window closes when a tick at or past its end plus the allowed lateness appears in the log. Windows without a
//! tick are not evaluated. Because nothing but the log, the holdings and the state before decides, any replay, however
//! cut into batches, gives the same evaluations.

mod holdings;
mod rule;
mod state;
mod valuation;

pub use holdings::{Holdings, HoldingsVersions, MissingHoldings};
pub use rule::{InvalidRule, WindowRule};
pub use state::{Advance, HeldPrice, OpenWindow, WindowState};
pub use valuation::{ClosedWindow, NotEvaluable, NotEvaluated};
