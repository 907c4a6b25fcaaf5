//! Statements over small lakes that the lake's own commit has written.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod analysts;
mod attacks;
#[path = "../../../../tests/fixtures/attacks.rs"]
mod attacks_data;
mod case;
mod formats;
mod games;
mod grown;
mod lakes;
mod limits;
mod refusals;
mod replays;
#[path = "../../../../tests/fixtures/rows.rs"]
mod rows;
mod scale;
mod sums;
