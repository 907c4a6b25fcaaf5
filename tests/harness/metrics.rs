//! Prometheus' text format, read strictly: a line that is not of it is a panic.

use std::collections::{BTreeMap, BTreeSet};

use crate::http::get;
use crate::stack::Stack;

/// A sample's labels by name.
pub type Labels = BTreeMap<String, String>;

/// Everything that one scrape said.
#[derive(Debug, Default, Clone)]
pub struct Scrape {
    /// The text.
    pub text: String,
    /// What each means, by name.
    pub help: BTreeMap<String, String>,
    /// Kinds by name.
    pub kinds: BTreeMap<String, String>,
    /// Values by name and labels.
    pub samples: BTreeMap<String, Vec<(Labels, f64)>>,
}

impl Stack {
    /// `GET /metrics`.
    pub async fn metrics(&self) -> Scrape {
        let answer = get(format!("{}/metrics", self.run.lambda)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4");
        Scrape::parse(answer.text())
    }
}

impl Scrape {
    /// Reads a whole text.
    pub fn parse(text: String) -> Self {
        let mut scrape = Self::default();
        assert!(text.is_empty() || text.ends_with('\n'));
        let mut seen = BTreeSet::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(comment) = line.strip_prefix("# ") {
                let (what, rest) = comment.split_once(' ').expect(line);
                let (name, said) = rest.split_once(' ').expect(line);
                assert!(is_name(name), "{line}");
                match what {
                    "HELP" => {
                        let before = scrape.help.insert(name.to_owned(), said.to_owned());
                        assert_eq!(before, None, "a second HELP: {line}");
                    }
                    "TYPE" => {
                        let kinds = ["counter", "gauge", "histogram", "summary"];
                        assert!(kinds.contains(&said), "{line}");
                        let before = scrape.kinds.insert(name.to_owned(), said.to_owned());
                        assert_eq!(before, None, "a second TYPE: {line}");
                    }
                    _ => panic!("{line}"),
                }
                continue;
            }
            let (series, value) = line.rsplit_once(' ').expect(line);
            let value: f64 = value.parse().expect(line);
            assert!(seen.insert(series.to_owned()), "twice: {line}");
            let (name, labels) = match series.split_once('{') {
                None => (series, BTreeMap::new()),
                Some((name, rest)) => (name, labels(rest.strip_suffix('}').expect(line))),
            };
            assert!(is_name(name), "{line}");
            let family = ["_bucket", "_sum", "_count"]
                .iter()
                .filter_map(|suffix| name.strip_suffix(suffix))
                .find(|base| {
                    scrape
                        .kinds
                        .get(*base)
                        .is_some_and(|kind| kind == "histogram")
                })
                .unwrap_or(name);
            assert!(scrape.kinds.contains_key(family), "no TYPE before {line}");
            let samples = scrape.samples.entry(name.to_owned()).or_default();
            samples.push((labels, value));
        }
        scrape.text = text;
        scrape
    }

    /// The sum of a metric over every series that has these labels; 0 where there is none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.matching(name, labels).sum()
    }

    /// The values of every series that has these labels.
    pub fn matching(&self, name: &str, labels: &[(&str, &str)]) -> impl Iterator<Item = f64> {
        let samples = self.samples.get(name).into_iter().flatten();
        let has = |found: &Labels| {
            labels
                .iter()
                .all(|(key, value)| found.get(*key).is_some_and(|found| found == value))
        };
        let values: Vec<f64> = samples
            .filter(|(found, _)| has(found))
            .map(|(_, value)| *value)
            .collect();
        values.into_iter()
    }
}

fn is_name(name: &str) -> bool {
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == ':');
    first
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}

/// `key="value",…`, with `\\`, `\"` and `\n` in values.
fn labels(text: &str) -> Labels {
    let mut labels = BTreeMap::new();
    let mut rest = text.chars().peekable();
    while rest.peek().is_some() {
        let key: String = rest.by_ref().take_while(|c| *c != '=').collect();
        assert!(is_name(&key), "{text}");
        assert_eq!(rest.next(), Some('"'), "{text}");
        let mut value = String::new();
        loop {
            match rest.next().expect(text) {
                '"' => break,
                '\\' => value.push(match rest.next().expect(text) {
                    'n' => '\n',
                    plain @ ('\\' | '"') => plain,
                    _ => panic!("{text}"),
                }),
                plain => value.push(plain),
            }
        }
        assert_eq!(labels.insert(key, value), None, "{text}");
        assert!(matches!(rest.next(), None | Some(',')), "{text}");
    }
    labels
}
