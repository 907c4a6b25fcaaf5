//! Brokers that run elsewhere: that they answer, and that they have the topics.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    config::{FromClientConfigAndContext, RDKafkaLogLevel},
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::{KafkaError, KafkaResult, RDKafkaErrorCode},
};
use stream::Connection;
use tracing::info;

use super::{BrokerError, REACH_LIMIT, TopicSpec};

/// How long brokers that answer may take to make topics.
const CREATE_LIMIT: Duration = Duration::from_secs(30);

type Client = BaseConsumer<Heard>;
type Admin = AdminClient<DefaultClientContext>;

/// Keeps what the client library complained of last: its errors alone do not tell a wrong password from a broker that
/// is down.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Option<String>>>);

impl ClientContext for Heard {
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, message: &str) {
        // The thread and the broker come first, each with a colon; the broker's address is known.
        let said = message.rsplit("bootstrap: ").next().unwrap_or(message);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(said.to_owned());
    }
}

impl ConsumerContext for Heard {}

impl Heard {
    fn said(&self) -> String {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.clone().unwrap_or_else(|| "no answer".to_owned())
    }
}

/// Checks that the brokers answer within five seconds, and makes the topics that are missing. Tells the cluster's id,
/// if it has one.
pub(super) async fn prepare(
    connection: &Connection,
    topics: &[TopicSpec],
) -> Result<Option<String>, BrokerError> {
    let brokers = connection.brokers();
    if !brokers.split(',').all(is_address) {
        return Err(BrokerError::Setting {
            setting: brokers.to_owned(),
        });
    }
    let heard = Heard::default();
    let unreachable = |source| BrokerError::Unreachable {
        brokers: brokers.to_owned(),
        said: heard.said(),
        source,
    };
    let mut config = connection.client();
    config
        .set("socket.connection.setup.timeout.ms", "4000")
        .set_log_level(RDKafkaLogLevel::Error);
    let client = Client::from_config_and_context(&config, heard.clone()).map_err(unreachable)?;
    let (partitions, cluster) = ask(client).await.map_err(unreachable)?;
    let mut missing = Vec::new();
    for topic in topics {
        match partitions.get(&topic.name).copied().unwrap_or_default() {
            0 => missing.push(topic),
            found if topic.partitions == 1 && found != 1 => {
                let (topic, brokers) = (topic.name.clone(), brokers.to_owned());
                return Err(BrokerError::Partitions {
                    topic,
                    found,
                    brokers,
                });
            }
            _ => {}
        }
    }
    create(connection, &missing)
        .await
        .map_err(|(topic, source)| BrokerError::Topic {
            topic: topic.name.clone(),
            partitions: topic.partitions,
            brokers: brokers.to_owned(),
            source,
        })?;
    Ok(cluster)
}

/// Every topic with the number of its partitions, and the cluster's id; asking blocks, so it is done on a thread for
/// such things.
async fn ask(client: Client) -> KafkaResult<(BTreeMap<String, usize>, Option<String>)> {
    let ask = move || {
        let metadata = match client.fetch_metadata(None, REACH_LIMIT) {
            Ok(metadata) => metadata,
            Err(error) => {
                // Complaints are told to who polls for them; there is nothing else to come.
                while client.poll(Duration::from_millis(10)).is_some() {}
                return Err(error);
            }
        };
        let topics = metadata
            .topics()
            .iter()
            .map(|topic| (topic.name().to_owned(), topic.partitions().len()));
        // It came with the metadata, so this does not wait.
        let cluster = client.client().fetch_cluster_id(REACH_LIMIT);
        Ok((topics.collect(), cluster))
    };
    match tokio::task::spawn_blocking(ask).await {
        Ok(answer) => answer,
        Err(_) => Err(KafkaError::Canceled),
    }
}

/// How a topic is made.
fn new_topic<'a>(topic: &'a TopicSpec, retention: &'a str) -> NewTopic<'a> {
    // The broker's own default, which is right for a cluster of one as for one of three.
    let replication = TopicReplication::Fixed(-1);
    NewTopic::new(&topic.name, topic.partitions, replication)
        // Events are judged by the time at which they reached the log; a producer's clock may be wrong.
        .set("message.timestamp.type", "LogAppendTime")
        .set("retention.ms", retention)
}

fn retention(topic: &TopicSpec) -> String {
    (u64::from(topic.retention.get()) * 3_600_000).to_string()
}

/// Makes topics; tells the first one that cannot be made.
async fn create<'a>(
    connection: &Connection,
    topics: &[&'a TopicSpec],
) -> Result<(), (&'a TopicSpec, KafkaError)> {
    let Some(&first) = topics.first() else {
        return Ok(());
    };
    let retentions: Vec<String> = topics.iter().map(|topic| retention(topic)).collect();
    let new: Vec<NewTopic<'_>> = topics
        .iter()
        .zip(&retentions)
        .map(|(topic, retention)| new_topic(topic, retention))
        .collect();
    let limit = Some(CREATE_LIMIT);
    let options = AdminOptions::new()
        .request_timeout(limit)
        .operation_timeout(limit);
    let asked = Instant::now();
    let admin: Admin = connection
        .client()
        .create()
        .map_err(|source| (first, source))?;
    let made = admin.create_topics(&new, &options).await;
    let made = made.map_err(|source| (first, source))?;
    for result in made {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => {
                let refused = topics.iter().find(|topic| topic.name == name);
                let refused = refused.copied().unwrap_or(first);
                return Err((refused, KafkaError::AdminOp(code)));
            }
        }
    }
    info!(topics = topics.len(), elapsed = ?asked.elapsed(), "topics made");
    Ok(())
}

fn is_address(text: &str) -> bool {
    let port = text
        .trim()
        .rsplit_once(':')
        .filter(|(host, _)| !host.is_empty())
        .map(|(_, port)| port.parse::<u16>());
    matches!(port, Some(Ok(1..)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_bear_the_brokers_time_and_are_kept_for_a_week() {
        let spec = TopicSpec {
            name: "StockExchange".to_owned(),
            partitions: 1,
            retention: crate::broker::RETENTION_HOURS,
        };
        let retention = retention(&spec);
        let topic = new_topic(&spec, &retention);
        assert_eq!((topic.name, topic.num_partitions), ("StockExchange", 1));
        let wanted = [
            ("message.timestamp.type", "LogAppendTime"),
            ("retention.ms", "604800000"),
        ];
        assert_eq!(topic.config, wanted);
    }
}
