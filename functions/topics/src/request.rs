//! What CloudFormation asks for.

use std::num::NonZeroU32;

use serde_json::Value;
use stream::TopicSpec;
use stream::topics::Existing;
use thiserror::Error;

/// More partitions than any cluster takes at once.
const PARTITIONS: u32 = 1000;
/// A hundred years.
const RETENTION_HOURS: u32 = 876_000;

/// Why an event cannot be followed. Values are no part of it, but for names of topics.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadRequest {
    /// A property is missing, or of another kind.
    #[error("{path} is not {wanted}")]
    Property {
        /// Which one.
        path: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// Two topics of one name.
    #[error("{0} is named twice in ResourceProperties.Topics")]
    Twice(String),
    /// A topic whose order matters has several partitions.
    #[error(
        "topic {0} should have one partition, for its order matters, and has several: make it anew"
    )]
    Order(String),
}

/// Whom to tell, and what for.
pub(crate) struct Envelope {
    /// Secret: whoever has it may answer.
    pub(crate) response_url: reqwest::Url,
    pub(crate) stack_id: String,
    pub(crate) request_id: String,
    pub(crate) logical_resource_id: String,
    pub(crate) physical_resource_id: String,
}

impl Envelope {
    pub(crate) fn of(event: &Value) -> Result<Self, BadRequest> {
        let text = |name: &str| {
            let value = event[name].as_str().filter(|text| !text.is_empty());
            value
                .map(ToOwned::to_owned)
                .ok_or_else(|| BadRequest::Property {
                    path: name.to_owned(),
                    wanted: "a text",
                })
        };
        let url = text("ResponseURL")?.parse::<reqwest::Url>().ok();
        let url = url.filter(|url| ["http", "https"].contains(&url.scheme()));
        let logical_resource_id = text("LogicalResourceId")?;
        Ok(Self {
            response_url: url.ok_or_else(|| BadRequest::Property {
                path: "ResponseURL".to_owned(),
                wanted: "a URL of http or https",
            })?,
            stack_id: text("StackId")?,
            request_id: text("RequestId")?,
            // The resource is the same for as long as the stack has it, whatever it names.
            physical_resource_id: text("PhysicalResourceId")
                .unwrap_or_else(|_| logical_resource_id.clone()),
            logical_resource_id,
        })
    }
}

/// What an event asks for, by the resource's type.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// `Custom::KafkaBrokers`: where the brokers are.
    Brokers,
    /// `Custom::KafkaTopics`: that these topics are there, and what of those that are there already.
    Topics(Vec<TopicSpec>, Existing),
    /// Either goes, whatever it was made with: nothing has to be done.
    Delete,
}

impl Request {
    pub(crate) fn of(event: &Value) -> Result<Self, BadRequest> {
        let bad = |path: &str, wanted| BadRequest::Property {
            path: path.to_owned(),
            wanted,
        };
        let existing = match event["RequestType"].as_str() {
            Some("Create") => Existing::Keep,
            Some("Update") => Existing::Change,
            Some("Delete") => return Ok(Self::Delete),
            _ => return Err(bad("RequestType", "Create, Update or Delete")),
        };
        match event["ResourceType"].as_str() {
            Some("Custom::KafkaBrokers") => Ok(Self::Brokers),
            Some("Custom::KafkaTopics") => Ok(Self::Topics(topics(event)?, existing)),
            _ => Err(bad(
                "ResourceType",
                "Custom::KafkaBrokers or Custom::KafkaTopics",
            )),
        }
    }
}

fn topics(event: &Value) -> Result<Vec<TopicSpec>, BadRequest> {
    let path = "ResourceProperties.Topics";
    let listed = event["ResourceProperties"]["Topics"].as_array();
    let listed = listed.filter(|listed| !listed.is_empty());
    let listed = listed.ok_or_else(|| BadRequest::Property {
        path: path.to_owned(),
        wanted: "a list of topics",
    })?;
    let mut topics: Vec<TopicSpec> = Vec::new();
    for (at, listed) in listed.iter().enumerate() {
        let topic = topic(&format!("{path}[{at}]"), listed)?;
        if topics.iter().any(|other| other.name == topic.name) {
            return Err(BadRequest::Twice(topic.name));
        }
        topics.push(topic);
    }
    Ok(topics)
}

