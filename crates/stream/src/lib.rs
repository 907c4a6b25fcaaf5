//! Publishing to Kafka: the port that functions publish through, its Kafka and in-memory adapters; how brokers are
//! found and reached; a scan of a log from its start; making topics.
//!
//! ```no_run
//! # async fn example() -> Result<(), stream::PublishError> {
//! use stream::{Connection, KafkaPublisher, Publish, Record};
//! let publisher = KafkaPublisher::new(&Connection::plaintext("localhost:9092"))?;
//! let record = Record { topic: "stock_call", key: b"GOOG", value: b"{}", headers: &[] };
//! let stored = publisher.publish(record).await?;
//! # let _ = stored; Ok(()) }
//! ```

mod client;
mod cluster;
mod connection;
mod error;
mod kafka;
pub mod memory;
mod metrics;
#[cfg(feature = "msk")]
pub mod msk;
mod publish;
mod scan;
mod settings;
mod tokens;
pub mod topics;

pub use client::show_complaints_if;
pub use cluster::{Cluster, LookupError};
pub use connection::{BadSetting, Connection, SETTINGS, StreamConsumer};
pub use error::{PublishError, ScanError};
pub use kafka::KafkaPublisher;
pub use memory::MemoryPublisher;
pub use publish::{Position, Publish, Record, publish_event};
pub use scan::{Scan, find_from_start};
pub use tokens::{Token, TokenError, TokenSource, Tokens};
pub use topics::TopicSpec;
