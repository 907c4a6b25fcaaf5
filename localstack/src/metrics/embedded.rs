//! Lines in CloudWatch's embedded metric format.

use serde_json::Value;

/// Lines of metrics begin so, and no line of a log does.
const START: &[u8] = br#"{"_aws":"#;

/// One metric of a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    pub(super) name: String,
    /// The names and values of its dimensions.
    pub(super) labels: Vec<(String, String)>,
    pub(super) values: Values,
}

/// What a document says of a metric.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Values {
    One(f64),
    Many(Vec<f64>),
}

/// The metrics of a line; `None` if it is no document of them.
pub(super) fn read(line: &[u8]) -> Option<Vec<Reading>> {
    if !line.starts_with(START) {
        return None;
    }
    let root: Value = serde_json::from_slice(line).ok()?;
    let directives = root["_aws"]["CloudWatchMetrics"].as_array()?;
    let mut readings = Vec::new();
    for directive in directives {
        // More than one set of dimensions would be the same values told again.
        let keys = directive["Dimensions"][0].as_array()?;
        let label = |key: &Value| {
            let key = key.as_str()?;
            Some((key.to_owned(), root[key].as_str()?.to_owned()))
        };
        let labels = keys.iter().map(label).collect::<Option<Vec<_>>>()?;
        for metric in directive["Metrics"].as_array()? {
            let name = metric["Name"].as_str()?;
            readings.push(Reading {
                name: name.to_owned(),
                labels: labels.clone(),
                values: values(&root[name])?,
            });
        }
    }
    Some(readings)
}

fn values(value: &Value) -> Option<Values> {
    match value {
        Value::Array(many) => many
            .iter()
            .map(Value::as_f64)
            .collect::<Option<_>>()
            .map(Values::Many),
        one => one.as_f64().map(Values::One),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_line_of_metrics_is_read_and_any_other_is_none() {
        let line = br#"{"_aws":{"Timestamp":1,"CloudWatchMetrics":[{"Namespace":"Tidemill","Dimensions":[["function","table"]],"Metrics":[{"Name":"a_total","Unit":"Count"},{"Name":"b_seconds","Unit":"Seconds"}]}]},"a_total":3,"b_seconds":[0.5,2],"function":"archive","table":"ticks"}
"#;
        let labels = vec![
            ("function".to_owned(), "archive".to_owned()),
            ("table".to_owned(), "ticks".to_owned()),
        ];
        let reading = |name: &str, values| Reading {
            name: name.to_owned(),
            labels: labels.clone(),
            values,
        };
        assert_eq!(
            read(line).unwrap(),
            [
                reading("a_total", Values::One(3.0)),
                reading("b_seconds", Values::Many(vec![0.5, 2.0])),
            ]
        );
        for other in [
            &b"{\"timestamp\":\"now\",\"_aws\":1}"[..],
            b"{\"_aws\":1}",
            b"{\"_aws\":{\"CloudWatchMetrics\":[{}]}}",
            b"{\"_aws\":",
            b"",
        ] {
            assert_eq!(read(other), None);
        }
    }
}
