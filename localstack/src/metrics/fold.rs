//! Adds what a line of metrics tells to what is known: the names say what kind of metric each is.

use metrics::{Label, counter, gauge, histogram};

use super::{
    embedded::{Reading, Values},
    freshness,
};

/// Adds every reading.
pub(super) fn fold(readings: &[Reading]) {
    for Reading {
        name,
        labels,
        values,
    } in readings
    {
        freshness::notice(name, labels, values);
        let name = name.clone();
        let labels: Vec<Label> = labels
            .iter()
            .map(|(key, value)| Label::new(key.clone(), value.clone()))
            .collect();
        match values {
            // Counters are written as integers that are no smaller than zero.
            Values::One(value) if name.ends_with("_total") => {
                counter!(name, labels).increment(*value as u64);
            }
            Values::One(value) => gauge!(name, labels).set(*value),
            Values::Many(values) => {
                let histogram = histogram!(name, labels);
                values.iter().for_each(|value| histogram.record(*value));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn counters_add_up_gauges_are_the_last_and_histograms_hold_all() {
        let recorder = PrometheusBuilder::new()
            .set_buckets(&[1.0, 10.0])
            .unwrap()
            .build_recorder();
        let reading = |name: &str, values| Reading {
            name: name.to_owned(),
            labels: vec![("topic".to_owned(), "a\"b\n".to_owned())],
            values,
        };
        metrics::with_local_recorder(&recorder, || {
            fold(&[
                reading("n_total", Values::One(3.0)),
                reading("g", Values::One(7.0)),
            ]);
            fold(&[
                reading("n_total", Values::One(4.0)),
                reading("g", Values::One(-0.5)),
                reading("h_seconds", Values::Many(vec![0.5, 2.0, 20.0])),
            ]);
        });
        let text = recorder.handle().render();
        for line in [
            r#"n_total{topic="a\"b\n"} 7"#,
            r#"g{topic="a\"b\n"} -0.5"#,
            r#"h_seconds_bucket{topic="a\"b\n",le="1"} 1"#,
            r#"h_seconds_bucket{topic="a\"b\n",le="+Inf"} 3"#,
            r#"h_seconds_sum{topic="a\"b\n"} 22.5"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }
}
