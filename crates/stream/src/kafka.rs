//! The Kafka adapter of the publish port.

use std::sync::{Arc, Once, PoisonError, RwLock};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use metrics::counter;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use telemetry::trace::{self, SpanKind, Start};
use telemetry::work;
use tracing::warn;

use crate::client;
use crate::metrics::{PRODUCERS_REPLACED, PUBLISHED, PUBLISHED_BYTES, UNACKNOWLEDGED};
use crate::{Connection, Position, Publish, PublishError, Record, Tokens};

/// Publishes to Kafka through one idempotent producer with acks=all.
///
/// Make one per process. It connects by itself, and connects again when brokers come back.
pub struct KafkaPublisher {
    connection: Connection,
    producer: RwLock<Generation>,
}

/// How long brokers are looked for; records have a limit of their own.
const SEARCH: Duration = Duration::from_secs(3);

/// A producer and its number: a producer that met a fatal error is replaced by one of the next number.
#[derive(Clone)]
struct Generation {
    number: u64,
    producer: FutureProducer<Tokens>,
    tokens: Tokens,
    /// Done once its brokers were looked for.
    search: Arc<Once>,
}

impl KafkaPublisher {
    /// Makes a publisher for the brokers of a connection.
    ///
    /// Waits for no connection: a broker that cannot be reached is an error of the first record.
    pub fn new(connection: &Connection) -> Result<Self, PublishError> {
        Ok(Self {
            connection: connection.clone(),
            producer: RwLock::new(Generation::new(0, connection)?),
        })
    }

    fn current(&self) -> Generation {
        self.producer
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Replaces `failed` unless another call has done so already, and returns the producer to use now.
    fn replace(&self, failed: &Generation) -> Result<Generation, PublishError> {
        let mut current = self
            .producer
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if current.number == failed.number {
            let reason = failed
                .producer
                .client()
                .fatal_error()
                .map(|(_, reason)| reason);
            counter!(PRODUCERS_REPLACED).increment(1);
            warn!(reason, "producer met a fatal error and is made anew");
            *current = Generation::new(failed.number + 1, &self.connection)?;
        }
        Ok(current.clone())
    }

    async fn send(&self, record: Record<'_>) -> Result<Position, PublishError> {
        let headers = headers(record);
        let not_acknowledged = |source| PublishError::NotAcknowledged {
            topic: record.topic.to_owned(),
            source,
        };
        let message = || {
            let message = FutureRecord::to(record.topic)
                .key(record.key)
                .payload(record.value);
            match &headers {
                Some(headers) => message.headers(headers.clone()),
                None => message,
            }
        };

        let mut generation = self.current();
        generation.tokens.renew(generation.producer.client());
        let mut sent = generation.producer.send_result(message());
        if matches!(
            sent,
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::Fatal), _))
        ) {
            // Refused before it was sent, so it cannot be in the log: the next producer may have it.
            generation = self.replace(&generation)?;
            sent = generation.producer.send_result(message());
        }
        generation.find_brokers(record.topic);
        let delivery = match sent {
            Ok(delivery) => delivery,
            Err((source, _)) => return Err(not_acknowledged(source)),
        };
        let source = match delivery.await {
            Ok(Ok(stored)) => {
                return Ok(Position {
                    partition: stored.partition,
                    offset: stored.offset,
                });
            }
            Ok(Err((source, _))) => source,
            Err(_) => KafkaError::Canceled,
        };
        // The record may have been written, so it is not sent again from here: the caller decides.
        if generation.producer.client().fatal_error().is_some() {
            self.replace(&generation)?;
        }
        Err(not_acknowledged(source))
    }
}

#[async_trait]
impl Publish for KafkaPublisher {
    async fn publish(&self, record: Record<'_>) -> Result<Position, PublishError> {
        let start = || {
            Start::new(format!("publish {}", record.topic), SpanKind::Producer)
                .with("messaging.system", "kafka")
                .with("messaging.destination.name", record.topic.to_owned())
        };
        let sent = trace::within(trace::is_on().then(start), async {
            let sent = self.send(record).await;
            match &sent {
                Ok(at) => {
                    trace::note(
                        "messaging.destination.partition.id",
                        i64::from(at.partition),
                    );
                    trace::note("messaging.kafka.offset", at.offset);
                }
                Err(_) => trace::failed("not acknowledged"),
            }
            sent
        });
        let sent = sent.await;
        let (topic, bytes) = (record.topic.to_owned(), record.value.len());
        match sent {
            Ok(_) => {
                work::published(bytes);
                counter!(PUBLISHED, "topic" => topic.clone()).increment(1);
                counter!(PUBLISHED_BYTES, "topic" => topic).increment(bytes as u64);
            }
            Err(_) => counter!(UNACKNOWLEDGED, "topic" => topic).increment(1),
        }
        sent
    }
}

/// The record's own headers, and those that carry the running span on.
fn headers(record: Record<'_>) -> Option<OwnedHeaders> {
    let spans = trace::headers();
    if spans.is_empty() && record.headers.is_empty() {
        return None;
    }
    let spans = spans
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_bytes()));
    let own = record.headers.iter().copied();
    let headers = own
        .chain(spans)
        .fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header {
                key,
                value: Some(value),
            })
        });
    Some(headers)
}

impl Generation {
    fn new(number: u64, connection: &Connection) -> Result<Self, PublishError> {
        let tokens = connection.tokens();
        let producer = producer(connection, tokens.clone())?;
        Ok(Self {
            number,
            producer,
            tokens,
            search: Arc::new(Once::new()),
        })
    }

    /// Asks for the topic's brokers, beside the first record that waits for them.
    ///
    /// Left to itself the library goes on when one of its timers ends, for it looks for a broker, the topic's leader and
    /// the producer's id apart from one another: of the first records of processes one waits 30 ms, the next one a second.
    fn find_brokers(&self, topic: &str) {
        self.search.call_once(|| {
            let (producer, topic) = (self.producer.clone(), topic.to_owned());
            let search = move || {
                // The first answer may come by an address of the settings, whose connection is given up for the
                // broker's own; the second one comes by that.
                for _ in 0..2 {
                    if producer
                        .client()
                        .fetch_metadata(Some(&topic), SEARCH)
                        .is_err()
                    {
                        return; // No broker: the record's time limit will tell.
                    }
                }
            };
            let started = thread::Builder::new()
                .name("brokers".to_owned())
                .spawn(search);
            if let Err(reason) = started {
                warn!(%reason, "brokers are not looked for, the first record may wait a second");
            }
        });
    }
}

fn producer(
    connection: &Connection,
    tokens: Tokens,
) -> Result<FutureProducer<Tokens>, PublishError> {
    let mut config = client::settings(connection);
    config
        .set("acks", "all")
        .set("enable.idempotence", "true")
        // An invocation publishes one event and waits for it: there is nothing to wait for before sending.
        .set("linger.ms", "0")
        // Timeouts are looked for once a second, so an answer comes in 4.5 s at the latest: callers are promised five.
        .set("message.timeout.ms", "3500")
        .set("request.timeout.ms", "3000")
        // The partitioner of the Java clients, so that their records of a key land where ours do.
        .set("partitioner", "murmur2_random");
    FutureProducer::from_config_and_context(&config, tokens).map_err(|source| {
        PublishError::Producer {
            brokers: connection.brokers().to_owned(),
            source,
        }
    })
}
