//! Kafka triggers: events of the types `MSK` and `SelfManagedKafka`, and event source mappings that are resources.

use std::time::Duration;

use super::{
    EventSource, KafkaTrigger, OnFailure, StartingPosition, TemplateError, node::Node,
    properties::Properties,
};

/// Lambda's defaults for Kafka.
const DEFAULT_BATCH_SIZE: u32 = 100;
const DEFAULT_BATCHING_WINDOW: Duration = Duration::from_millis(500);

/// The properties that all kinds have. What is left out (filters, record age, bisecting) would change which records
/// a function sees, so it is refused rather than passed over.
const SHARED: [&str; 10] = [
    "Topics",
    "BatchSize",
    "MaximumBatchingWindowInSeconds",
    "StartingPosition",
    "FunctionResponseTypes",
    "DestinationConfig",
    "MaximumRetryAttempts",
    "Enabled",
    "SourceAccessConfigurations",
    "ProvisionedPollerConfig",
];

const TOPICS: &str = "a list of at least one topic: letters, digits, . _ -, at most 249";
const POSITIONS: &str = "TRIM_HORIZON, LATEST (the local stack does not serve AT_TIMESTAMP)";

/// An event of the type `MSK`; `None` when it is disabled.
pub(super) fn msk(
    id: &str,
    properties: &Properties<'_>,
    function: &str,
) -> Result<Option<KafkaTrigger>, TemplateError> {
    only(properties, &["Stream", "ConsumerGroupId"])?;
    let arn = match properties.get("Stream")? {
        Some(Node::Text(arn)) => Some(arn),
        Some(Node::Unresolved(_)) => None,
        Some(other) => return Err(properties.refused("Stream", &other, "the ARN of a cluster")),
        None => return Err(properties.refused("Stream", &"nothing", "the ARN of a cluster")),
    };
    if properties.raw("StartingPosition").is_none() {
        return Err(properties.refused("StartingPosition", &"nothing", POSITIONS));
    }
    let group = group(properties, function)?;
    trigger(id, properties, group, EventSource::Msk { arn })
}

/// An event of the type `SelfManagedKafka`; `None` when it is disabled.
pub(super) fn self_managed(
    id: &str,
    properties: &Properties<'_>,
    function: &str,
) -> Result<Option<KafkaTrigger>, TemplateError> {
    only(properties, &["KafkaBootstrapServers", "ConsumerGroupId"])?;
    let group = group(properties, function)?;
    trigger(id, properties, group, EventSource::SelfManaged)
}

/// A mapping that is a resource of its own, with the logical id of the function that it invokes; no trigger when it is
/// disabled.
pub(super) fn mapping(
    properties: &Properties<'_>,
) -> Result<(String, Option<KafkaTrigger>), TemplateError> {
    let id = properties.logical_id();
    let own = [
        "FunctionName",
        "EventSourceArn",
        "SelfManagedEventSource",
        MSK_CONFIG,
        OWN_CONFIG,
        "Tags",
    ];
    only(properties, &own)?;
    let function = match properties.raw("FunctionName") {
        Some(Node::Call(call, argument)) if call == "Ref" => argument.text(),
        _ => None,
    };
    let Some(function) = function else {
        let allowed = "!Ref of an AWS::Serverless::Function";
        return Err(properties.refused("FunctionName", &"something else", allowed));
    };
    let arn = properties.get("EventSourceArn")?;
    let own = properties.get("SelfManagedEventSource")?;
    let (source, config) = match (arn, own) {
        (Some(Node::Text(arn)), None) => (EventSource::Msk { arn: Some(arn) }, MSK_CONFIG),
        (Some(Node::Unresolved(_)), None) => (EventSource::Msk { arn: None }, MSK_CONFIG),
        (None, Some(_)) => (EventSource::SelfManaged, OWN_CONFIG),
        _ => {
            let allowed = "the ARN of a cluster, or SelfManagedEventSource in its place";
            return Err(properties.refused("EventSourceArn", &"neither or both", allowed));
        }
    };
    let group = properties
        .get(config)?
        .and_then(|config| config.get("ConsumerGroupId")?.text().map(str::to_owned));
    let group = group.unwrap_or_else(|| format!("tidemill-{id}"));
    Ok((function.to_owned(), trigger(id, properties, group, source)?))
}

