//! Publishing to Kafka: the port that functions publish through, its Kafka and in-memory adapters, and a scan of a
//! log from its start.
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
mod connection;
mod error;
mod kafka;
pub mod memory;
mod metrics;
mod publish;
mod scan;

pub use connection::{BadSetting, Connection, SETTINGS};
pub use error::{PublishError, ScanError};
pub use kafka::KafkaPublisher;
pub use memory::MemoryPublisher;
pub use publish::{Position, Publish, Record, publish_event};
pub use scan::{Scan, find_from_start};
