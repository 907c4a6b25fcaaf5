//! Runs of an exchange against a log in memory and a clock that only moves when it is waited on.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Exchange, Tick, Ticker};
use exchange::{Clock, Context, Error, Summary, TickLog, handle};
use futures::future::BoxFuture;
use lambda_kit::Deadline;
use serde_json::{Value, json};
use stream::{MemoryPublisher, Position, Publish, PublishError, Record, ScanError};

struct TestClock(Mutex<DateTime<Utc>>);

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'_, ()> {
        *self.0.lock().unwrap() += time;
        Box::pin(async {})
    }
}

struct TestLog(Arc<MemoryPublisher>);

impl TickLog for TestLog {
    fn tickers_seen(
        &self,
        exchange: Exchange,
    ) -> BoxFuture<'_, Result<BTreeSet<Ticker>, ScanError>> {
        let seen = ticks_of(&self.0).into_iter().map(|tick| tick.ticker);
        let seen = seen
            .filter(|ticker| ticker.exchange() == exchange)
            .collect();
        Box::pin(async { Ok(seen) })
    }
}

struct Harness {
    log: Arc<MemoryPublisher>,
    clock: Arc<TestClock>,
    context: Context,
}

fn begin() -> DateTime<Utc> {
    "2026-11-23T18:00:00.123456Z".parse().unwrap()
}

impl Harness {
    fn new() -> Self {
        Self::on(Arc::new(MemoryPublisher::new()))
    }

    fn on(log: Arc<MemoryPublisher>) -> Self {
        let clock = Arc::new(TestClock(Mutex::new(begin())));
        let context = Context::new(
            log.clone(),
            Arc::new(TestLog(log.clone())),
            clock.clone(),
            || 42,
        );
        Self {
            log,
            clock,
            context,
        }
    }

    async fn run(&self, event: Value) -> Result<Summary, Error> {
        let deadline = Deadline::at((self.clock.now() + TimeDelta::seconds(90)).into());
        handle(event, deadline, &self.context).await
    }

    fn ticks(&self) -> Vec<Tick> {
        ticks_of(&self.log)
    }
}

fn ticks_of(log: &MemoryPublisher) -> Vec<Tick> {
    let records = log.records_of("StockExchange");
    let tick = |value: &[u8]| wire::decode_tick(Some(value), i64::MAX, TimeDelta::zero()).unwrap();
    records.iter().map(|record| tick(&record.value)).collect()
}

fn tickers(ticks: &[Tick]) -> Vec<Ticker> {
    ticks.iter().map(|tick| tick.ticker).collect()
}

fn is_start_prices(ticks: &[Tick], exchange: Exchange) -> bool {
    let listed = exchange
        .listings()
        .iter()
        .map(|listing| (listing.ticker, listing.start_price));
    ticks
        .iter()
        .map(|tick| (tick.ticker, tick.price))
        .eq(listed)
        && ticks
            .iter()
            .all(|tick| tick.event_time == ticks[0].event_time)
}

#[tokio::test]
async fn a_run_of_the_schedule_starts_with_all_start_prices_and_lasts_for_just_under_a_minute() {
    let harness = Harness::new();
    let summary = harness.run(json!({"exchange": "se2"})).await.unwrap();
    let ticks = harness.ticks();
    assert!(is_start_prices(&ticks[..12], Exchange::Se2));
    assert_eq!(ticks[0].event_time, begin());
    for pair in ticks[11..].windows(2) {
        let rest = pair[1].event_time - pair[0].event_time;
        assert!(
            (TimeDelta::seconds(2)..=TimeDelta::seconds(5)).contains(&rest),
            "{rest}"
        );
    }
    let last = ticks.last().unwrap().event_time;
    assert!(
        (TimeDelta::seconds(53)..=TimeDelta::seconds(58)).contains(&(last - begin())),
        "{last}"
    );
    let expected = Summary {
        published: ticks.len() as u32,
        first: Some(begin()),
        last: Some(last),
    };
    assert_eq!(summary, expected);
    assert!(
        harness
            .log
            .records()
            .iter()
            .all(|record| record.key == tickers_key(&record.value))
    );
}

