//! Reading a log from its start, to find out whether something is in it already.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};
use tokio::time::timeout_at;

use crate::client;
use crate::{Connection, ScanError, StreamConsumer};

/// What a scan of a log found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scan {
    /// A record that was looked for is in the log.
    Found,
    /// The log is whole, and no such record was in it when the scan began.
    NotFound,
    /// The log's beginning is gone, so what was in it cannot be told. Nothing was read.
    Trimmed,
}

/// Looks for a record whose value satisfies `wanted`, from the start of a partition to what was its end at the call.
///
/// Stops at the first such record. Joins no consumer group and commits nothing. Takes at most `limit`.
pub async fn find_from_start(
    connection: &Connection,
    topic: &str,
    partition: i32,
    limit: Duration,
    mut wanted: impl FnMut(&[u8]) -> bool + Send,
) -> Result<Scan, ScanError> {
    let deadline = Instant::now() + limit;
    let read = |source| ScanError::Read {
        topic: topic.to_owned(),
        partition,
        source,
    };

    let consumer = Arc::new(consumer(connection).map_err(read)?);
    let (low, end) = watermarks(&consumer, topic, partition, limit)
        .await
        .map_err(read)?;
    if low > 0 {
        return Ok(Scan::Trimmed);
    }
    if end == 0 {
        return Ok(Scan::NotFound);
    }

    let mut assignment = TopicPartitionList::new();
    assignment
        .add_partition_offset(topic, partition, Offset::Beginning)
        .map_err(read)?;
    consumer.assign(&assignment).map_err(read)?;

    let mut reached = 0;
    while reached < end {
        let received = match timeout_at(deadline.into(), consumer.recv()).await {
            Ok(received) => received,
            Err(_) => {
                return Err(ScanError::TimedOut {
                    topic: topic.to_owned(),
                    partition,
                    reached,
                    end,
                    limit,
                });
            }
        };
        match received {
            Ok(record) => {
                if record.offset() < end && record.payload().is_some_and(&mut wanted) {
                    return Ok(Scan::Found);
                }
                reached = record.offset() + 1;
            }
            // The last offsets may be markers of transactions, which are no records.
            Err(KafkaError::PartitionEOF(_)) => break,
            // Connections that come and go are mended by the client itself, until the time is up; and whether its group is
            // known to the brokers does not matter, for it joins none.
            Err(KafkaError::MessageConsumption(code)) if is_passing(code) => {}
            Err(source) => return Err(read(source)),
        }
    }
    Ok(Scan::NotFound)
}

fn is_passing(code: rdkafka::error::RDKafkaErrorCode) -> bool {
    use rdkafka::error::RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::OperationTimedOut
            | Code::Resolve
            | Code::GroupAuthorizationFailed
    )
}

/// The group that a scan names, because the client wants a name, and does not join. Brokers that ask who may do what are
/// asked whether it may be described.
const SCAN_GROUP: &str = "tidemill-scan";

fn consumer(connection: &Connection) -> KafkaResult<StreamConsumer> {
    let tokens = connection.tokens();
    let mut config = client::settings(connection);
    config
        .set("group.id", SCAN_GROUP)
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("auto.offset.reset", "error");
    StreamConsumer::from_config_and_context(&config, tokens)
}

/// The first offset that the log holds and the one after its last.
async fn watermarks(
    consumer: &Arc<StreamConsumer>,
    topic: &str,
    partition: i32,
    limit: Duration,
) -> KafkaResult<(i64, i64)> {
    let (consumer, topic) = (Arc::clone(consumer), topic.to_owned());
    let ask = move || {
        // It is polled only later, and without a token there is no answer.
        consumer.context().bring(consumer.client())?;
        consumer.fetch_watermarks(&topic, partition, limit)
    };
    tokio::task::spawn_blocking(ask)
        .await
        .unwrap_or(Err(KafkaError::Canceled))
}
