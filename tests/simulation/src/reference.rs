//! The undisturbed run: the same function over the same log and the same holdings, with nothing in its way.

use std::ops::Range;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use arrow::array::RecordBatch;
use async_trait::async_trait;
use bytes::Bytes;
use domain::PortfolioId;
use futures::executor::block_on;
use lake::{Store, Table};
use lambda_kit::kafka::{BatchResponse, KafkaEvent};
use lambda_kit::{Event, run};
use stream::{Position, Publish, PublishError, Record};
use wire::commands::{AcceptGap, Command};

use crate::dice::Dice;
use crate::invariants::{Invariant, Violation};
use crate::log::{BEGINNING, Partition, moment, portfolio};
use crate::objects::{Objects, StillStore, Versions};
use crate::process::{no_deadline, settings};
use crate::standing::{Standing, StandingLink};

/// The portfolios that there are at first.
const FIRST: [(u32, u32); 3] = [(1, 1), (2, 1), (3, 1)];

/// The holdings that every simulation begins with: first versions, so that `evaluate` need not make its own.
pub(crate) fn first_holdings() -> Objects {
    static HOLDINGS: LazyLock<Objects> = LazyLock::new(|| {
        let mut dice = Dice::new(0);
        let store = StillStore::new(Objects::default());
        for (investor, number) in FIRST {
            let id = PortfolioId {
                investor,
                portfolio: number,
            };
            let mut portfolio = portfolio(id, &mut dice);
            portfolio.active = true;
            let put = block_on(lake::holdings::put(&store, portfolio));
            put.unwrap_or_else(|error| unreachable!("{error}"));
        }
        store.into_objects()
    });
    HOLDINGS.clone()
}

/// Key and value of an evaluation.
pub(crate) type Message = (String, Bytes);

/// What an undisturbed run makes.
pub(crate) struct Undisturbed {
    pub(crate) rows: RecordBatch,
    /// Every evaluation, in the order of the rows.
    pub(crate) published: Vec<Message>,
}

/// The topic of an undisturbed run.
#[derive(Default)]
struct Recorder(Mutex<Vec<Message>>);

#[async_trait]
impl Publish for Recorder {
    async fn publish(&self, record: Record<'_>) -> Result<Position, PublishError> {
        let key = String::from_utf8_lossy(record.key).into_owned();
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.push((key, Bytes::copy_from_slice(record.value)));
        Ok(Position {
            partition: 0,
            offset: log.len() as i64 - 1,
        })
    }
}

/// Evaluates the log of `partition` at one go, but for where the links of `standing` tell that other holdings were known.
pub(crate) fn run(
    objects: &Objects,
    partition: &Partition,
    standing: &Standing,
) -> Result<Undisturbed, Violation> {
    let failed = |reason: String| {
        Invariant::EvaluationsAsUndisturbed
            .violated(format!("the undisturbed run itself fails: {reason}"))
    };
    let store = Arc::new(StillStore::new(objects.holdings()));
    let topic = Arc::new(Recorder::default());
    let shared: Arc<dyn Store> = store.clone();
    let context = block_on(evaluate::Context::new(shared, topic.clone(), settings()))
        .map_err(|error| failed(run::chain(&error)))?;
    for span in spans(standing) {
        match span {
            Span::Records(known, range) => {
                store.show(&known);
                let event = KafkaEvent::from_batches([partition.batch(&range, None)]);
                let response = block_on(evaluate::handle(event, no_deadline(), &context))
                    .map_err(|error| failed(run::chain(&error)))?;
                if response != BatchResponse::default() {
                    return Err(failed(format!("{response:?}")));
                }
            }
            Span::Lost(range) => {
                let command = Command::AcceptGap(AcceptGap {
                    topic: partition.topic.to_owned(),
                    partition: partition.number,
                    first: range.start,
                    end: range.end,
                    reason: "as in the disturbed run".to_owned(),
                });
                let event = Event {
                    records: KafkaEvent::default(),
                    command: Some(command),
                };
                let now = moment(BEGINNING);
                block_on(evaluate::serve(event, no_deadline(), now, &context))
                    .map_err(|error| failed(run::chain(&error)))?;
            }
        }
    }
    let made = store.objects();
    let standing = Standing::read(&made, &store, Table::Evaluations, partition)?;
    let published = std::mem::take(&mut *topic.0.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Undisturbed {
        rows: standing.rows,
        published,
    })
}

/// A part of a log that can be taken at one go.
enum Span {
    /// Records that were evaluated with the same holdings.
    Records(Versions, Range<i64>),
    /// Records that are lost.
    Lost(Range<i64>),
}

fn spans(standing: &Standing) -> Vec<Span> {
    let mut spans = Vec::new();
    for StandingLink { link, known, .. } in &standing.links {
        match spans.last_mut() {
            _ if link.gap.is_some() => spans.push(Span::Lost(link.range.clone())),
            Some(Span::Records(before, range)) if before == known => range.end = link.range.end,
            _ => spans.push(Span::Records(known.clone(), link.range.clone())),
        }
    }
    spans
}
