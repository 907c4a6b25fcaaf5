//! Statements of strangers.
#![no_main]

#[path = "../properties/statement.rs"]
mod statement;

libfuzzer_sys::fuzz_target!(|data: &[u8]| statement::hold(data));
