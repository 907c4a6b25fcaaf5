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
use lambda_kit::run;
use stream::{Position, Publish, PublishError, Record};

use crate::dice::Dice;
use crate::invariants::{Invariant, Violation};
use crate::log::{Partition, portfolio};
use crate::objects::{Objects, StillStore, Versions};
use crate::process::{no_deadline, settings};
use crate::standing::Standing;

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
    for (known, range) in spans(standing) {
        store.show(&known);
        let event = KafkaEvent::from_batches([partition.batch(&range)]);
        let response = block_on(evaluate::handle(event, no_deadline(), &context))
            .map_err(|error| failed(run::chain(&error)))?;
        if response != BatchResponse::default() {
            return Err(failed(format!("{response:?}")));
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

/// Runs of links that were made with the same holdings, and the offsets that they cover.
fn spans(standing: &Standing) -> Vec<(Versions, Range<i64>)> {
    let mut spans: Vec<(Versions, Range<i64>)> = Vec::new();
    for link in &standing.links {
        match spans.last_mut() {
            Some((known, range)) if *known == link.known => range.end = link.link.range.end,
            _ => spans.push((link.known.clone(), link.link.range.clone())),
        }
    }
    spans
}
