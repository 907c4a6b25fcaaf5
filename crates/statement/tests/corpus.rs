//! The corpus of `make fuzz` for `statement`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../../fuzz/properties/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/properties/statement.rs"]
mod statement;

#[test]
fn the_corpus_holds() {
    corpus::hold("statement", statement::hold);
}