const MSK_CONFIG: &str = "AmazonManagedKafkaEventSourceConfig";
const OWN_CONFIG: &str = "SelfManagedKafkaEventSourceConfig";

/// Refuses properties that are neither shared nor a kind's own.
fn only(properties: &Properties<'_>, own: &[&str]) -> Result<(), TemplateError> {
    let known: Vec<&str> = SHARED.iter().chain(own).copied().collect();
    properties.only(&known)
}

/// The consumer group of an event of `function`.
fn group(properties: &Properties<'_>, function: &str) -> Result<String, TemplateError> {
    let group = properties.text("ConsumerGroupId", "the name of a consumer group")?;
    Ok(group.unwrap_or_else(|| format!("tidemill-{function}")))
}

fn trigger(
    id: &str,
    properties: &Properties<'_>,
    consumer_group: String,
    source: EventSource,
) -> Result<Option<KafkaTrigger>, TemplateError> {
    let mut topics = properties.texts("Topics", TOPICS)?.unwrap_or_default();
    if topics.is_empty() || !topics.iter().all(|topic| is_topic(topic)) {
        return Err(properties.refused("Topics", &topics.join(", "), TOPICS));
    }
    topics.sort_unstable();
    topics.dedup();
    let window = properties.number("MaximumBatchingWindowInSeconds", 0..=300)?;
    let on_failure = on_failure(properties)?;
    let attempts = properties.number("MaximumRetryAttempts", 0..=10_000)?;
    let trigger = KafkaTrigger {
        id: id.to_owned(),
        source,
        topics,
        batch_size: properties
            .number("BatchSize", 1..=10_000)?
            .unwrap_or(DEFAULT_BATCH_SIZE) as usize,
        batching_window: window.map_or(DEFAULT_BATCHING_WINDOW, |seconds| {
            Duration::from_secs(seconds.into())
        }),
        starting_position: starting_position(properties)?,
        consumer_group,
        report_batch_item_failures: reports_item_failures(properties)?,
        maximum_retry_attempts: match on_failure {
            // With a destination a batch is given up after ten attempts at the latest.
            Some(_) => Some(
                attempts
                    .unwrap_or(MOST_RETRIES_WITH_DESTINATION)
                    .min(MOST_RETRIES_WITH_DESTINATION),
            ),
            None => attempts,
        },
        on_failure,
    };
    Ok(properties
        .flag("Enabled")?
        .unwrap_or(true)
        .then_some(trigger))
}

const MOST_RETRIES_WITH_DESTINATION: u32 = 10;

fn starting_position(properties: &Properties<'_>) -> Result<StartingPosition, TemplateError> {
    match properties.text("StartingPosition", POSITIONS)?.as_deref() {
        None | Some("TRIM_HORIZON") => Ok(StartingPosition::TrimHorizon),
        Some("LATEST") => Ok(StartingPosition::Latest),
        Some(other) => Err(properties.refused("StartingPosition", &other, POSITIONS)),
    }
}

fn reports_item_failures(properties: &Properties<'_>) -> Result<bool, TemplateError> {
    let allowed = "[ReportBatchItemFailures]";
    let types = properties
        .texts("FunctionResponseTypes", allowed)?
        .unwrap_or_default();
    match types.iter().find(|kind| *kind != "ReportBatchItemFailures") {
        Some(other) => Err(properties.refused("FunctionResponseTypes", other, allowed)),
        None => Ok(!types.is_empty()),
    }
}

fn on_failure(properties: &Properties<'_>) -> Result<Option<OnFailure>, TemplateError> {
    let (path, allowed) = (
        "DestinationConfig.OnFailure.Destination",
        "kafka://topic (the only one served locally)",
    );
    let Some(destination) = properties.text(path, allowed)? else {
        return Ok(None);
    };
    match destination
        .strip_prefix("kafka://")
        .filter(|topic| is_topic(topic))
    {
        Some(topic) => Ok(Some(OnFailure::KafkaTopic(topic.to_owned()))),
        None => Err(properties.refused(path, &destination, allowed)),
    }
}

fn is_topic(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !name.is_empty()
        && name.len() <= 249
        && name != "."
        && name != ".."
        && name.chars().all(allowed)
}
