//! What the log of ticks tells about the past of an exchange.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use domain::{Exchange, Ticker};
use futures::future::BoxFuture;
use stream::{Connection, Scan, ScanError};

/// The log of ticks, as an exchange reads it when it starts.
pub trait TickLog: Send + Sync {
    /// The tickers of an exchange that have a tick in the log. All of them, if the log's beginning is gone.
    fn tickers_seen(
        &self,
        exchange: Exchange,
    ) -> BoxFuture<'_, Result<BTreeSet<Ticker>, ScanError>>;
}

/// The log in Kafka.
#[derive(Clone, Debug)]
pub struct KafkaTickLog {
    kafka: Connection,
}

/// All ticks go through one partition.
const PARTITION: i32 = 0;
/// Reading stops as soon as every ticker is seen, which is in the log's first records but for rare cases.
const LIMIT: Duration = Duration::from_secs(20);

impl KafkaTickLog {
    /// The log on given brokers.
    pub fn new(kafka: Connection) -> Self {
        Self { kafka }
    }
}

impl TickLog for KafkaTickLog {
    fn tickers_seen(
        &self,
        exchange: Exchange,
    ) -> BoxFuture<'_, Result<BTreeSet<Ticker>, ScanError>> {
        Box::pin(async move {
            let mut seen = BTreeSet::new();
            let all = exchange.listings().len();
            let topic = wire::topics::STOCK_EXCHANGE;
            let scan = stream::find_from_start(&self.kafka, topic, PARTITION, LIMIT, |value| {
                seen.extend(ticker_in(value).filter(|ticker| ticker.exchange() == exchange));
                seen.len() == all
            });
            Ok(match scan.await? {
                Scan::Found | Scan::NotFound => seen,
                Scan::Trimmed => exchange
                    .listings()
                    .iter()
                    .map(|listing| listing.ticker)
                    .collect(),
            })
        })
    }
}

/// The ticker of a tick; what is no tick is not an exchange's concern. The tick's time does not matter here.
pub(crate) fn ticker_in(value: &[u8]) -> Option<Ticker> {
    wire::decode_tick(Some(value), i64::MAX, TimeDelta::zero())
        .ok()
        .map(|tick| tick.ticker)
}
