//! Batch sizes, windows and timeouts, that no trigger ever gives a batch up or loses one, and what services take for
//! names and texts.

use std::time::Duration;

use tidemill::template::Node;

use crate::documents::{at, document, functions, resources, stacks, template, text, text_at};

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

/// A minute that is missed is missed: neither an error nor a throttle makes ticks of another minute.
#[test]
fn no_tick_comes_late() {
    let document = document("template.yaml");
    let exchange = at(&document, "Resources.Exchange.Properties").unwrap();
    let asynchronous = at(exchange, "EventInvokeConfig").unwrap();
    assert_eq!(text_at(asynchronous, "MaximumRetryAttempts"), "0");
    assert_eq!(text_at(asynchronous, "MaximumEventAgeInSeconds"), "60");
    for (id, schedule) in at(exchange, "Events").unwrap().entries() {
        assert_eq!(
            text_at(schedule, "Properties.ScheduleExpression"),
            "rate(1 minute)"
        );
        let retries = text_at(schedule, "Properties.RetryPolicy.MaximumRetryAttempts");
        assert_eq!(retries, "0", "{id}");
    }
}

#[test]
fn no_trigger_gives_a_batch_up() {
    for parameters in [
        vec![],
        vec![("Pollers", "provisioned")],
        vec![("Kafka", "brokers"), ("KafkaBrokers", "b:9092")],
    ] {
        let template = template(&parameters);
        // Pollers on demand pass over an answer that names records and take the batch for done: then it must be an error.
        let read = parameters.contains(&("Pollers", "provisioned"));
        for function in template
            .functions
            .iter()
            .filter(|it| !it.triggers.is_empty())
        {
            let told = if read { "reported" } else { "unread" };
            assert_eq!(
                function.env["BATCH_ITEM_FAILURES"], told,
                "{}",
                function.name
            );
        }
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
            assert_eq!(trigger.report_batch_item_failures, read, "{id}");
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

/// Every text under one of these keys, however deep.
fn texts_at<'n>(node: &'n Node, keys: &[&str], found: &mut Vec<&'n Node>) {
    match node {
        Node::Map(entries) => {
            for (key, value) in entries {
                if keys.contains(&key.as_str()) {
                    found.push(value);
                }
                texts_at(value, keys, found);
            }
        }
        Node::List(items) => items.iter().for_each(|it| texts_at(it, keys, found)),
        Node::Call(_, argument) => texts_at(argument, keys, found),
        _ => {}
    }
}

#[test]
fn descriptions_of_security_groups_are_what_ec2_takes() {
    let takes = |c: char| c.is_ascii_alphanumeric() || "._-:/()#,@[]+=&;{}!$* ".contains(c);
    let mut count = 0;
    for (path, document) in stacks() {
        for (id, kind, resource) in resources(&document) {
            if !kind.starts_with("AWS::EC2::SecurityGroup") {
                continue;
            }
            let mut found = Vec::new();
            texts_at(resource, &["Description", "GroupDescription"], &mut found);
            for description in found {
                let said = description
                    .text()
                    .unwrap_or_else(|| panic!("{path}: {id}: {description}"));
                assert!(
                    said.len() <= 255 && said.chars().all(takes),
                    "{path}: {id}: {said}"
                );
                count += 1;
            }
        }
    }
    assert!(count > 8, "{count}");
}

#[test]
fn names_fit_however_the_stack_is_called() {
    let document = document("infra/cluster.yaml");
    let mut count = 0;
    for (id, kind, resource) in resources(&document) {
        let name = match kind {
            "AWS::MSK::Cluster" | "AWS::MSK::ServerlessCluster" => "Properties.ClusterName",
            "AWS::MSK::Configuration" => "Properties.Name",
            _ => continue,
        };
        let name = at(resource, name).unwrap().to_string();
        assert!(!name.contains("StackName"), "{id}: {name}");
        count += 1;
    }
    assert_eq!(count, 3);
}