fn topic(path: &str, listed: &Value) -> Result<TopicSpec, BadRequest> {
    let bad = |name: &str, wanted| BadRequest::Property {
        path: format!("{path}.{name}"),
        wanted,
    };
    let name = listed["Name"].as_str().filter(|name| is_topic(name));
    let name = name.ok_or_else(|| bad("Name", "a topic's name"))?;
    let number = |name: &str, most: u32| number(&listed[name]).filter(|number| *number <= most);
    let partitions = number("Partitions", PARTITIONS)
        .filter(|partitions| *partitions > 0)
        .and_then(|partitions| i32::try_from(partitions).ok())
        .ok_or_else(|| bad("Partitions", "a number from 1 to 1000"))?;
    let retention = number("RetentionHours", RETENTION_HOURS)
        .and_then(NonZeroU32::new)
        .ok_or_else(|| bad("RetentionHours", "a number of hours from 1 to 876000"))?;
    Ok(TopicSpec {
        name: name.to_owned(),
        partitions,
        retention,
    })
}

/// CloudFormation writes every number as a text.
fn number(value: &Value) -> Option<u32> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64().and_then(|number| number.try_into().ok()),
    }
}

/// As Kafka has it.
fn is_topic(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    (1..=249).contains(&name.len()) && name.chars().all(legal) && ![".", ".."].contains(&name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn listed(topics: &Value) -> Result<Vec<TopicSpec>, BadRequest> {
        let event = json!({"RequestType": "Create", "ResourceType": "Custom::KafkaTopics",
            "ResourceProperties": {"Topics": topics}});
        Request::of(&event).map(|request| match request {
            Request::Topics(topics, Existing::Keep) => topics,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn numbers_may_be_texts() {
        let topics = listed(&json!([
            {"Name": "StockExchange", "Partitions": "1", "RetentionHours": "168"},
            {"Name": "events", "Partitions": 3, "RetentionHours": 24},
        ]));
        let spec = |name: &str, partitions, hours| TopicSpec {
            name: name.to_owned(),
            partitions,
            retention: NonZeroU32::new(hours).unwrap(),
        };
        let wanted = vec![spec("StockExchange", 1, 168), spec("events", 3, 24)];
        assert_eq!(topics, Ok(wanted));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good = json!({"Name": "events", "Partitions": 3, "RetentionHours": 24});
        for (name, value, wanted) in [
            ("Name", json!("a b"), "[0].Name"),
            ("Name", json!(""), "[0].Name"),
            ("Partitions", json!(0), "from 1 to 1000"),
            ("Partitions", json!("many"), "from 1 to 1000"),
            ("Partitions", json!(1001), "from 1 to 1000"),
            ("RetentionHours", json!("-1"), "hours"),
            ("RetentionHours", json!(null), "hours"),
        ] {
            let mut bad = good.clone();
            bad[name] = value;
            let error = listed(&json!([bad])).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
        for bad in [json!([]), json!({}), json!(null)] {
            assert!(
                listed(&bad)
                    .unwrap_err()
                    .to_string()
                    .contains("a list of topics")
            );
        }
        let twice = listed(&json!([good.clone(), good])).unwrap_err();
        assert_eq!(twice, BadRequest::Twice("events".to_owned()));
    }

    #[test]
    fn a_resource_can_go_whatever_it_was_made_with() {
        let event = json!({"RequestType": "Delete", "ResourceProperties": {"Topics": "?"}});
        assert_eq!(Request::of(&event), Ok(Request::Delete));
    }

    #[test]
    fn the_resources_type_decides() {
        let event = |act: &str, kind: &str| {
            let topics = json!([{"Name": "events", "Partitions": 3, "RetentionHours": 24}]);
            Request::of(
                &json!({"RequestType": act, "ResourceType": kind, "ResourceProperties": {"Topics": topics}}),
            )
        };
        for act in ["Create", "Update"] {
            assert_eq!(event(act, "Custom::KafkaBrokers"), Ok(Request::Brokers));
        }
        assert!(matches!(
            event("Update", "Custom::KafkaTopics"),
            Ok(Request::Topics(_, Existing::Change))
        ));
        let error = event("Create", "Custom::Kafka").unwrap_err().to_string();
        assert!(error.contains("ResourceType is not"), "{error}");
        let error = event("Make", "Custom::KafkaTopics").unwrap_err();
        assert!(error.to_string().contains("RequestType"), "{error}");
    }

    #[test]
    fn no_error_shows_the_url() {
        let mut event = json!({"ResponseURL": "ftp://a/?X-Amz-Signature=hush", "StackId": "s",
            "RequestId": "r", "LogicalResourceId": "Topics"});
        let error = Envelope::of(&event).err().unwrap().to_string();
        assert!(
            error.contains("ResponseURL") && !error.contains("hush"),
            "{error}"
        );
        event["ResponseURL"] = json!("https://a/?X-Amz-Signature=hush");
        let envelope = Envelope::of(&event).unwrap();
        assert_eq!(envelope.physical_resource_id, "Topics");
        event["PhysicalResourceId"] = json!("as-before");
        assert_eq!(
            Envelope::of(&event).unwrap().physical_resource_id,
            "as-before"
        );
    }
}
