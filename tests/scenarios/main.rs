//! Black-box scenarios: what a user does, against the real binaries.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod apache_kafka;
mod architecture;
#[path = "../fixtures/attacks.rs"]
mod attacks;
mod bad_input;
mod broker_down;
mod commands;
mod exchanges;
mod games;
mod gaps;
mod generators;
mod investors;
mod object_storage;
mod observability;
mod openapi;
mod outage;
mod overload;
mod partial_answers;
mod poison;
mod questions;
mod replay;
mod reports;
mod sandbox;
mod secured_kafka;
mod security;
mod stock_advice;
mod survival;
mod topics_function;
