//! Publishing a market's ticks: at once, or as they happen.

use std::time::Duration;

use chrono::{DateTime, Datelike as _, SubsecRound as _, TimeDelta, Utc};
use domain::Tick;
use futures::StreamExt as _;
use stream::{Publish, PublishError, Record};
use tracing::warn;

use crate::prices::Market;
use crate::{BadRequest, Context, Error, Summary};

/// Ticks of a burst are this far apart.
const GRID: TimeDelta = TimeDelta::seconds(3);
/// A burst that does not say when it starts reaches at most this far ahead, well below what is refused as too far.
const AHEAD: TimeDelta = TimeDelta::minutes(30);
/// How many records are under way to the broker at a time.
const IN_FLIGHT: usize = 1_000;
/// Between two tries to publish a tick.
const PAUSE: Duration = Duration::from_millis(500);

/// The event times of a burst: the first `starts` ticks share the first one, the others follow 3 s apart.
pub(crate) fn burst_times(
    start: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    ticks: u32,
    starts: usize,
) -> Result<impl Iterator<Item = DateTime<Utc>>, BadRequest> {
    let starts = u32::try_from(starts).unwrap_or(u32::MAX).max(1);
    let length = GRID
        * i32::try_from(ticks.saturating_sub(starts))
            .map_err(|_| BadRequest::ticks(&ticks.into()))?;
    let first = start
        .unwrap_or_else(|| now.min(now + AHEAD - length))
        .trunc_subsecs(6);
    let last = first
        .checked_add_signed(length)
        .filter(|last| last.year() <= 9999);
    last.ok_or(BadRequest::StartTooLate { ticks })?;
    let grid = std::iter::successors(Some(first), |time| time.checked_add_signed(GRID)).skip(1);
    Ok(std::iter::repeat_n(first, starts.min(ticks) as usize)
        .chain(grid)
        .take(ticks as usize))
}

/// Publishes a tick for each time, many at once and in order, until `end` by the clock.
pub(crate) async fn burst(
    context: &Context,
    mut market: Market,
    times: impl Iterator<Item = DateTime<Utc>> + Send,
    end: DateTime<Utc>,
) -> Result<Summary, Error> {
    let publisher = context.publisher.as_ref();
    let ticks = times
        .take_while(|_| context.clock.now() < end)
        .map(|event_time| {
            let (ticker, price) = market.next_price();
            publish(
                publisher,
                Tick {
                    ticker,
                    price,
                    event_time,
                },
            )
        });
    // Records are handed to the producer in the order in which their futures are first polled: this one.
    let mut acknowledged = futures::stream::iter(ticks).buffered(IN_FLIGHT);
    let mut summary = Summary::default();
    while let Some(outcome) = acknowledged.next().await {
        summary.add(outcome)?;
    }
    Ok(summary)
}

/// Publishes ticks as they happen, 2 to 5 s apart but for `starts` start prices, which come at once and bear one time.
/// Stops after `ticks`, or when the next one would fall past `end`.
///
/// A broker that is away holds them up, each until it is acknowledged, and then those that were due meanwhile come at
/// once, with the times at which they were due: windows of an outage are made after it.
pub(crate) async fn real(
    context: &Context,
    mut market: Market,
    ticks: Option<u32>,
    starts: usize,
    end: DateTime<Utc>,
) -> Result<Summary, Error> {
    let clock = context.clock.as_ref();
    let mut summary = Summary::default();
    let first = clock.now().trunc_subsecs(6);
    let more = |summary: &Summary| ticks.is_none_or(|ticks| summary.published < ticks);
    // Without start prices the first tick comes at once: the run before has rested until now.
    for _ in 0..starts.max(1) {
        if more(&summary) && clock.now() <= end {
            summary.add(insist(context, &mut market, first, end).await)?;
        }
    }
    let mut due = first;
    while more(&summary) {
        due += market.rest();
        if due > end {
            break;
        }
        if let Ok(wait) = (due - clock.now()).to_std() {
            clock.sleep(wait).await;
        }
        summary.add(insist(context, &mut market, due, end).await)?;
    }
    Ok(summary)
}

/// Publishes the market's next tick, again and again until it is acknowledged or `end` is reached: those after it must
/// not come before it. One that was written and not acknowledged in time comes twice, the same both times.
async fn insist(
    context: &Context,
    market: &mut Market,
    event_time: DateTime<Utc>,
    end: DateTime<Utc>,
) -> Result<DateTime<Utc>, PublishError> {
    let (ticker, price) = market.next_price();
    loop {
        let tick = Tick {
            ticker,
            price,
            event_time,
        };
        match publish(context.publisher.as_ref(), tick).await {
            Err(error) if error.is_retryable() && context.clock.now() + PAUSE < end => {
                warn!(%ticker, %event_time, %error, "tick not acknowledged, trying again");
                context.clock.sleep(PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

impl Summary {
    fn add(&mut self, outcome: Result<DateTime<Utc>, PublishError>) -> Result<(), Error> {
        let time = outcome.map_err(|source| Error::Publish {
            acknowledged: self.published,
            source,
        })?;
        self.published += 1;
        self.first.get_or_insert(time);
        self.last = Some(time);
        Ok(())
    }
}

async fn publish(publisher: &dyn Publish, tick: Tick) -> Result<DateTime<Utc>, PublishError> {
    let value = wire::encode_tick(&tick);
    let key = tick.ticker.as_str().as_bytes();
    publisher
        .publish(Record {
            topic: wire::topics::STOCK_EXCHANGE,
            key,
            value: &value,
            headers: &[],
        })
        .await?;
    Ok(tick.event_time)
}
