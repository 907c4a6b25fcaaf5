//! Documents of the format: how samples are spread over lines that CloudWatch takes.

use serde_json::{Map, Value, json};

use super::NAMESPACE;
use super::series::Taken;

/// A document holds at most this many metrics, and a metric at most this many values.
const MOST: usize = 100;

/// Names and values of a series' labels, in the order in which they were given.
pub(super) type Labels = Vec<(String, String)>;

/// One metric and what it had to tell.
pub(super) struct Sample {
    name: String,
    taken: Taken,
}

impl Sample {
    pub(super) fn new(name: &str, taken: Taken) -> Self {
        Self {
            name: name.to_owned(),
            taken,
        }
    }

    /// The metric's values, in as many as documents can hold; a value that JSON has no number for is none.
    fn values(self) -> Vec<Value> {
        match self.taken {
            Taken::Count(count) => vec![json!(count)],
            Taken::Value(value) => Vec::from_iter(value.is_finite().then(|| json!(value))),
            Taken::Values(mut values) => {
                values.retain(|value| value.is_finite());
                values.chunks(MOST).map(|part| json!(part)).collect()
            }
        }
    }
}

/// The documents that tell `samples`, which share their labels.
pub(super) fn documents(
    at: u64,
    function: &str,
    labels: &Labels,
    samples: Vec<Sample>,
) -> Vec<Value> {
    // A name stands once in a document, so the second part of a metric's values begins a second row of documents.
    let mut rows: Vec<Vec<(String, Value)>> = Vec::new();
    for sample in samples {
        let name = sample.name.clone();
        for (row, value) in sample.values().into_iter().enumerate() {
            if rows.len() <= row {
                rows.push(Vec::new());
            }
            rows[row].push((name.clone(), value));
        }
    }
    rows.iter()
        .flat_map(|row| row.chunks(MOST))
        .map(|metrics| document(at, function, labels, metrics))
        .collect()
}

fn document(at: u64, function: &str, labels: &Labels, metrics: &[(String, Value)]) -> Value {
    let dimensions: Vec<&str> = std::iter::once("function")
        .chain(labels.iter().map(|(name, _)| name.as_str()))
        .collect();
    let definitions: Vec<Value> = metrics
        .iter()
        .map(|(name, _)| json!({"Name": name, "Unit": unit(name)}))
        .collect();
    let mut root = Map::new();
    root.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": at,
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [dimensions],
                "Metrics": definitions,
            }],
        }),
    );
    root.insert("function".to_owned(), json!(function));
    for (name, value) in labels {
        root.insert(name.clone(), json!(value));
    }
    root.extend(metrics.iter().cloned());
    Value::Object(root)
}

/// The unit that a name ends in, as CloudWatch calls it.
fn unit(name: &str) -> &'static str {
    let name = name.strip_suffix("_total").unwrap_or(name);
    if name.ends_with("_seconds") {
        "Seconds"
    } else if name.ends_with("_bytes") {
        "Bytes"
    } else {
        "Count"
    }
}