fn tickers_key(value: &[u8]) -> Vec<u8> {
    let value: Value = serde_json::from_slice(value).unwrap();
    value["TICK"].as_str().unwrap().as_bytes().to_vec()
}

#[tokio::test]
async fn start_prices_come_once_for_each_exchange_and_only_those_that_are_due() {
    let harness = Harness::new();
    let burst =
        |exchange: &str, ticks: u32| json!({"exchange": exchange, "ticks": ticks, "pace": "burst"});
    harness.run(burst("se1", 5)).await.unwrap();
    harness.run(burst("se1", 12)).await.unwrap();
    harness.run(burst("se2", 12)).await.unwrap();
    let ticks = harness.ticks();
    assert_eq!(tickers(&ticks[..12]), tickers_of(Exchange::Se1));
    assert!(
        ticks[12..17]
            .iter()
            .all(|tick| tick.ticker.exchange() == Exchange::Se1)
    );
    assert!(is_start_prices(&ticks[17..], Exchange::Se2));

    let cold = Harness::on(harness.log.clone());
    cold.run(json!({"exchange": "se2", "ticks": 1}))
        .await
        .unwrap();
    cold.run(burst("se1", 1)).await.unwrap();
    assert_eq!(cold.ticks().len(), 31);
    assert_ne!(
        tickers(&cold.ticks()[29..]),
        [tickers_of(Exchange::Se2)[0], tickers_of(Exchange::Se1)[0]]
    );
}

fn tickers_of(exchange: Exchange) -> Vec<Ticker> {
    exchange
        .listings()
        .iter()
        .map(|listing| listing.ticker)
        .collect()
}

#[tokio::test]
async fn a_seed_gives_the_same_ticks_whatever_the_log_holds() {
    let event = json!({"exchange": "se1", "ticks": 100, "pace": "burst", "seed": 7, "start": "2026-11-23 10:00:00"});
    let harness = Harness::new();
    let first = harness.run(event.clone()).await.unwrap();
    harness
        .run(json!({"exchange": "se1", "ticks": 3, "pace": "burst"}))
        .await
        .unwrap();
    let second = harness.run(event).await.unwrap();
    let ticks = harness.ticks();
    assert_eq!(ticks[..100], ticks[103..]);
    assert_eq!(first, second);
    assert!(is_start_prices(&ticks[..12], Exchange::Se1));
    let start: DateTime<Utc> = "2026-11-23T10:00:00Z".parse().unwrap();
    for (n, tick) in (0..).zip(&ticks[11..100]) {
        assert_eq!(tick.event_time, start + TimeDelta::seconds(3 * n));
    }
    let answer = serde_json::to_value(first).unwrap();
    let expected = json!({"published": 100, "first": "2026-11-23T10:00:00.000000Z", "last": "2026-11-23T10:04:24.000000Z"});
    assert_eq!(answer, expected);

    let other = json!({"exchange": "se1", "ticks": 100, "pace": "burst", "seed": 8, "start": "2026-11-23 10:00:00"});
    harness.run(other).await.unwrap();
    assert_ne!(harness.ticks()[203..], ticks[..100]);
}

#[tokio::test]
async fn a_burst_starts_now_but_reaches_at_most_half_an_hour_ahead() {
    let harness = Harness::new();
    let short = harness
        .run(json!({"exchange": "se1", "ticks": 13, "pace": "burst"}))
        .await
        .unwrap();
    assert_eq!(
        (short.first, short.last),
        (Some(begin()), Some(begin() + TimeDelta::seconds(3)))
    );
    let long = harness
        .run(json!({"exchange": "se1", "ticks": 5_000, "pace": "burst"}))
        .await
        .unwrap();
    assert_eq!(long.published, 5_000);
    assert_eq!(long.last, Some(begin() + TimeDelta::minutes(30)));
    let times: Vec<_> = harness.ticks()[13..]
        .iter()
        .map(|tick| tick.event_time)
        .collect();
    assert!(
        times
            .windows(2)
            .all(|pair| pair[1] - pair[0] == TimeDelta::seconds(3))
    );
}

