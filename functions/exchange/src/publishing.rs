//! Publishing a market's ticks: at once, or as they happen.

use chrono::{DateTime, Datelike as _, SubsecRound as _, TimeDelta, Utc};
use domain::Tick;
use futures::StreamExt as _;
use stream::{Publish, PublishError, Record};

use crate::prices::Market;
use crate::{BadRequest, Context, Error, Summary};

/// Ticks of a burst are this far apart.
const GRID: TimeDelta = TimeDelta::seconds(3);
/// A burst that does not say when it starts reaches at most this far ahead, well below what is refused as too far.
const AHEAD: TimeDelta = TimeDelta::minutes(30);
/// How many records are under way to the broker at a time.
const IN_FLIGHT: usize = 1_000;

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
pub(crate) async fn real(
    context: &Context,
    mut market: Market,
    ticks: Option<u32>,
    starts: usize,
    end: DateTime<Utc>,
) -> Result<Summary, Error> {
    let (clock, publisher) = (context.clock.as_ref(), context.publisher.as_ref());
    let mut summary = Summary::default();
    let first = clock.now().trunc_subsecs(6);
    let more = |summary: &Summary| ticks.is_none_or(|ticks| summary.published < ticks);
    // Without start prices the first tick comes at once: the run before has rested until now.
    for _ in 0..starts.max(1) {
        if more(&summary) && clock.now() <= end {
            let (ticker, price) = market.next_price();
            summary.add(
                publish(
                    publisher,
                    Tick {
                        ticker,
                        price,
                        event_time: first,
                    },
                )
                .await,
            )?;
        }
    }
    while more(&summary) {
        let rest = market.rest();
        if clock.now() + rest > end {
            break;
        }
        clock.sleep(rest.to_std().unwrap_or_default()).await;
        let (ticker, price) = market.next_price();
        let event_time = clock.now().trunc_subsecs(6);
        summary.add(
            publish(
                publisher,
                Tick {
                    ticker,
                    price,
                    event_time,
                },
            )
            .await,
        )?;
    }
    Ok(summary)
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
