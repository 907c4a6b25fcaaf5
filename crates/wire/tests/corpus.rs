//! The corpus of `make fuzz` for `wire`, run as it stands: what was found once is not forgotten.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../../fuzz/properties/wire.rs"]
mod wire;

#[test]
fn the_corpus_holds() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/wire");
    let files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert!(!files.is_empty(), "{folder} is empty");
    for file in files {
        eprintln!("{}", file.display()); // shown where it does not hold
        wire::hold(&std::fs::read(&file).unwrap());
    }
}
