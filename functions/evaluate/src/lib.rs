//! Values portfolios over windows of event time.
//!
//! - Trigger: batches of `StockExchange`, again and cut anew as often as it may be.
//! - Inputs: the ticks, the holdings of the investors in the lake, and the chain that was made so far.
//! - Outputs: links of the table `evaluations`, then the same evaluations on `portfolios`, keyed by portfolio.
//! - Guarantee: the evaluations are a function of the log of ticks, however it is cut. Each stands once in the lake and
//!   at least once on the topic, repeats byte for byte. A batch succeeds only after every evaluation of every link that
//!   overlaps it was acknowledged by the broker.
//! - Commands of a person's come through the same door ([`serve`]): where its chains end, and going on after ticks that
//!   are lost.

mod batch;
mod commands;
mod config;
mod error;
mod link;
mod metrics;
mod rows;
mod shard;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::window::Holdings;
use lake::{Chain, ChainKey, Retry, Store, Table};
use lambda_kit::kafka::{BatchResponse, KafkaEvent, PartitionBatch};
use lambda_kit::{Answer, Deadline, Event, run};
use stream::{KafkaPublisher, Publish};
use telemetry::trace::{self, SpanKind, Start};
use tokio::sync::Mutex;
use tracing::error;
use wire::commands::Command;

pub use commands::{CommandError, Done};
pub use config::{Config, Settings};
pub use error::{ConnectError, Error, MakeError};
pub use shard::{InvalidInvestors, Investors};

/// What lives as long as the process.
pub struct Context {
    store: Arc<dyn Store>,
    publisher: Arc<dyn Publish>,
    settings: Settings,
    retry: Retry,
    warm: Mutex<Warm>,
}

/// What is remembered between batches to save requests; losing it loses nothing but a metric's values.
#[derive(Default)]
struct Warm {
    chains: BTreeMap<i32, Chain>,
    holdings: Holdings,
    /// Ends of windows that are committed and, as far as this process knows, not published, by partition.
    unpublished: BTreeMap<i32, Vec<DateTime<Utc>>>,
    /// The event time that was told to be ahead of the clock, by partition.
    ahead: BTreeMap<i32, DateTime<Utc>>,
}

impl Context {
    /// Opens the lake, makes the first holdings where there are none, finds the brokers and sets up the producer.
    pub async fn connect(config: Config) -> Result<Self, ConnectError> {
        let store = lake::open(&config.lake_url)?;
        let kafka = config.kafka.connect().await?;
        let publisher = Arc::new(KafkaPublisher::new(&kafka)?);
        Self::new(store, publisher, config.settings).await
    }

    /// A context of given parts; makes the first holdings where there are none.
    pub async fn new(
        store: Arc<dyn Store>,
        publisher: Arc<dyn Publish>,
        settings: Settings,
    ) -> Result<Self, ConnectError> {
        lake::holdings::seed(store.as_ref()).await?;
        Ok(Self {
            store,
            publisher,
            settings,
            retry: Retry::default(),
            warm: Mutex::default(),
        })
    }

    /// The same context, asking a failing store as `retry` says.
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The chain of a partition of ticks. A shard has its own, for it numbers the same offsets.
    fn chain(&self, partition: i32) -> Chain {
        let key = ChainKey {
            table: Table::Evaluations,
            epoch: self.settings.epoch,
            topic: self.chain_topic(),
            partition,
        };
        Chain::new(self.store.clone(), key).with_retry(self.retry)
    }

    fn chain_topic(&self) -> String {
        match &self.settings.investors {
            None => wire::topics::STOCK_EXCHANGE.to_owned(),
            Some(investors) => format!("{}.{investors}", wire::topics::STOCK_EXCHANGE),
        }
    }
}

/// Does what an invocation brings at `now`: batches of the trigger, or a person's command.
pub async fn serve(
    event: Event<Command>,
    deadline: Deadline,
    now: DateTime<Utc>,
    context: &Context,
) -> Result<Answer<Done>, Error> {
    Ok(match event.command {
        None => Answer::Batches(handle(event.records, deadline, context).await?),
        Some(command) => Answer::Command(commands::run(command, now, context).await?),
    })
}

/// Evaluates what a trigger brings. A partition that fails is reported from its first offset on and does not keep the
/// others from succeeding.
pub async fn handle(
    event: KafkaEvent,
    _deadline: Deadline,
    context: &Context,
) -> Result<BatchResponse, Error> {
    let mut warm = context.warm.lock().await;
    let mut response = BatchResponse::default();
    for batch in event.into_batches() {
        if batch.topic != wire::topics::STOCK_EXCHANGE {
            return Err(Error::UnexpectedTopic { topic: batch.topic });
        }
        let mut before: Option<i64> = None;
        for part in batch.cut_at_holes() {
            let span = trace::is_on().then(|| span(&part));
            let evaluated = trace::within(span, async {
                let evaluated = batch::evaluate(context, &mut warm, &part, before).await;
                if evaluated.is_err() {
                    trace::failed("not evaluated");
                }
                evaluated
            });
            if let Err(failed) = evaluated.await {
                // With the record before a hole the batch comes again as it was, and the hole's links are published then.
                let again = before.filter(|_| failed.missing().is_none());
                report(&part, again.map(|end| end - 1), &failed, &mut response);
                break;
            }
            before = part.records.last().map(|record| record.offset + 1);
        }
    }
    Ok(response)
}

/// Says which records are not done, from `again` on or those of the part, and why.
fn report(part: &PartitionBatch, again: Option<i64>, failed: &Error, response: &mut BatchResponse) {
    let Some(first) = part.records.first().map(|record| record.offset) else {
        return;
    };
    let (partition, reason) = (part.partition, run::chain(failed));
    error!(
        topic = part.topic,
        partition,
        first,
        gap = failed.missing().map(|missing| missing.end - missing.first),
        error = reason,
        "batch failed"
    );
    response.fail(&part.topic, partition, again.unwrap_or(first));
    response.gaps.extend(failed.missing());
}

/// The span of one batch's work, linked to those that published its ticks.
fn span(batch: &PartitionBatch) -> Start {
    let records = i64::try_from(batch.records.len()).unwrap_or(i64::MAX);
    Start::new(format!("evaluate {}", batch.topic), SpanKind::Internal)
        .with("messaging.batch.message_count", records)
        .linked(batch.origins())
}
