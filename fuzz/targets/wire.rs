//! What goes into records and comes out of them.
#![no_main]

#[path = "../properties/wire.rs"]
mod wire;

libfuzzer_sys::fuzz_target!(|data: &[u8]| wire::hold(data));
