//! Custom resources of CloudFormation: where a cluster's brokers are, and the topics.
//!
//! - Trigger: CloudFormation, when a stack with the resource is made, changed or deleted.
//! - Inputs: the resource's type. `Custom::KafkaTopics` has `ResourceProperties.Topics`, a list of `{Name, Partitions,
//!   RetentionHours}`; `Custom::KafkaBrokers` needs nothing but the environment, and a way to MSK's control plane. Other
//!   properties are passed over: a template names the cluster there, so that another one is asked again.
//! - Outputs: topics; the outcome with `Data.Brokers`, put to the event's `ResponseURL`.
//! - Guarantee: CloudFormation hears of every outcome before the invocation ends, of failures with their reason. Topics
//!   that are missing are made, those that have too few partitions get more; an update also changes how long records
//!   are kept. No topic and no partition is ever deleted, with the resource neither: records stay.
//!
//! `ResponseURL` is signed, and whoever has it may answer: it gets into no log and no error.

mod outcome;
mod request;

use std::time::{Duration, SystemTime};

use lambda_kit::run::chain;
use lambda_kit::{ConfigErrors, Deadline, Env, Reply};
use serde::Serialize;
use serde_json::Value;
use stream::topics::{Existing, TopicError, ensure};
use stream::{Cluster, Connection, LookupError, TopicSpec};
use thiserror::Error;
use tokio::time::Instant;
use tracing::{error, info, warn};

pub use outcome::{Data, NotTold, Status};
pub use request::BadRequest;

use outcome::{Outcome, tell};
use request::{Envelope, Request};

/// What is left for the answer when the work has to stop.
const MARGIN: Duration = Duration::from_secs(5);
/// Between two lookups.
const PAUSE: Duration = Duration::from_secs(3);
/// One lookup at most.
const LOOKUP: Duration = Duration::from_secs(8);
/// How long brokers may not know yet what a role that was just made is allowed.
const NEW_ROLE: Duration = Duration::from_secs(60);

/// What lives as long as the process.
pub struct Context {
    /// A Kafka that cannot be used is told to CloudFormation, which would wait an hour for a process that ends.
    kafka: Result<Cluster, ConfigErrors>,
    client: reqwest::Client,
}

/// What an invocation answers, to whoever looks; CloudFormation is told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    /// What CloudFormation was told.
    pub status: Status,
}

impl Reply for Told {}

/// Why an invocation failed: CloudFormation was not told.
#[derive(Debug, Error)]
pub enum Error {
    /// The event does not say whom to tell.
    #[error("this is no event of CloudFormation's")]
    BadEvent(#[from] BadRequest),
    /// The outcome was not taken.
    #[error(transparent)]
    NotTold(#[from] NotTold),
}

/// Why what was asked for is not done.
#[derive(Debug, Error)]
enum Failed {
    #[error(transparent)]
    BadRequest(#[from] BadRequest),
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    #[error(transparent)]
    Brokers(#[from] LookupError),
    #[error(transparent)]
    Topic(#[from] TopicError),
    #[error(
        "the brokers did not do it within {} s: are they reached from the function's subnets and security groups, and allow its permissions kafka-cluster:Connect?", .0.as_secs()
    )]
    TimedOut(Duration),
}

impl Context {
    /// Reads the environment: `KAFKA_BROKERS` or `KAFKA_CLUSTER_ARN`, and `stream::SETTINGS`.
    pub fn from_env(env: &mut Env) -> Result<Self, reqwest::Error> {
        let kafka = env.group(|get| Cluster::from_settings(get));
        // Another provider may be there already; all do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            kafka: env.finish(kafka),
            client: reqwest::Client::builder().build()?,
        })
    }
}

/// Does what the event asks for and tells CloudFormation what came of it.
pub async fn handle(event: Value, deadline: Deadline, context: &Context) -> Result<Told, Error> {
    let envelope = Envelope::of(&event)?;
    let limit = deadline.remaining(SystemTime::now()).saturating_sub(MARGIN);
    let outcome = match act(&event, limit, context).await {
        Ok(data) => Outcome::success(&envelope, data),
        Err(failed) => {
            let reason = chain(&failed);
            error!(
                error = reason,
                resource = envelope.logical_resource_id,
                "not done"
            );
            Outcome::failure(&envelope, &reason)
        }
    };
    tell(&context.client, &envelope, &outcome, deadline).await?;
    info!(
        status = ?outcome.status,
        request = envelope.request_id,
        "cloudformation was told"
    );
    Ok(Told {
        status: outcome.status,
    })
}

async fn act(event: &Value, limit: Duration, context: &Context) -> Result<Data, Failed> {
    let until = Instant::now() + limit;
    match Request::of(event)? {
        Request::Delete => Ok(Data::default()),
        Request::Brokers => Ok(Data::brokers(&brokers(context, until).await?)),
        Request::Topics(topics, existing) => {
            let connection = brokers(context, until).await?;
            let timed_out = |_| Failed::TimedOut(limit);
            let work = make(&connection, &topics, existing, until);
            tokio::time::timeout_at(until, work)
                .await
                .map_err(timed_out)?
        }
    }
}

/// Finds the brokers. A role that was just made is not known everywhere yet, so who is refused asks again while there is
/// time.
async fn brokers(context: &Context, until: Instant) -> Result<Connection, Failed> {
    let kafka = context.kafka.clone()?;
    loop {
        match kafka.clone().connect().await {
            Err(failed) if Instant::now() + PAUSE + LOOKUP < until => {
                warn!(error = chain(&failed), "once more");
                tokio::time::sleep(PAUSE).await;
            }
            found => return Ok(found?),
        }
    }
}

/// Makes the topics; who is refused asks again for a while, as for the brokers.
async fn make(
    connection: &Connection,
    topics: &[TopicSpec],
    existing: Existing,
    until: Instant,
) -> Result<Data, Failed> {
    let known = Instant::now() + NEW_ROLE;
    let done = loop {
        let left = until.saturating_duration_since(Instant::now());
        match ensure(connection, topics, existing, left).await {
            Err(failed) if failed.is_refused() && Instant::now() + PAUSE < known.min(until) => {
                warn!(error = chain(&failed), "once more");
                tokio::time::sleep(PAUSE).await;
            }
            done => break done?,
        }
    };
    info!(?done, "topics are there");
    let ordered = |name: &&String| {
        let mut topics = topics.iter();
        topics.any(|topic| topic.name == **name && topic.partitions == 1)
    };
    if let Some(topic) = done.wider.iter().find(ordered) {
        return Err(BadRequest::Order(topic.clone()).into());
    }
    Ok(Data::topics(connection, done))
}
