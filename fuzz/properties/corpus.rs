//! The corpora of `make fuzz`, run as they stand by `make test`: what was found once is not forgotten.

use std::fs;
use std::path::Path;

/// Hands every file of `fuzz/corpus/{name}` to a property, which panics where it does not hold.
pub(crate) fn hold(name: &str, property: impl Fn(&[u8])) {
    let corpus = Path::new("fuzz/corpus").join(name);
    // This file is compiled into crates at several depths.
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut folders = above.map(|folder| folder.join(&corpus));
    let folder = folders.find(|folder| folder.is_dir());
    let folder = folder.unwrap_or_else(|| panic!("there is no {}", corpus.display()));
    let mut held = 0;
    for file in fs::read_dir(&folder).unwrap() {
        let file = file.unwrap().path();
        eprintln!("{}", file.display()); // shown where it does not hold
        property(&fs::read(&file).unwrap());
        held += 1;
    }
    assert!(held > 0, "{} is empty", folder.display());
}
