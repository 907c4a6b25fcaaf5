//! The corpus of `make fuzz` for `template`, run as it stands: what was found once is not forgotten.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../../fuzz/properties/template.rs"]
mod template;

#[test]
fn the_corpus_holds() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/template");
    let files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert!(!files.is_empty(), "{folder} is empty");
    for file in files {
        eprintln!("{}", file.display()); // shown where it does not hold
        template::hold(&std::fs::read(&file).unwrap());
    }
}
