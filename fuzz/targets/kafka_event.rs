//! What a Kafka trigger hands to a function.
#![no_main]

#[path = "../properties/kafka_event.rs"]
mod kafka_event;

libfuzzer_sys::fuzz_target!(|data: &[u8]| kafka_event::hold(data));
