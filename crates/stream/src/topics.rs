//! Making topics, and changing those that are there.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigEntry, NewPartitions, NewTopic, OwnedResourceSpecifier,
    ResourceSpecifier, TopicReplication, TopicResult,
};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use thiserror::Error;

use crate::{Connection, Tokens, settings};

/// A topic that must exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// How many partitions it is made with.
    pub partitions: i32,
    /// How long it is made to keep its records, in hours.
    pub retention: NonZeroU32,
}

/// Events are judged by the time at which they reached the log; a producer's clock may be wrong.
const TIME: (&str, &str) = ("message.timestamp.type", "LogAppendTime");
const RETENTION: &str = "retention.ms";
/// No limit by size, which would end the retention earlier: MSK Serverless has one of 250 GiB a partition. Only a topic
/// that is made gets it; somebody may have limited one that is there.
const UNLIMITED: (&str, &str) = ("retention.bytes", "-1");

impl TopicSpec {
    fn retention_ms(&self) -> String {
        (u64::from(self.retention.get()) * 3_600_000).to_string()
    }
}

/// Why a topic is not as it should be.
#[derive(Debug, Error)]
#[error("topic {topic} cannot be {what}")]
pub struct TopicError {
    /// The topic.
    pub topic: String,
    what: &'static str,
    /// Why.
    #[source]
    pub source: KafkaError,
}

impl TopicError {
    /// Whether the brokers do not allow it.
    pub fn is_refused(&self) -> bool {
        use RDKafkaErrorCode::{ClusterAuthorizationFailed, TopicAuthorizationFailed};
        matches!(
            self.source,
            KafkaError::AdminOp(TopicAuthorizationFailed | ClusterAuthorizationFailed)
        )
    }
}

/// What is done with topics that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// They get the partitions that they lack; how long they keep their records stays as it is.
    Keep,
    /// They are made as they should be: how long they keep records, whose time these bear, partitions that they lack.
    Change,
}

/// What had to be done, by names of topics.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// Topics that were not there.
    pub made: Vec<String>,
    /// Topics that had too few partitions.
    pub grown: Vec<String>,
    /// Topics that kept their records for another time, or let them bear another one.
    pub changed: Vec<String>,
    /// Topics that have more partitions than they should: partitions cannot be taken away.
    pub wider: Vec<String>,
}

/// Makes topics that are not there; one that somebody else makes meanwhile is there. Tells the first that cannot be made.
pub async fn create(
    connection: &Connection,
    topics: &[&TopicSpec],
    limit: Duration,
) -> Result<(), TopicError> {
    let Some(first) = topics.first() else {
        return Ok(());
    };
    let failed = |topic: &str, source| TopicError {
        topic: topic.to_owned(),
        what: "made",
        source,
    };
    let admin = connection
        .admin()
        .map_err(|source| failed(&first.name, source))?;
    make(&admin, topics, limit)
        .await
        .map_err(|(topic, source)| failed(&topic, source))
}

/// Makes the topics that are not there and sees to those that are. Done twice it changes nothing more.
pub async fn ensure(
    connection: &Connection,
    topics: &[TopicSpec],
    existing: Existing,
    limit: Duration,
) -> Result<Done, TopicError> {
    let failed = |what: &'static str| {
        move |(topic, source): (String, KafkaError)| TopicError {
            topic,
            what,
            source,
        }
    };
    let Some(first) = topics.first() else {
        return Ok(Done::default());
    };
    let of_first = |source| (first.name.clone(), source);
    let admin = connection
        .admin()
        .map_err(of_first)
        .map_err(failed("looked for"))?;
    let admin = Arc::new(admin);
    let found = partitions(&admin, limit).await;
    let found = found.map_err(of_first).map_err(failed("looked for"))?;

    let (missing, there): (Vec<_>, Vec<_>) = topics
        .iter()
        .partition(|topic| !found.contains_key(&topic.name));
    let has = |topic: &TopicSpec| found.get(&topic.name).copied().unwrap_or_default();
    let wants = |topic: &TopicSpec| usize::try_from(topic.partitions).unwrap_or_default();
    let narrow: Vec<_> = there
        .iter()
        .copied()
        .filter(|it| has(it) < wants(it))
        .collect();
    let wider = there.iter().copied().filter(|it| has(it) > wants(it));
    let mut done = Done {
        made: names(missing.iter().copied()),
        grown: names(narrow.iter().copied()),
        changed: Vec::new(),
        wider: names(wider),
    };

    make(&admin, &missing, limit)
        .await
        .map_err(failed("made"))?;
    let grown: Vec<_> = narrow
        .iter()
        .map(|topic| NewPartitions::new(&topic.name, wants(topic)))
        .collect();
    if !grown.is_empty() {
        let answer = admin.create_partitions(&grown, &options(limit)).await;
        all_done(answer, &narrow).map_err(failed("given more partitions"))?;
    }
    if existing == Existing::Change && !there.is_empty() {
        done.changed = change(&admin, &there, limit)
            .await
            .map_err(failed("changed"))?;
    }
    Ok(done)
}

