//! The corpus of `make fuzz` for `events`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../../fuzz/properties/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/properties/events.rs"]
mod events;

#[test]
fn the_corpus_holds() {
    corpus::hold("events", events::hold);
}
