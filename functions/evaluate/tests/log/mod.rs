//! A log of ticks for tests, and an evaluator of it on a lake and a topic in memory.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use domain::window::WindowRule;
use domain::{Decimal, Exchange, Tick};
use evaluate::{Context, Error, Investors, Settings, handle, serve};
use lake::{Chain, ChainKey, Epoch, MemoryStore, Retry, Table};
use lambda_kit::kafka::{BatchResponse, KafkaEvent, KafkaRecord, PartitionBatch};
use lambda_kit::{Deadline, Event};
use serde_json::Value;
use stream::MemoryPublisher;
use wire::commands::Command;

pub const START: i64 = 1_800_000_000;

pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(START + seconds, 0).unwrap()
}

pub fn tick(ticker: &str, cents: i64, event_time: DateTime<Utc>) -> Tick {
    Tick {
        ticker: ticker.parse().unwrap(),
        price: Decimal::new(cents, 2),
        event_time,
    }
}

pub fn start_prices(seconds: i64) -> Vec<Tick> {
    let listings = Exchange::ALL.into_iter().flat_map(Exchange::listings);
    listings
        .map(|each| Tick {
            ticker: each.ticker,
            price: each.start_price,
            event_time: at(seconds),
        })
        .collect()
}

/// A log whose records bear the ticks' own times as the broker's.
pub fn log_of(ticks: &[Tick]) -> Vec<KafkaRecord> {
    let record = |(offset, tick): (i64, &Tick)| record(offset, wire::encode_tick(tick));
    (0..).zip(ticks).map(record).collect()
}

/// The log of the start prices, and of `ticks` after them.
pub fn log_from_the_start(ticks: impl IntoIterator<Item = Tick>) -> Vec<KafkaRecord> {
    let mut all = start_prices(0);
    all.extend(ticks);
    log_of(&all)
}

pub fn record(offset: i64, value: impl Into<Bytes>) -> KafkaRecord {
    let timestamp = at(1000).timestamp_millis() + offset;
    KafkaRecord {
        offset,
        timestamp,
        key: None,
        value: Some(value.into()),
        headers: Vec::new(),
    }
}

pub struct Evaluator {
    pub store: MemoryStore,
    pub publisher: Arc<MemoryPublisher>,
    pub settings: Settings,
    pub context: Context,
}

impl Evaluator {
    pub async fn new() -> Self {
        Self::on(MemoryStore::new(), Arc::default(), settings(0, None)).await
    }

    pub async fn on(
        store: MemoryStore,
        publisher: Arc<MemoryPublisher>,
        settings: Settings,
    ) -> Self {
        let context = Context::new(Arc::new(store.clone()), publisher.clone(), settings.clone())
            .await
            .unwrap();
        let context = context.with_retry(Retry {
            attempts: 3,
            pause: Duration::ZERO,
        });
        Self {
            store,
            publisher,
            settings,
            context,
        }
    }

    /// The same evaluator after a cold start.
    pub async fn restarted(&self) -> Self {
        Self::on(
            self.store.clone(),
            self.publisher.clone(),
            self.settings.clone(),
        )
        .await
    }

    pub async fn deliver(&self, records: &[KafkaRecord]) -> BatchResponse {
        self.deliver_of("StockExchange", records).await.unwrap()
    }

    pub async fn deliver_of(
        &self,
        topic: &str,
        records: &[KafkaRecord],
    ) -> Result<BatchResponse, Error> {
        let batch = PartitionBatch {
            topic: topic.to_owned(),
            partition: 0,
            records: records.to_vec(),
        };
        let deadline = Deadline::at(SystemTime::UNIX_EPOCH);
        handle(KafkaEvent::from_batches([batch]), deadline, &self.context).await
    }

    /// Gives the function a command.
    pub async fn command(&self, command: Command) -> Result<Value, Error> {
        let event = Event {
            records: KafkaEvent::default(),
            command: Some(command),
        };
        let deadline = Deadline::at(SystemTime::UNIX_EPOCH);
        let answer = serve(event, deadline, at(2000), &self.context).await?;
        Ok(serde_json::to_value(answer).unwrap())
    }

    /// Key and value of everything published, in order.
    pub fn published(&self) -> Vec<(String, String)> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let records = self.publisher.records_of("portfolios").into_iter();
        records
            .map(|record| (text(record.key), text(record.value)))
            .collect()
    }

    /// What the lake's chain holds, as readers see it: one line for a row.
    pub async fn rows(&self) -> Vec<String> {
        rows_of(&self.store, self.settings.epoch, "StockExchange").await
    }
}

pub async fn rows_of(store: &MemoryStore, epoch: Epoch, topic: &str) -> Vec<String> {
    let key = ChainKey {
        table: Table::Evaluations,
        epoch,
        topic: topic.to_owned(),
        partition: 0,
    };
    let chain = Chain::new(Arc::new(store.clone()), key);
    let links = chain.links_overlapping(0..i64::MAX).await.unwrap();
    let mut end = 0;
    let mut lines = Vec::new();
    for link in links {
        let Range { start, end: next } = link.range;
        assert!(start == end || end == 0, "links follow one another");
        end = next;
        for at in 0..link.rows.num_rows() {
            let row = link.rows.slice(at, 1);
            lines.push(
                row.columns()
                    .iter()
                    .map(|column| format!("{column:?}"))
                    .collect(),
            );
        }
    }
    lines
}

pub fn settings(epoch: u32, investors: Option<&str>) -> Settings {
    Settings {
        epoch: Epoch(epoch),
        rule: WindowRule::new(TimeDelta::seconds(20), TimeDelta::seconds(2)).unwrap(),
        max_ahead: TimeDelta::hours(1),
        investors: investors.map(|text| text.parse::<Investors>().unwrap()),
    }
}

/// The NAV of each message in turn, with its portfolio: `1.1 10724420.00`.
pub fn navs(published: &[(String, String)]) -> Vec<String> {
    let nav = |(key, value): &(String, String)| {
        let nav = value
            .split("\"NAV\":")
            .nth(1)
            .unwrap()
            .split(',')
            .next()
            .unwrap();
        format!("{key} {nav}")
    };
    published.iter().map(nav).collect()
}
