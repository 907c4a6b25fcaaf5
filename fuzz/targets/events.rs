//! Records of topics that feed tables.
#![no_main]

#[path = "../properties/events.rs"]
mod events;

libfuzzer_sys::fuzz_target!(|data: &[u8]| events::hold(data));
