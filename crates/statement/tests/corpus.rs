//! The corpus of `make fuzz` for `statement`, run as it stands: what was found once is not forgotten.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../../fuzz/properties/statement.rs"]
mod statement;

#[test]
fn the_corpus_holds() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/statement");
    let files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert!(!files.is_empty(), "{folder} is empty");
    for file in files {
        eprintln!("{}", file.display()); // shown where it does not hold
        statement::hold(&std::fs::read(&file).unwrap());
    }
}
