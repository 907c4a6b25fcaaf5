//! What every Kafka client of ours shares: its settings for a short life in a function, and its logs.

use std::sync::OnceLock;

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use tracing::{debug, info, warn};

use crate::Connection;

/// Settings that producers and consumers have in common.
pub(crate) fn settings(connection: &Connection) -> ClientConfig {
    let mut config = connection.client();
    config
        .set("client.id", "tidemill")
        // A function that was frozen finds its connections gone, and a broker that comes back is wanted at once.
        .set("socket.keepalive.enable", "true")
        .set("reconnect.backoff.ms", "20")
        .set("reconnect.backoff.max.ms", "500")
        .set("socket.connection.setup.timeout.ms", "3000")
        .set_log_level(RDKafkaLogLevel::Info);
    config
}

static SHOWN: OnceLock<fn(&str) -> bool> = OnceLock::new();

/// Lets `is_shown` decide for this process which complaints of the client library are warnings, by their facility; the
/// others are lines for those who look for them. Without it all are shown.
pub fn show_complaints_if(is_shown: fn(&str) -> bool) {
    // Who sets it first in a process decides.
    let _ = SHOWN.set(is_shown);
}

/// Sends a line of the client library's to `tracing`.
///
/// librdkafka names brokers, topics and errors in them, never the values of its settings.
pub(crate) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        // A broker that has just started gives out no producer id at once, and is asked again. If that goes on, records
        // are not acknowledged, and that is told.
        _ if facility == "GETPID" => debug!(target: "librdkafka", facility, "{message}"),
        // The library's errors are about connections that it mends itself: an event that is lost by them is
        // logged as an error by who published it.
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error
        | RDKafkaLogLevel::Warning
            if SHOWN.get().is_none_or(|is_shown| is_shown(facility)) =>
        {
            warn!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
            info!(target: "librdkafka", facility, "{message}");
        }
        _ => debug!(target: "librdkafka", facility, "{message}"),
    }
}
