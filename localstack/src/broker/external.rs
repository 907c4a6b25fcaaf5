//! Brokers that run elsewhere: that they answer, and that they have the topics.

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rdkafka::{
    ClientContext,
    client::OAuthToken,
    config::{FromClientConfigAndContext, RDKafkaLogLevel},
    consumer::{BaseConsumer, Consumer, ConsumerContext},
    error::{KafkaError, KafkaResult},
};
use stream::{Connection, Tokens, topics};
use tracing::info;

use super::{BrokerError, REACH_LIMIT, TopicSpec};

/// How long brokers that answer may take to make topics.
const CREATE_LIMIT: Duration = Duration::from_secs(30);

type Client = BaseConsumer<Heard>;

/// Keeps what the client library complained of last: its errors alone do not tell a wrong password from a broker that
/// is down.
#[derive(Clone, Default)]
struct Heard {
    last: Arc<Mutex<Option<String>>>,
    tokens: Tokens,
}

impl ClientContext for Heard {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        self.tokens.generate_oauth_token(config)
    }

    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, message: &str) {
        // The thread and the broker come first, each with a colon; the broker's address is known.
        let said = message.rsplit("bootstrap: ").next().unwrap_or(message);
        self.keep(said);
    }
}

impl ConsumerContext for Heard {}

impl Heard {
    fn keep(&self, said: &str) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(said.to_owned());
    }

    fn said(&self) -> String {
        let said = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        said.clone().unwrap_or_else(|| "no answer".to_owned())
    }
}

/// Checks that the brokers answer within five seconds, and makes the topics that are missing. Tells the cluster's id,
/// if it has one.
pub(super) async fn prepare(
    connection: &Connection,
    wanted: &[TopicSpec],
) -> Result<Option<String>, BrokerError> {
    let brokers = connection.brokers();
    if !brokers.split(',').all(is_address) {
        return Err(BrokerError::Setting {
            setting: brokers.to_owned(),
        });
    }
    let heard = Heard {
        tokens: connection.tokens(),
        ..Heard::default()
    };
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
    if let Err(error) = heard.tokens.bring(client.client()) {
        heard.keep(&error.to_string());
        return Err(unreachable(error));
    }
    let (partitions, cluster) = ask(client).await.map_err(unreachable)?;
    let mut missing = Vec::new();
    for topic in wanted {
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
    if !missing.is_empty() {
        let asked = Instant::now();
        let made = topics::create(connection, &missing, CREATE_LIMIT).await;
        made.map_err(|refused| BrokerError::Topic {
            partitions: missing
                .iter()
                .find(|topic| topic.name == refused.topic)
                .map_or(1, |topic| topic.partitions),
            topic: refused.topic,
            brokers: brokers.to_owned(),
            source: refused.source,
        })?;
        info!(topics = missing.len(), elapsed = ?asked.elapsed(), "topics made");
    }
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

fn is_address(text: &str) -> bool {
    let port = text
        .trim()
        .rsplit_once(':')
        .filter(|(host, _)| !host.is_empty())
        .map(|(_, port)| port.parse::<u16>());
    matches!(port, Some(Ok(1..)))
}
