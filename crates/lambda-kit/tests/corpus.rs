//! The corpus of `make fuzz` for `kafka_event`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../../fuzz/properties/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/properties/kafka_event.rs"]
mod kafka_event;

#[test]
fn the_corpus_holds() {
    corpus::hold("kafka_event", kafka_event::hold);
}
