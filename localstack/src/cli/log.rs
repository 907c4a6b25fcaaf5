//! A partition of a topic, read by a command: no group is joined and nothing is committed.

use std::{env, sync::Arc, time::Duration};

use rdkafka::{
    Offset, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::Consumer,
    error::{KafkaError, KafkaResult, RDKafkaErrorCode as Code},
    message::{BorrowedMessage, Message},
};
use stream::{Connection, StreamConsumer};
use tokio::{task::spawn_blocking, time::timeout};

use crate::{broker::Watermark, trigger::LogRecord};

/// How long the brokers may take for one answer.
const LIMIT: Duration = Duration::from_secs(15);

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum LogError {
    #[error("{0}")]
    Settings(String),
    #[error("the brokers {brokers} cannot be asked about topic {topic}")]
    Broker {
        brokers: String,
        topic: String,
        source: KafkaError,
    },
    #[error("the brokers {brokers} have no topic {topic}")]
    NoTopic { brokers: String, topic: String },
    #[error("{topic}-{partition} cannot be read at offset {at}")]
    Read {
        topic: String,
        partition: i32,
        at: i64,
        source: KafkaError,
    },
    #[error("{topic}-{partition} cannot be read at offset {at}: no answer in {} s", LIMIT.as_secs())]
    Silent {
        topic: String,
        partition: i32,
        at: i64,
    },
    #[error("{topic}-{partition}: the record at offset {at} cannot be written as JSON")]
    Encode {
        topic: String,
        partition: i32,
        at: i64,
        source: serde_json::Error,
    },
}

/// What reads the logs of a cluster.
pub(super) struct Logs {
    brokers: String,
    consumer: Arc<StreamConsumer>,
}

/// One partition, from an offset on.
pub(super) struct Log<'a> {
    logs: &'a Logs,
    topic: String,
    partition: i32,
    next: i64,
}

impl Logs {
    /// The logs of these brokers, reached as the environment says: `KAFKA_SECURITY_PROTOCOL` and its like.
    pub(super) fn of(brokers: &str) -> Result<Self, LogError> {
        let setting = |name: &'static str| match name {
            "KAFKA_BROKERS" => Some(brokers.to_owned()),
            name => env::var(name).ok(),
        };
        let connection = Connection::from_settings(setting).map_err(|bad| {
            let told: Vec<String> = bad.iter().map(ToString::to_string).collect();
            LogError::Settings(told.join("; "))
        })?;
        let mut config = connection.client();
        config
            // The client wants a name although no group is joined.
            .set("group.id", "tidemill-command")
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "earliest")
            .set_log_level(RDKafkaLogLevel::Error);
        let consumer = connection
            .consumer(&config)
            .map_err(|source| LogError::Broker {
                brokers: brokers.to_owned(),
                topic: String::new(),
                source,
            })?;
        Ok(Self {
            brokers: brokers.to_owned(),
            consumer: Arc::new(consumer),
        })
    }

    /// The partitions of a topic.
    pub(super) async fn partitions(&self, topic: &str) -> Result<Vec<i32>, LogError> {
        let name = topic.to_owned();
        let ids = self
            .ask(topic, move |consumer| {
                let metadata = consumer.fetch_metadata(Some(&name), LIMIT)?;
                let topics = metadata.topics().iter().filter(|it| it.name() == name);
                Ok(topics
                    .flat_map(|topic| topic.partitions().iter().map(|it| it.id()))
                    .collect::<Vec<_>>())
            })
            .await?;
        if ids.is_empty() {
            return Err(LogError::NoTopic {
                brokers: self.brokers.clone(),
                topic: topic.to_owned(),
            });
        }
        Ok(ids)
    }

    /// What a partition holds.
    pub(super) async fn bounds(&self, topic: &str, partition: i32) -> Result<Watermark, LogError> {
        let name = topic.to_owned();
        self.ask(topic, move |consumer| {
            let (low, high) = consumer.fetch_watermarks(&name, partition, LIMIT)?;
            Ok(Watermark { low, high })
        })
        .await
    }

    /// A partition, read from `from` on, or from where it begins now if that is later.
    pub(super) fn read(&self, topic: &str, partition: i32, from: i64) -> Result<Log<'_>, LogError> {
        let failed = |source| LogError::Read {
            topic: topic.to_owned(),
            partition,
            at: from,
            source,
        };
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(from))
            .and_then(|()| self.consumer.assign(&list))
            .map_err(failed)?;
        Ok(Log {
            logs: self,
            topic: topic.to_owned(),
            partition,
            next: from,
        })
    }

    async fn ask<T: Send + 'static>(
        &self,
        topic: &str,
        question: impl FnOnce(&StreamConsumer) -> KafkaResult<T> + Send + 'static,
    ) -> Result<T, LogError> {
        let consumer = Arc::clone(&self.consumer);
        let answer = spawn_blocking(move || question(&consumer)).await;
        answer
            .unwrap_or(Err(KafkaError::Canceled))
            .map_err(|source| LogError::Broker {
                brokers: self.brokers.clone(),
                topic: topic.to_owned(),
                source,
            })
    }
}

impl Log<'_> {
    /// Reads on at the next record, forgetting what was read ahead.
    pub(super) fn read_again(&mut self) -> Result<(), LogError> {
        *self = self.logs.read(&self.topic, self.partition, self.next)?;
        Ok(())
    }

    /// The next record; none at the end of the partition as it was when the client last asked.
    pub(super) async fn next(&mut self) -> Result<Option<LogRecord>, LogError> {
        let (topic, partition, at) = (self.topic.clone(), self.partition, self.next);
        let received = timeout(LIMIT, self.received()).await;
        let message = match received {
            Ok(Ok(message)) => message,
            Ok(Err(KafkaError::PartitionEOF(_))) => return Ok(None),
            Ok(Err(source)) => {
                return Err(LogError::Read {
                    topic,
                    partition,
                    at,
                    source,
                });
            }
            Err(_) => {
                return Err(LogError::Silent {
                    topic,
                    partition,
                    at,
                });
            }
        };
        let next = message.offset() + 1;
        let record = LogRecord::encode(&message).map_err(|source| LogError::Encode {
            topic,
            partition,
            at: next - 1,
            source,
        })?;
        self.next = next;
        Ok(Some(record))
    }

    /// What comes next; connections that come and go are mended by the client itself, until the time is up.
    async fn received(&self) -> KafkaResult<BorrowedMessage<'_>> {
        loop {
            match self.logs.consumer.recv().await {
                Err(KafkaError::MessageConsumption(
                    Code::BrokerTransportFailure | Code::AllBrokersDown | Code::OperationTimedOut,
                )) => {}
                received => return received,
            }
        }
    }
}
