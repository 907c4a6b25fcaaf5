//! What every Kafka client of ours shares: its settings for a short life in a function, and its logs.

use std::error::Error;

use rdkafka::ClientContext;
use rdkafka::client::OAuthToken;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::KafkaError;
use tracing::{debug, info, warn};

use crate::{Connection, Tokens};

/// Settings that producers and consumers have in common.
pub(crate) fn settings(connection: &Connection) -> ClientConfig {
    let mut config = connection.client();
    config
        .set("client.id", "tidemill")
        // A function that was frozen finds its connections gone, and a broker that comes back is wanted at once.
        .set("socket.keepalive.enable", "true")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", "500")
        .set("socket.connection.setup.timeout.ms", "3000")
        .set_log_level(RDKafkaLogLevel::Info);
    config
}

/// Sends the client library's logs to `tracing`, and brings the client its tokens.
///
/// librdkafka names brokers, topics and errors in them, never the values of its settings.
#[derive(Debug, Clone)]
pub(crate) struct Logged {
    pub(crate) tokens: Tokens,
}

impl ClientContext for Logged {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        self.tokens.generate_oauth_token(config)
    }

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            // The library's errors are about connections that it mends itself: an event that is lost by them is
            // logged as an error by who published it.
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => warn!(target: "librdkafka", facility, "{message}"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                info!(target: "librdkafka", facility, "{message}")
            }
            RDKafkaLogLevel::Debug => debug!(target: "librdkafka", facility, "{message}"),
        }
    }

    /// What is told here stands in the log lines above, or comes back as the outcome of a call.
    fn error(&self, error: KafkaError, reason: &str) {
        debug!(target: "librdkafka", %error, "{reason}");
    }
}

impl ConsumerContext for Logged {}
