//! Counters that say whether something is wrong are there from the start: no alert can be written on what is absent.

use lake::Table;
use metrics::counter;

use super::names::{ERRORS, EXITS, GIVEN_UP, INVOCATIONS, LOST, RETRIES, THROTTLES};
use crate::template::{FunctionSpec, Template};

const OF_FUNCTIONS: [&str; 4] = [INVOCATIONS, ERRORS, THROTTLES, EXITS];
const OF_TRIGGERS: [&str; 3] = [RETRIES, GIVEN_UP, LOST];
/// What committers tell of their tables.
const OF_TABLES: [&str; 5] = [
    lake::metrics::COMMITS,
    lake::metrics::CONFLICTS,
    lake::metrics::RETRIES,
    lake::metrics::GAPS,
    lake::metrics::OTHER_LOGS,
];
const DEAD_LETTERS: &str = "archive_dead_letters_total";
/// The one that makes rows of its own of a topic's; the other keeps the topics' rows.
const EVALUATE: &str = "evaluate";

/// Sets them to 0, for every function, topic and table of the template.
pub(super) fn start(template: &Template) {
    for function in &template.functions {
        let name = &function.name;
        for metric in OF_FUNCTIONS {
            counter!(metric, "function" => name.clone()).increment(0);
        }
        for topic in topics(function) {
            for metric in OF_TRIGGERS {
                let labels = [("function", name.clone()), ("topic", topic.clone())];
                counter!(metric, &labels).increment(0);
            }
        }
        for table in tables(function) {
            let labels = [
                ("function", name.clone()),
                ("table", table.name().to_owned()),
            ];
            for metric in OF_TABLES {
                counter!(metric, &labels).increment(0);
            }
            if table.topic().is_some() {
                counter!(DEAD_LETTERS, &labels).increment(0);
            }
        }
    }
}

fn topics(function: &FunctionSpec) -> impl Iterator<Item = &String> {
    function.triggers.iter().flat_map(|trigger| &trigger.topics)
}

/// The tables that a function commits to.
fn tables(function: &FunctionSpec) -> Vec<Table> {
    if function.name == EVALUATE {
        return vec![Table::Evaluations];
    }
    let mut tables: Vec<Table> = topics(function)
        .filter_map(|it| Table::of_topic(it))
        .collect();
    if !tables.is_empty() {
        tables.push(Table::DeadLetter);
    }
    tables
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;
    use crate::template::Values;

    #[test]
    fn what_never_happened_is_zero() {
        let text = include_str!("../../../template.yaml");
        let template = Template::parse(text, &Values::new()).unwrap();
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || start(&template));
        let text = recorder.handle().render();
        for line in [
            r#"lake_gaps_total{function="archive",table="ticks"} 0"#,
            r#"lake_gaps_total{function="evaluate",table="evaluations"} 0"#,
            r#"lake_other_logs_total{function="archive",table="dead_letter"} 0"#,
            r#"archive_dead_letters_total{function="archive",table="stock_call"} 0"#,
            r#"trigger_lost_records_total{function="evaluate",topic="StockExchange"} 0"#,
            r#"function_errors_total{function="query"} 0"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        assert!(
            !text.contains(r#"archive_dead_letters_total{function="evaluate""#),
            "{text}"
        );
    }
}
