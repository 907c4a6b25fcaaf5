//! One batch of one partition: commit, then publish.

use std::collections::btree_map::Entry;

use chrono::{DateTime, TimeDelta, Utc};
use domain::window::{Holdings, MissingHoldings, WindowState};
use domain::{Evaluation, Portfolio};
use futures::{StreamExt as _, TryStreamExt as _};
use lake::holdings::{self, InvestorHoldings};
use lake::{Batch, Chain, CommitError, Committed, Gaps, Link};
use lambda_kit::kafka::PartitionBatch;
use stream::{Publish, PublishError, Record};
use tracing::{info, warn};

use crate::link::{self, Report};
use crate::{Context, Error, MakeError, Warm, metrics, rows};

/// How many evaluations are under way to the broker at a time.
const IN_FLIGHT: usize = 1_000;

/// Clocks differ; by more than this, evaluations that do not come are noticed.
const AHEAD: TimeDelta = TimeDelta::seconds(60);

/// Commits what of the batch is not in yet, then publishes the evaluations of every link that overlaps it.
///
/// So are those of the hole behind `before`, the end of the part before this one: where records are in already and come no
/// more, their link may still have to be published.
pub(crate) async fn evaluate(
    context: &Context,
    warm: &mut Warm,
    batch: &PartitionBatch,
    before: Option<i64>,
) -> Result<(), Error> {
    let offsets: Vec<(i64, i64)> = batch
        .records
        .iter()
        .map(|record| (record.offset, record.timestamp))
        .collect();
    let Some(bounds) = Batch::of(&offsets) else {
        return Ok(());
    };
    let chain = match warm.chains.entry(batch.partition) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(vacant) => {
            let chain = vacant.insert(context.chain(batch.partition));
            chain.expect_near(bounds.offsets.start);
            chain
        }
    };
    let report = commit(context, chain, &mut warm.holdings, batch, &bounds).await?;
    let repeated = report.is_none();
    let report = report.unwrap_or_default();
    metrics::committed(&report);
    for (portfolio, reason) in &report.not_evaluated {
        warn!(%portfolio, reason, "portfolio not evaluated");
    }
    if let Some(newest) = ahead(&report, &offsets)
        && warm.ahead.insert(batch.partition, newest) != Some(newest)
    {
        warn!(
            %newest,
            "ticks come too late for their windows, since one was dated ahead of the clock: no window closes before the clock \
             is there"
        );
    }
    if !repeated {
        warm.holdings.retain(&report.holdings_in_use);
    }
    // A batch that cannot be published comes again, and has no report then.
    let unpublished = warm.unpublished.entry(batch.partition).or_default();
    unpublished.extend(&report.windows);
    let from = before.unwrap_or(bounds.offsets.start);
    let links = chain.links_overlapping(from..bounds.offsets.end).await?;
    let published = publish(context.publisher.as_ref(), &links).await?;
    metrics::published(published, &std::mem::take(unpublished));

    let (first, end) = (bounds.offsets.start, bounds.offsets.end);
    let Report {
        windows,
        evaluations,
        ticks,
        late,
        undecodable,
        not_evaluated,
        ..
    } = report;
    let (partition, not_evaluated) = (batch.partition, not_evaluated.len());
    info!(
        partition,
        first,
        end,
        repeated,
        ticks,
        late,
        undecodable,
        windows = windows.len(),
        evaluations,
        not_evaluated,
        published,
        "batch evaluated"
    );
    Ok(())
}

/// The newest event time, if it is ahead of the records' own times and made ticks come late.
fn ahead(report: &Report, records: &[(i64, i64)]) -> Option<DateTime<Utc>> {
    let clock = records.iter().map(|&(_, timestamp)| timestamp).max()?;
    let clock = DateTime::from_timestamp_millis(clock)?;
    let newest = DateTime::from_timestamp_micros(report.newest?)?;
    (report.late > 0 && newest - clock > AHEAD).then_some(newest)
}

