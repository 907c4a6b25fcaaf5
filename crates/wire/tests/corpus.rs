//! The corpus of `make fuzz` for `wire`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../../fuzz/properties/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/properties/wire.rs"]
mod wire;

#[test]
fn the_corpus_holds() {
    corpus::hold("wire", wire::hold);
}
