//! What lives as long as the process: the producer, and where it sends to.

use std::sync::Arc;

use lambda_kit::{ConfigErrors, Env};
use stream::{Cluster, KafkaPublisher, LookupError, Publish, PublishError};

/// The configuration of the Games API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `KAFKA_BROKERS` (`host:port,…`) or `KAFKA_CLUSTER_ARN`, and how they are reached: `stream::SETTINGS`.
    pub kafka: Cluster,
}

impl Config {
    /// Reads the environment and reports every bad variable at once.
    pub fn from_env(env: &mut Env) -> Result<Self, ConfigErrors> {
        let kafka = env.group(|get| Cluster::from_settings(get));
        env.finish(kafka.map(|kafka| Self { kafka }))
    }
}

/// What every request is handled with.
pub struct Context {
    pub(crate) publisher: Arc<dyn Publish>,
}

/// Why a context could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The brokers are not known.
    #[error(transparent)]
    Brokers(#[from] LookupError),
    /// No producer.
    #[error("events cannot be published")]
    Publisher(#[from] PublishError),
}

impl Context {
    /// Makes what the configuration asks for, and looks the brokers up if it does not name them. Waits for no connection.
    pub async fn connect(config: Config) -> Result<Self, ConnectError> {
        let kafka = config.kafka.connect().await?;
        Ok(Self::new(Arc::new(KafkaPublisher::new(&kafka)?)))
    }

    /// A context of a given publisher.
    pub fn new(publisher: Arc<dyn Publish>) -> Self {
        Self { publisher }
    }
}
