//! What CloudFormation is told.

use std::time::{Duration, SystemTime};

use lambda_kit::Deadline;
use serde::Serialize;
use stream::Connection;
use stream::topics::Done;
use thiserror::Error;
use tracing::warn;

use crate::request::Envelope;

/// CloudFormation takes answers of 4 KiB; half of that leaves room for the names.
const REASON: usize = 2048;
/// One try.
const ATTEMPT: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(200);

/// Whether what was asked for is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// It is.
    Success,
    /// It is not.
    Failed,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Outcome<'a> {
    pub(crate) status: Status,
    reason: String,
    physical_resource_id: &'a str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
    data: Data,
}

/// What templates read by `!GetAtt`; names of topics with commas between.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Data {
    /// The brokers, `host:port,…`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub brokers: String,
    /// Topics that were not there.
    pub made: String,
    /// Topics that had too few partitions.
    pub grown: String,
    /// Topics whose configuration was another one.
    pub changed: String,
    /// Topics that have more partitions than they should, which stay.
    pub wider: String,
}

impl Data {
    pub(crate) fn brokers(connection: &Connection) -> Self {
        Self {
            brokers: connection.brokers().to_owned(),
            ..Self::default()
        }
    }

    pub(crate) fn topics(connection: &Connection, done: Done) -> Self {
        Self {
            brokers: connection.brokers().to_owned(),
            made: done.made.join(","),
            grown: done.grown.join(","),
            changed: done.changed.join(","),
            wider: done.wider.join(","),
        }
    }
}

impl<'a> Outcome<'a> {
    pub(crate) fn success(envelope: &'a Envelope, data: Data) -> Self {
        Self::new(envelope, Status::Success, "done".to_owned(), data)
    }

    pub(crate) fn failure(envelope: &'a Envelope, reason: &str) -> Self {
        let end = reason.floor_char_boundary(REASON);
        let reason = reason[..end].to_owned();
        Self::new(envelope, Status::Failed, reason, Data::default())
    }

    fn new(envelope: &'a Envelope, status: Status, reason: String, data: Data) -> Self {
        Self {
            status,
            reason,
            physical_resource_id: &envelope.physical_resource_id,
            stack_id: &envelope.stack_id,
            request_id: &envelope.request_id,
            logical_resource_id: &envelope.logical_resource_id,
            data,
        }
    }
}

/// CloudFormation did not hear what came of it.
#[derive(Debug, Error)]
pub enum NotTold {
    /// Nobody took it.
    #[error("cloudformation cannot be told")]
    Unreachable(#[source] reqwest::Error),
    /// It was refused.
    #[error("cloudformation cannot be told: the answer was refused with status {0}")]
    Refused(u16),
}

/// Puts the outcome where CloudFormation looks for it, again and again until the deadline.
pub(crate) async fn tell(
    client: &reqwest::Client,
    envelope: &Envelope,
    outcome: &Outcome<'_>,
    deadline: Deadline,
) -> Result<(), NotTold> {
    loop {
        let Err(failed) = put(client, envelope, outcome).await else {
            return Ok(());
        };
        let refused = matches!(failed, NotTold::Refused(status) if status < 500);
        let left = deadline.remaining(SystemTime::now());
        if refused || left < ATTEMPT + PAUSE {
            return Err(failed);
        }
        warn!(%failed, "once more");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn put(
    client: &reqwest::Client,
    envelope: &Envelope,
    outcome: &Outcome<'_>,
) -> Result<(), NotTold> {
    // No content type: the signature is for a request without one.
    let body = serde_json::json!(outcome).to_string();
    let asked = client
        .put(envelope.response_url.clone())
        .timeout(ATTEMPT)
        .body(body);
    let unreachable = |error: reqwest::Error| NotTold::Unreachable(error.without_url());
    let status = asked.send().await.map_err(unreachable)?.status();
    if status.is_success() {
        Ok(())
    } else {
        Err(NotTold::Refused(status.as_u16()))
    }
}
