//! Every route and every refusal of the Games API, and the events that they make or do not make.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod answers;
mod bodies;
#[path = "../../../../tests/fixtures/openapi.rs"]
mod described;
mod fixture;
mod openapi;
mod refusals;
mod texts;