#[tokio::test]
async fn a_run_ends_in_time_whatever_it_was_asked_for() {
    let harness = Harness::new();
    let real = harness
        .run(json!({"exchange": "se1", "ticks": 1000}))
        .await
        .unwrap();
    assert!(
        real.last.unwrap() - begin() <= TimeDelta::seconds(88),
        "{real:?}"
    );
    assert!(
        real.last.unwrap() - begin() > TimeDelta::seconds(80),
        "{real:?}"
    );

    let expired = Deadline::at((harness.clock.now() + TimeDelta::seconds(1)).into());
    let event = json!({"exchange": "se1", "ticks": 1000, "pace": "burst"});
    let nothing = handle(event, expired, &harness.context).await.unwrap();
    let answer = serde_json::to_value(nothing).unwrap();
    assert_eq!(answer, json!({"published": 0, "first": null, "last": null}));
}

#[tokio::test]
async fn what_is_refused_or_not_acknowledged_is_an_error() {
    let harness = Harness::new();
    let late =
        json!({"exchange": "se1", "ticks": 100, "pace": "burst", "start": "9999-12-31 23:59:59"});
    for event in [json!({"exchange": "nyse"}), late] {
        assert!(matches!(
            harness.run(event).await,
            Err(Error::BadRequest(_))
        ));
    }
    assert_eq!(harness.log.records(), []);
    harness.log.set_failing(true);
    let failed = harness
        .run(json!({"exchange": "se1", "ticks": 20, "pace": "burst"}))
        .await;
    assert!(
        matches!(
            failed,
            Err(Error::Publish {
                acknowledged: 0,
                ..
            })
        ),
        "{failed:?}"
    );
    harness.log.set_failing(false);
    harness
        .run(json!({"exchange": "se1", "ticks": 20, "pace": "burst"}))
        .await
        .unwrap();
    assert!(is_start_prices(&harness.ticks()[..12], Exchange::Se1));
}

/// A broker that is away for a time; whoever publishes then waits in vain.
struct Away {
    log: Arc<MemoryPublisher>,
    clock: Arc<TestClock>,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

#[async_trait]
impl Publish for Away {
    async fn publish(&self, record: Record<'_>) -> Result<Position, PublishError> {
        let is_away = (self.from..self.until).contains(&self.clock.now());
        self.log.set_failing(is_away);
        if is_away {
            self.clock.sleep(Duration::from_secs(4)).await;
        }
        self.log.publish(record).await
    }
}

/// A harness whose broker is away from 20 s after the beginning on, for so many seconds.
fn away_for(seconds: i64) -> Harness {
    let harness = Harness::new();
    let from = begin() + TimeDelta::seconds(20);
    let broker = Away {
        log: harness.log.clone(),
        clock: harness.clock.clone(),
        from,
        until: from + TimeDelta::seconds(seconds),
    };
    let log = Arc::new(TestLog(harness.log.clone()));
    let context = Context::new(Arc::new(broker), log, harness.clock.clone(), || 42);
    Harness { context, ..harness }
}

#[tokio::test]
async fn an_outage_holds_ticks_up_and_leaves_none_out() {
    let undisturbed = Harness::new();
    let event = json!({"exchange": "se1"});
    let expected = undisturbed.run(event.clone()).await.unwrap();
    let harness = away_for(30);
    let summary = harness.run(event).await.unwrap();
    assert_eq!(
        harness.ticks(),
        undisturbed.ticks(),
        "the same, in the same order"
    );
    assert_eq!(summary, expected);
}

#[tokio::test]
async fn an_outage_that_outlasts_the_run_fails_it_in_time() {
    let harness = away_for(600);
    let failed = harness.run(json!({"exchange": "se1"})).await;
    let acknowledged = harness.ticks().len();
    assert!(acknowledged > 12, "{acknowledged}");
    match failed {
        Err(Error::Publish {
            acknowledged: told, ..
        }) => assert_eq!(told as usize, acknowledged),
        other => panic!("{other:?}"),
    }
    let took = harness.clock.now() - begin();
    assert!(took <= TimeDelta::seconds(58 + 4), "{took}");
}
