//! A stock exchange.
//!
//! - Trigger: a schedule (`{"exchange":"se1"}`) or an invocation by hand ([`Request`]).
//! - Inputs: the log's beginning, to know which tickers have had their start price.
//! - Outputs: ticks on `StockExchange`; [`Summary`] as the answer.
//! - Guarantee: what the answer counts is acknowledged by the broker, in the order of the event times; a ticker's
//!   first tick is its start price. Ticks in real time wait for a broker that is away, as long as the invocation lasts,
//!   and keep their times; one whose acknowledgement got lost may be in the log twice. A failed invocation may have
//!   published some of its ticks.

mod clock;
mod log;
mod prices;
mod publishing;
mod request;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use domain::{Exchange, Ticker};
use lambda_kit::{ConfigErrors, Deadline, Env, Reply};
use serde::{Serialize, Serializer};
use serde_json::Value;
use stream::{Cluster, KafkaPublisher, LookupError, Publish, PublishError, ScanError};
use thiserror::Error;
use tracing::info;

pub use clock::{Clock, SystemClock};
pub use log::{KafkaTickLog, TickLog};
pub use request::{BadRequest, MAX_TICKS, Pace, Request, Spread};

/// What the environment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `KAFKA_BROKERS` (`host:port,…`) or `KAFKA_CLUSTER_ARN`, and how they are reached: `stream::SETTINGS`.
    pub kafka: Cluster,
}

/// What lives as long as the process.
pub struct Context {
    /// Where ticks go.
    pub publisher: Arc<dyn Publish>,
    /// What has been published by others before.
    pub log: Arc<dyn TickLog>,
    /// What time it is, and how time passes.
    pub clock: Arc<dyn Clock>,
    /// Where the seed of an unseeded run comes from.
    pub entropy: fn() -> u64,
    /// The tickers known to have had their start price.
    started: tokio::sync::Mutex<BTreeMap<Exchange, BTreeSet<Ticker>>>,
}

/// What an invocation answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// How many ticks were published and acknowledged.
    pub published: u32,
    /// The first event time.
    #[serde(serialize_with = "rfc3339")]
    pub first: Option<DateTime<Utc>>,
    /// The last event time.
    #[serde(serialize_with = "rfc3339")]
    pub last: Option<DateTime<Utc>>,
}

impl Reply for Summary {}

/// Why an invocation failed.
#[derive(Debug, Error)]
pub enum Error {
    /// The event asks for what there is not. Nothing was published.
    #[error("bad event")]
    BadRequest(#[from] BadRequest),
    /// Whether start prices are due cannot be told. Nothing was published.
    #[error("the log of ticks cannot be read")]
    Log(#[from] ScanError),
    /// The broker did not take a tick.
    #[error("a tick was not acknowledged, {acknowledged} before it were")]
    Publish {
        /// How many ticks were acknowledged before.
        acknowledged: u32,
        /// Why.
        source: PublishError,
    },
}

/// Why a function cannot start.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// Its environment is wrong.
    #[error(transparent)]
    Config(#[from] ConfigErrors),
    /// The brokers are not known.
    #[error(transparent)]
    Brokers(#[from] LookupError),
    /// No producer can be made.
    #[error(transparent)]
    Publisher(#[from] PublishError),
}

impl Config {
    /// Reads the environment.
    pub fn from_env(env: &mut Env) -> Result<Self, ConfigErrors> {
        let kafka = env.group(|get| Cluster::from_settings(get));
        env.finish(kafka.map(|kafka| Self { kafka }))
    }
}

impl Context {
    /// Finds the brokers and connects to them; waits for no connection.
    pub async fn connect(config: Config) -> Result<Self, ConnectError> {
        let kafka = config.kafka.connect().await?;
        let publisher = Arc::new(KafkaPublisher::new(&kafka)?);
        let log = Arc::new(KafkaTickLog::new(kafka));
        Ok(Self::new(
            publisher,
            log,
            Arc::new(SystemClock),
            rand::random,
        ))
    }

    /// A context of given parts.
    pub fn new(
        publisher: Arc<dyn Publish>,
        log: Arc<dyn TickLog>,
        clock: Arc<dyn Clock>,
        entropy: fn() -> u64,
    ) -> Self {
        Self {
            publisher,
            log,
            clock,
            entropy,
            started: tokio::sync::Mutex::default(),
        }
    }

    /// The tickers of an exchange whose start prices are due. The log is read once in a process's life.
    async fn due(&self, exchange: Exchange) -> Result<Vec<Ticker>, ScanError> {
        let mut started = self.started.lock().await;
        let seen = match started.entry(exchange) {
            Entry::Occupied(seen) => seen.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(self.log.tickers_seen(exchange).await?),
        };
        let due = |ticker: &Ticker| !seen.contains(ticker);
        Ok(exchange
            .listings()
            .iter()
            .map(|listing| listing.ticker)
            .filter(due)
            .collect())
    }
}

/// Publishes what the event asks for, at most until 2 s before the deadline.
pub async fn handle(event: Value, deadline: Deadline, context: &Context) -> Result<Summary, Error> {
    let request = Request::from_event(event)?;
    let begun = context.clock.now();
    let end_of_invocation = DateTime::<Utc>::from(deadline.time()) - MARGIN;
    // A seeded run is a fresh exchange, so that its ticks depend on nothing but the seed.
    let due = match request.seed {
        Some(_) => request
            .exchange
            .listings()
            .iter()
            .map(|listing| listing.ticker)
            .collect(),
        None => context.due(request.exchange).await?,
    };
    let seed = request.seed.unwrap_or_else(context.entropy);
    let market = prices::Market::new(request.exchange, due.clone(), request.spread, seed);
    let summary = match request.pace {
        Pace::Burst { ticks, start } => {
            let times = publishing::burst_times(start, begun, ticks, due.len())?;
            publishing::burst(context, market, times, end_of_invocation).await?
        }
        Pace::Real { ticks } => {
            let end = match ticks {
                Some(_) => end_of_invocation,
                None => end_of_invocation.min(begun + SCHEDULED_RUN),
            };
            publishing::real(context, market, ticks, due.len(), end).await?
        }
    };
    let started = due
        .into_iter()
        .take(usize::try_from(summary.published).unwrap_or(usize::MAX));
    context
        .started
        .lock()
        .await
        .entry(request.exchange)
        .and_modify(|seen| seen.extend(started));
    info!(exchange = %request.exchange, published = summary.published, seeded = request.seed.is_some(), "ticks published");
    Ok(summary)
}

/// Before the deadline nothing is begun that could not be finished.
const MARGIN: TimeDelta = TimeDelta::seconds(2);
/// Runs of the schedule, which comes every minute, follow one another without overlap.
const SCHEDULED_RUN: TimeDelta = TimeDelta::seconds(58);

fn rfc3339<S: Serializer>(time: &Option<DateTime<Utc>>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(|time| time.to_rfc3339_opts(SecondsFormat::Micros, true))
        .serialize(serializer)
}