/// Brings the batch into the chain. `None` says that all of it was in.
///
/// Holdings are looked up after the head is known, and again when it turns out to be another: whoever made the link
/// that ends there had looked before, so windows never go back to older holdings.
async fn commit(
    context: &Context,
    chain: &mut Chain,
    holdings: &mut Holdings,
    batch: &PartitionBatch,
    bounds: &Batch<'_>,
) -> Result<Option<Report>, Error> {
    let initial = initial_state(chain).await?;
    let mut looked_up_on = None;
    loop {
        let known = chain.head().await?.end;
        if looked_up_on != Some(known) {
            refresh_holdings(context, holdings).await?;
            looked_up_on = Some(known);
        }
        let mut report = None;
        let make = |head: &lake::Head| {
            if head.end != known {
                return Err(MakeError::HeadMoved { head: head.end });
            }
            let (link, made_of) = link::make(head, &initial, batch, holdings, &context.settings)?;
            report = Some(made_of);
            Ok(link)
        };
        return match chain.commit(bounds.clone(), Gaps::Refuse, make).await {
            Ok(Committed::Link { .. }) => Ok(report),
            Ok(Committed::AlreadyIn) => Ok(None),
            Err(CommitError::Make {
                source: MakeError::HeadMoved { .. },
                ..
            }) => continue,
            // Each turn brings one version more, and open windows name few.
            Err(CommitError::Make {
                source: MakeError::Holdings(MissingHoldings { investor, version }),
                ..
            }) => {
                let found = holdings::read(context.store.as_ref(), investor, version).await?;
                holdings.insert(investor, version, evaluable(found));
                continue;
            }
            Err(failed) => Err(failed.into()),
        };
    }
}

/// What an empty chain starts with: where the chain of the epoch before ended, so that prices and NAVs outlive a log.
async fn initial_state(chain: &mut Chain) -> Result<WindowState, Error> {
    if chain.head().await?.exists {
        return Ok(WindowState::default());
    }
    match chain.predecessor().await? {
        Some(head) => Ok(link::state_of(&head)
            .map_err(Error::Predecessor)?
            .on_new_log()),
        None => Ok(WindowState::default()),
    }
}

/// Reads the holdings that hold for windows which open from now on.
async fn refresh_holdings(context: &Context, held: &mut Holdings) -> Result<(), Error> {
    for latest in holdings::latest(context.store.as_ref()).await? {
        let in_shard = context
            .settings
            .investors
            .as_ref()
            .is_none_or(|shard| shard.contains(latest.investor));
        if in_shard {
            held.insert_current(latest.investor, latest.version, evaluable(latest));
        }
    }
    Ok(())
}

/// The portfolios that a row of the table can name.
fn evaluable(holdings: InvestorHoldings) -> Vec<Portfolio> {
    let fits = |number: u32| i32::try_from(number).is_ok();
    let (evaluable, others): (Vec<_>, Vec<_>) = holdings
        .portfolios
        .into_iter()
        .partition(|each| fits(each.id.investor) && fits(each.id.portfolio));
    for portfolio in others {
        warn!(portfolio = %portfolio.id, "portfolio not evaluated: its numbers are above {}", i32::MAX);
    }
    evaluable
}

/// Publishes the evaluations of links, in order for each portfolio; returns how many after all are acknowledged.
async fn publish(publisher: &dyn Publish, links: &[Link]) -> Result<usize, Error> {
    let mut evaluations = Vec::new();
    for link in links {
        let damaged = |what| Error::Rows {
            first: link.range.start,
            end: link.range.end,
            what,
        };
        evaluations.extend(rows::decode(&link.rows).map_err(damaged)?);
    }
    let count = evaluations.len();
    let records = evaluations
        .into_iter()
        .map(|evaluation| publish_one(publisher, evaluation));
    futures::stream::iter(records)
        .buffered(IN_FLIGHT)
        .try_collect::<()>()
        .await?;
    Ok(count)
}

async fn publish_one(publisher: &dyn Publish, evaluation: Evaluation) -> Result<(), PublishError> {
    let (key, value) = (
        evaluation.portfolio.to_string(),
        wire::encode_evaluation(&evaluation),
    );
    let record = Record {
        topic: wire::topics::PORTFOLIOS,
        key: key.as_bytes(),
        value: &value,
        headers: &[],
    };
    publisher.publish(record).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn only_ticks_that_are_late_by_a_clock_that_is_wrong_are_told() {
        let clock = DateTime::from_timestamp(1_770_000_000, 0).unwrap();
        let records = [
            (7, clock.timestamp_millis() - 5),
            (8, clock.timestamp_millis()),
        ];
        for (late, seconds, told) in [
            (1, 3000, true),
            (0, 3000, false),
            (1, 59, false),
            (1, -9000, false),
        ] {
            let newest = clock + TimeDelta::seconds(seconds);
            let report = Report {
                late,
                newest: Some(newest.timestamp_micros()),
                ..Report::default()
            };
            assert_eq!(ahead(&report, &records), told.then_some(newest));
        }
        assert_eq!(ahead(&Report::default(), &records), None);
    }
}
