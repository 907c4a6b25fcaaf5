//! Names of metrics in the code, in the documentation and on the wire are the same.

use std::collections::BTreeSet;
use std::fs;

use tests::metrics::Scrape;
use tests::stack::workspace;

/// The names in the first column of the tables of docs/metrics.md that list metrics.
fn documented() -> BTreeSet<String> {
    let text = fs::read_to_string(workspace().join("docs/metrics.md")).unwrap();
    let tables = text.split_once("## Written by functions").unwrap().1;
    let tables = tables.split_once("## The line of an invocation").unwrap().0;
    let rows = tables.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split_once('`').unwrap().0.to_owned())
        .collect()
}

/// The names in the file of definitions of each crate.
fn defined() -> BTreeSet<String> {
    let mut files = vec![workspace().join("localstack/src/metrics/names.rs")];
    for folder in ["crates", "functions"] {
        for member in fs::read_dir(workspace().join(folder)).unwrap() {
            files.push(member.unwrap().path().join("src/metrics.rs"));
        }
    }
    let texts = files
        .iter()
        .filter_map(|file| fs::read_to_string(file).ok());
    let names = texts.flat_map(|text| {
        let constants = text
            .lines()
            .filter_map(|line| line.split_once(": &str = \""));
        constants
            .map(|(_, rest)| rest.trim_end_matches("\";").to_owned())
            .collect::<Vec<_>>()
    });
    names.collect()
}

#[test]
fn every_metric_is_documented_and_nothing_else_is() {
    let (documented, defined) = (documented(), defined());
    assert!(defined.len() > 30, "{defined:?}");
    assert_eq!(documented, defined);
}

/// Whatever a scrape shows is documented, and says what it means in the document's words.
pub(super) fn are_documented(scrape: &Scrape) {
    let text = fs::read_to_string(workspace().join("docs/metrics.md")).unwrap();
    let meanings = text.replace('`', "");
    let documented = documented();
    let unknown: Vec<_> = scrape
        .kinds
        .keys()
        .filter(|name| !documented.contains(*name))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    for name in scrape.kinds.keys() {
        let help = scrape
            .help
            .get(name)
            .map(String::as_str)
            .unwrap_or_default();
        assert!(
            meanings.contains(help) && help.len() > 3,
            "{name}: {help:?}"
        );
        let counter = scrape.kinds[name] == "counter";
        assert_eq!(counter, name.ends_with("_total"), "{name}");
    }
}
