//! Batch sizes, windows and timeouts, and that no trigger ever gives a batch up.

use std::time::Duration;

use crate::documents::{at, document, functions, resources, template, text};

/// What a setting of the producer is, by the code.
fn producer(setting: &str) -> Duration {
    let code = text("crates/stream/src/kafka.rs");
    let (_, rest) = code.split_once(&format!("\"{setting}\", \"")).unwrap();
    Duration::from_millis(rest.split_once('"').unwrap().0.parse().unwrap())
}

/// What API Gateway waits for a function at most.
const API: Duration = Duration::from_secs(30);

#[test]
fn whoever_waits_waits_longer_than_whom_it_waits_for() {
    let (request, delivery) = (
        producer("request.timeout.ms"),
        producer("message.timeout.ms"),
    );
    assert!(request < delivery, "{request:?} {delivery:?}");
    for spec in functions() {
        assert!(delivery < spec.timeout, "{}: {:?}", spec.name, spec.timeout);
        if !spec.routes.is_empty() {
            assert!(spec.timeout < API, "{}: {:?}", spec.name, spec.timeout);
        }
        // Lambda gives up on a Kafka trigger's function after 14 minutes.
        assert!(
            spec.triggers.is_empty() || spec.timeout <= Duration::from_secs(14 * 60),
            "{}",
            spec.name
        );
    }
}

#[test]
fn no_trigger_gives_a_batch_up() {
    for parameters in [
        vec![],
        vec![("Kafka", "brokers"), ("KafkaBrokers", "b:9092")],
    ] {
        let template = template(&parameters);
        let triggers = template.functions.iter().flat_map(|it| &it.triggers);
        let mut count = 0;
        for trigger in triggers {
            let id = &trigger.id;
            count += 1;
            assert!((1..=10_000).contains(&trigger.batch_size), "{id}");
            assert!(trigger.batching_window <= Duration::from_secs(300), "{id}");
            // The contract: a row is there after the window and two seconds more.
            let games = trigger
                .topics
                .iter()
                .all(|it| it == "events" || it == "game_events");
            let window = if games { 10 } else { 20 };
            assert_eq!(trigger.batching_window, Duration::from_secs(window), "{id}");
            assert_eq!(trigger.maximum_retry_attempts, None, "{id}");
            assert_eq!(trigger.on_failure, None, "{id}");
            assert!(trigger.report_batch_item_failures, "{id}");
            assert_eq!(trigger.topics.len(), 1, "{id}: a group reads one topic");
        }
        assert_eq!(count, 7);
    }
    // What the runner does not know, it would refuse; this is what Lambda knows beyond that.
    let document = document("template.yaml");
    for (id, kind, mapping) in resources(&document) {
        if kind != "AWS::Lambda::EventSourceMapping" {
            continue;
        }
        for forbidden in [
            "MaximumRetryAttempts",
            "MaximumRecordAgeInSeconds",
            "BisectBatchOnFunctionError",
            "DestinationConfig",
            "FilterCriteria",
        ] {
            assert_eq!(
                at(mapping, &format!("Properties.{forbidden}")),
                None,
                "{id}: {forbidden}"
            );
        }
    }
}

#[test]
fn metrics_of_the_alarms_are_metrics_that_there_are() {
    let watch = text("infra/watch.yaml");
    let documented = text("docs/metrics.md");
    let mut names: Vec<&str> = Vec::new();
    for line in watch.lines() {
        if let Some((_, rest)) = line.split_once("Namespace: Tidemill, MetricName: ") {
            names.push(rest.split(',').next().unwrap());
        }
        if let Some((_, rest)) = line.split_once("(")
            && line.contains("FROM SCHEMA(\"Tidemill\"")
        {
            names.push(rest.split(')').next().unwrap());
        }
        if let Some((_, rest)) = line.split_once("MetricName=\\\"") {
            names.push(rest.split('\\').next().unwrap());
        }
    }
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        assert!(
            documented.contains(&format!("| `{name}` |")),
            "{name} is not in docs/metrics.md"
        );
    }
    let operations = text("docs/operations.md");
    let document = document("infra/watch.yaml");
    for (id, kind, _) in resources(&document) {
        assert!(
            kind != "AWS::CloudWatch::Alarm" || operations.contains(&format!("`{id}`")),
            "docs/operations.md does not say what to do about {id}"
        );
    }
}
