//! Requests to `handle` over small lakes that the lake's own commit has written.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod events;
mod expected;
mod files;
mod holdings;
mod holdings_form;
mod lakes;
mod pages;
mod portfolio_forms;
mod portfolios;
mod questions;
mod reports;
mod routes;
#[path = "../../../../tests/fixtures/rows.rs"]
mod rows;
mod sql;
mod sql_page;