fn names<'a>(topics: impl Iterator<Item = &'a TopicSpec>) -> Vec<String> {
    topics.map(|topic| topic.name.clone()).collect()
}

fn options(limit: Duration) -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(limit))
        .operation_timeout(Some(limit))
}

type Failed = (String, KafkaError);

async fn make(
    admin: &AdminClient<Tokens>,
    topics: &[&TopicSpec],
    limit: Duration,
) -> Result<(), Failed> {
    if topics.is_empty() {
        return Ok(());
    }
    let retentions: Vec<_> = topics.iter().map(|topic| topic.retention_ms()).collect();
    let new: Vec<_> = topics
        .iter()
        .zip(&retentions)
        .map(|(topic, retention)| new_topic(topic, retention))
        .collect();
    all_done(admin.create_topics(&new, &options(limit)).await, topics)
}

/// How a topic is made.
fn new_topic<'a>(topic: &'a TopicSpec, retention: &'a str) -> NewTopic<'a> {
    // The broker's own default, which is right for a cluster of one as for one of three.
    let replication = TopicReplication::Fixed(-1);
    NewTopic::new(&topic.name, topic.partitions, replication)
        .set(TIME.0, TIME.1)
        .set(RETENTION, retention)
        .set(UNLIMITED.0, UNLIMITED.1)
}

/// The first topic that the brokers refused; the first of all where they refused to talk.
fn all_done(answer: KafkaResult<Vec<TopicResult>>, topics: &[&TopicSpec]) -> Result<(), Failed> {
    let first = || topics.first().map(|topic| topic.name.clone());
    for result in answer.map_err(|source| (first().unwrap_or_default(), source))? {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => return Err((name, KafkaError::AdminOp(code))),
        }
    }
    Ok(())
}

/// Every topic with the number of its partitions. All are asked for, since brokers may make a topic that is asked for
/// by its name.
async fn partitions(
    admin: &Arc<AdminClient<Tokens>>,
    limit: Duration,
) -> KafkaResult<BTreeMap<String, usize>> {
    let admin = Arc::clone(admin);
    let ask = move || {
        let metadata = admin.inner().fetch_metadata(None, limit)?;
        let topics = metadata.topics().iter();
        Ok(topics
            .map(|topic| (topic.name().to_owned(), topic.partitions().len()))
            .filter(|(_, partitions)| *partitions > 0)
            .collect())
    };
    tokio::task::spawn_blocking(ask)
        .await
        .unwrap_or(Err(KafkaError::Canceled))
}

/// Changes the topics that are not as they should be, and tells their names.
async fn change(
    admin: &Arc<AdminClient<Tokens>>,
    topics: &[&TopicSpec],
    limit: Duration,
) -> Result<Vec<String>, Failed> {
    let of_first = |source| (topics[0].name.clone(), source);
    let asked: Vec<_> = topics
        .iter()
        .map(|topic| ResourceSpecifier::Topic(&topic.name))
        .collect();
    let described = admin.describe_configs(&asked, &options(limit)).await;
    let mut found: HashMap<String, Vec<ConfigEntry>> = HashMap::new();
    for described in described.map_err(of_first)? {
        let resource = described.map_err(|code| of_first(KafkaError::AdminOp(code)))?;
        if let OwnedResourceSpecifier::Topic(name) = resource.specifier {
            found.insert(name, resource.entries);
        }
    }
    let mut changed = Vec::new();
    for topic in topics {
        let retention = topic.retention_ms();
        let wanted = [TIME, (RETENTION, retention.as_str())];
        let entries = found.get(&topic.name).map_or(&[][..], Vec::as_slice);
        let value = |name: &str| {
            let entry = entries.iter().find(|entry| entry.name == name)?;
            entry.value.as_deref()
        };
        if wanted
            .iter()
            .all(|(name, wanted)| value(name) == Some(*wanted))
        {
            continue;
        }
        settings::set(admin, &topic.name, &wanted, limit)
            .await
            .map_err(|source| (topic.name.clone(), source))?;
        changed.push(topic.name.clone());
    }
    Ok(changed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn records_bear_the_brokers_time_and_are_kept_for_a_week() {
        let spec = TopicSpec {
            name: "StockExchange".to_owned(),
            partitions: 1,
            retention: NonZeroU32::new(7 * 24).unwrap(),
        };
        let retention = spec.retention_ms();
        let topic = new_topic(&spec, &retention);
        assert_eq!((topic.name, topic.num_partitions), ("StockExchange", 1));
        assert_eq!(
            topic.config,
            [
                TIME,
                ("retention.ms", "604800000"),
                ("retention.bytes", "-1")
            ]
        );
    }
}
