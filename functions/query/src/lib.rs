//! The function `query`: answers questions about the lake over HTTP.
//!
//! Trigger: the Lake API. Inputs: the lake's tables of links and its holdings. Outputs: answers; and new versions of
//! holdings by PUT and DELETE, which `evaluate` takes up with the next window.
//! Guarantee: an answer holds every row that was committed before the request came, each once; nothing that is asked
//! can change a row, reach anything but the lake's tables, or keep the function busy past its limits.

mod catalogue;
mod charts;
mod context;
mod cost;
mod csv_files;
mod evaluations;
mod figures;
mod holdings;
mod interval;
mod negotiate;
mod pages;
mod portfolios;
mod questions;
mod refusal;
mod reports;
mod respond;
mod routes;
mod statistics;
mod tables;

pub use context::{Config, ConnectError, Context, Urls};
pub use routes::handle;

#[cfg(test)]
mod tests;
