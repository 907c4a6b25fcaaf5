//! What lives as long as the process: the producer, the source of quotes, the clock.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use stream::{KafkaPublisher, Publish};

use crate::quotes::{Quotes, chart::Chart, simulated::Simulated};
use crate::{Config, QuotesSource};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// What every request is handled with.
pub struct Context {
    pub(crate) publisher: Arc<dyn Publish>,
    pub(crate) quotes: Arc<dyn Quotes>,
    pub(crate) clock: Clock,
}

/// Why a context could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The brokers are not known.
    #[error(transparent)]
    Brokers(#[from] stream::LookupError),
    /// No producer.
    #[error("events cannot be published")]
    Publisher(#[from] stream::PublishError),
    /// No client for the source of quotes.
    #[error("no client for the chart API can be made")]
    Quotes(#[from] reqwest::Error),
}

impl Context {
    /// Makes what the configuration asks for, and looks the brokers up if it does not name them. Waits for no connection.
    pub async fn connect(config: Config) -> Result<Self, ConnectError> {
        let quotes: Arc<dyn Quotes> = match config.quotes {
            QuotesSource::Simulated => Arc::new(Simulated::default()),
            QuotesSource::Chart(base) => Arc::new(Chart::connect(base)?),
        };
        Ok(Self::new(
            Arc::new(KafkaPublisher::new(&config.kafka.connect().await?)?),
            quotes,
            Arc::new(Utc::now),
        ))
    }

    /// A context of given parts.
    pub fn new(publisher: Arc<dyn Publish>, quotes: Arc<dyn Quotes>, clock: Clock) -> Self {
        Self {
            publisher,
            quotes,
            clock,
        }
    }
}
