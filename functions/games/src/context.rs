//! What lives as long as the process: the producer, and where it sends to.

use std::sync::Arc;

use lambda_kit::{ConfigErrors, Env};
use stream::{Connection, KafkaPublisher, Publish, PublishError};

/// The configuration of the Games API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// `KAFKA_BROKERS` (`host:port,…`) and how they are reached: `stream::SETTINGS`.
    pub kafka: Connection,
}

impl Config {
    /// Reads the environment and reports every bad variable at once.
    pub fn from_env(env: &mut Env) -> Result<Self, ConfigErrors> {
        let kafka = env.group(|get| Connection::from_settings(get));
        env.finish(kafka.map(|kafka| Self { kafka }))
    }
}

/// What every request is handled with.
pub struct Context {
    pub(crate) publisher: Arc<dyn Publish>,
}

impl Context {
    /// Makes what the configuration asks for. Waits for no connection.
    pub fn connect(config: &Config) -> Result<Self, PublishError> {
        Ok(Self::new(Arc::new(KafkaPublisher::new(&config.kafka)?)))
    }

    /// A context of a given publisher.
    pub fn new(publisher: Arc<dyn Publish>) -> Self {
        Self { publisher }
    }
}
