//! What functions with a Kafka trigger are invoked with, and answer: batches of records, or a command of a person's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use telemetry::Work;
use telemetry::trace::Origins;
use thiserror::Error;

use crate::invocation::{Given, Reply};
use crate::kafka::{BatchResponse, KafkaEvent, RawRecord};

/// An invocation's payload: `{"records":{…}}` from a Kafka trigger, `{"command":…}` from a person, or both, where a
/// command is about records.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Payload<C>")]
pub struct Event<C> {
    /// The records; none for a command about none.
    pub records: KafkaEvent,
    /// The command; none from a trigger.
    pub command: Option<C>,
}

/// What such an event is answered with; `D` is what a command came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Answer<D> {
    /// The trigger's.
    Batches(BatchResponse),
    /// The person's.
    Command(D),
}

impl<D: Serialize> Reply for Answer<D> {
    const NAMES_FAILURES: bool = true;

    fn is_partial(&self) -> bool {
        matches!(self, Self::Batches(response) if response.is_partial())
    }
}

#[derive(Deserialize)]
struct Payload<C> {
    #[serde(default)]
    records: Option<BTreeMap<String, Vec<RawRecord>>>,
    #[serde(default = "none")]
    command: Option<C>,
}

/// Unlike `default`, asks nothing of `C`.
fn none<C>() -> Option<C> {
    None
}

impl<C> Given for Event<C> {
    fn origins(&self) -> Origins {
        self.records.origins()
    }

    fn work(&self) -> Option<Work> {
        self.records.work()
    }
}

/// A payload with neither.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the event has neither `records`, as a Kafka trigger's has, nor a `command`")]
pub struct NoEvent;

impl<C> TryFrom<Payload<C>> for Event<C> {
    type Error = NoEvent;

    fn try_from(payload: Payload<C>) -> Result<Self, NoEvent> {
        let Payload { records, command } = payload;
        if records.is_none() && command.is_none() {
            return Err(NoEvent);
        }
        Ok(Self {
            records: KafkaEvent::of(records.unwrap_or_default()),
            command,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn an_event_has_records_or_a_command() {
        let record = r#"{"topic":"t","partition":0,"offset":3,"timestamp":7,"value":"aGk="}"#;
        let records = format!(r#"{{"eventSource":"aws:kafka","records":{{"t-0":[{record}]}}}}"#);
        let event: Event<String> = serde_json::from_str(&records).unwrap();
        assert_eq!(event.command, None);
        assert_eq!(event.records.into_batches()[0].records[0].offset, 3);
        let event: Event<String> = serde_json::from_str(r#"{"command":"look"}"#).unwrap();
        assert_eq!(event.command.as_deref(), Some("look"));
        assert!(event.records.into_batches().is_empty());
        let both = format!(r#"{{"command":"take","records":{{"t-0":[{record}]}}}}"#);
        let event: Event<String> = serde_json::from_str(&both).unwrap();
        assert_eq!(event.command.as_deref(), Some("take"));
        assert_eq!(event.records.into_batches().len(), 1);
        let neither = serde_json::from_str::<Event<String>>("{}").unwrap_err();
        assert!(neither.to_string().contains("`command`"), "{neither}");
    }
}
