//! Every route and every refusal of the Stocks API, and the events that they make or do not make.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod answers;
mod fixture;
mod refusals;
