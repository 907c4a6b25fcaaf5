//! The corpus of `make fuzz` for `template`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../../fuzz/properties/corpus.rs"]
mod corpus;
#[path = "../../../fuzz/properties/template.rs"]
mod template;

#[test]
fn the_corpus_holds() {
    corpus::hold("template", template::hold);
}
