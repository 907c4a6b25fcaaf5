//! Every line is what CloudWatch's published schema of the embedded metric format asks for, and tells what was recorded.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, UNIX_EPOCH};

use metrics::{Key, Label, Level, Metadata, Recorder};
use proptest::prelude::*;
use serde_json::{Value, json};
use telemetry::Emf;

/// The units that the schema allows and that names of ours can end in.
const UNITS: [&str; 3] = ["Seconds", "Bytes", "Count"];

/// The rules of the published schema: what must be there, of which kind, how long, how many.
fn check(document: &Value) {
    let aws = document["_aws"].as_object().expect("_aws is an object");
    assert!(aws["Timestamp"].is_u64(), "{document}");
    let directives = aws["CloudWatchMetrics"].as_array().expect("an array");
    assert!(!directives.is_empty(), "{document}");
    for directive in directives {
        let namespace = directive["Namespace"].as_str().expect("a text");
        assert!((1..=1024).contains(&namespace.len()), "{document}");
        let sets = directive["Dimensions"].as_array().expect("an array");
        assert!(!sets.is_empty(), "{document}");
        for set in sets {
            let keys = set.as_array().expect("an array of arrays");
            assert!((1..=30).contains(&keys.len()), "{document}");
            for key in keys {
                let key = key.as_str().expect("a text");
                assert!((1..=250).contains(&key.len()), "{document}");
                let value = document[key].as_str().expect("a dimension at the root");
                assert!((1..=1024).contains(&value.len()), "{document}");
            }
        }
        let metrics = directive["Metrics"].as_array().expect("an array");
        assert!((1..=100).contains(&metrics.len()), "{document}");
        let names: BTreeSet<&str> = metrics
            .iter()
            .map(|m| m["Name"].as_str().unwrap())
            .collect();
        assert_eq!(names.len(), metrics.len(), "a name comes once: {document}");
        for metric in metrics {
            let name = metric["Name"].as_str().expect("a text");
            assert!((1..=1024).contains(&name.len()), "{document}");
            assert!(
                UNITS.contains(&metric["Unit"].as_str().unwrap()),
                "{document}"
            );
            match &document[name] {
                Value::Array(values) => {
                    assert!((1..=100).contains(&values.len()), "{document}");
                    assert!(values.iter().all(Value::is_number), "{document}");
                }
                value => assert!(value.is_number(), "{name} at the root: {document}"),
            }
        }
    }
}

fn written(emf: &Emf) -> Vec<Value> {
    let mut out = Vec::new();
    let now = UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
    emf.write(now, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    let documents: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    documents.iter().for_each(check);
    documents
}

fn key(name: &str, labels: &[(&str, &str)]) -> Key {
    let labels: Vec<Label> = labels
        .iter()
        .map(|(name, value)| Label::new((*name).to_owned(), (*value).to_owned()))
        .collect();
    Key::from_parts(name.to_owned(), labels)
}

const META: Metadata<'static> = Metadata::new("tests", Level::INFO, None);

#[test]
fn a_document_says_what_was_added_set_and_observed() {
    let emf = Emf::new("archive");
    let ticks = [("table", "ticks")];
    emf.register_counter(&key("lake_commits_total", &ticks), &META)
        .increment(2);
    emf.register_counter(&key("lake_commits_total", &ticks), &META)
        .increment(1);
    emf.register_gauge(&key("age_seconds", &ticks), &META)
        .set(1.5);
    emf.register_histogram(&key("size_bytes", &ticks), &META)
        .record(7.0);
    assert_eq!(
        written(&emf),
        [json!({
            "_aws": {"Timestamp": 1_700_000_000_123_u64, "CloudWatchMetrics": [{
                "Namespace": "Tidemill",
                "Dimensions": [["function", "table"]],
                "Metrics": [
                    {"Name": "age_seconds", "Unit": "Seconds"},
                    {"Name": "lake_commits_total", "Unit": "Count"},
                    {"Name": "size_bytes", "Unit": "Bytes"},
                ],
            }]},
            "function": "archive", "table": "ticks",
            "age_seconds": 1.5, "lake_commits_total": 3, "size_bytes": [7.0],
        })]
    );
    assert_eq!(written(&emf), Vec::<Value>::new(), "nothing is told twice");
    emf.register_gauge(&key("age_seconds", &ticks), &META)
        .set(1.5);
    assert_eq!(written(&emf).len(), 1, "set again is told again");
}

#[test]
fn more_than_a_document_holds_is_told_in_several() {
    let emf = Emf::new("f");
    for number in 0..250 {
        emf.register_counter(&key(&format!("c{number}_total"), &[]), &META)
            .increment(1);
    }
    let histogram = emf.register_histogram(&key("h_seconds", &[]), &META);
    (0..1001).for_each(|value| histogram.record(f64::from(value)));
    let documents = written(&emf);
    let values: Vec<f64> = documents
        .iter()
        .filter_map(|document| document["h_seconds"].as_array())
        .flatten()
        .map(|value| value.as_f64().unwrap())
        .collect();
    assert_eq!(values, (0..1001).map(f64::from).collect::<Vec<_>>());
    let counters = (0..250).filter(|number| {
        let name = format!("c{number}_total");
        documents.iter().filter(|d| d[&name] == 1).count() == 1
    });
    assert_eq!(counters.count(), 250);
}

#[test]
fn what_is_no_number_is_left_out_and_a_name_is_of_one_kind() {
    let emf = Emf::new("f");
    emf.register_gauge(&key("g", &[]), &META).set(f64::NAN);
    emf.register_histogram(&key("h", &[]), &META)
        .record(f64::INFINITY);
    assert_eq!(written(&emf), Vec::<Value>::new());
    emf.register_counter(&key("g", &[]), &META).increment(1);
    assert_eq!(written(&emf), Vec::<Value>::new());
}

proptest! {
    #[test]
    fn whatever_is_counted_adds_up(
        added in proptest::collection::vec((0..5_usize, 0..4_usize, 1..1000_u64, any::<bool>()), 0..200)
    ) {
        let emf = Emf::new("f");
        let (mut expected, mut told) = (BTreeMap::new(), BTreeMap::new());
        let mut tell = |emf: &Emf| {
            for document in written(emf) {
                for name in 0..5 {
                    let name = format!("n{name}_bytes_total");
                    if let Some(value) = document[&name].as_u64() {
                        let label = document["topic"].as_str().unwrap().to_owned();
                        *told.entry((name, label)).or_insert(0) += value;
                    }
                }
            }
        };
        for (name, label, value, write) in added {
            let (name, label) = (format!("n{name}_bytes_total"), format!("t{label}"));
            emf.register_counter(&key(&name, &[("topic", &label)]), &META).increment(value);
            *expected.entry((name, label)).or_insert(0) += value;
            if write {
                tell(&emf);
            }
        }
        tell(&emf);
        prop_assert_eq!(told, expected);
    }
}
