//! Chains under everything that a trigger and a store do to them: batches re-cut, repeated and out
//! of date, commits that fail before or after taking effect, two committers at once.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use async_trait::async_trait;
use bytes::Bytes;
use lake::{CommitError, Created, Fault, Gaps, MemoryStore, ObjectPath, Store, StoreError};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};
use support::{batch, chain, link, stored, timestamps};

/// What a trigger does next with its partition.
#[derive(Debug, Clone, Copy)]
enum Delivery {
    /// The next records, so many.
    Next(i64),
    /// So many records again, from so many before the next one.
    Again { back: i64, size: i64 },
    /// Records so far above the end of the log that some are missing.
    Ahead(i64),
    /// The process is replaced by a cold one.
    Restart,
}

fn delivery() -> impl Strategy<Value = Delivery> {
    prop_oneof![
        6 => (1..8_i64).prop_map(Delivery::Next),
        3 => (1..12_i64, 1..16_i64).prop_map(|(back, size)| Delivery::Again { back, size }),
        1 => (1..5_i64).prop_map(Delivery::Ahead),
        1 => Just(Delivery::Restart),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![3 => Just(Fault::None), 1 => Just(Fault::Before), 1 => Just(Fault::After)]
}

/// One history: where the log begins and ends, what two triggers deliver, what the store does,
/// and which of the two committers runs whenever both can.
#[derive(Debug, Clone)]
struct History {
    log: std::ops::Range<i64>,
    deliveries: [Vec<Delivery>; 2],
    faults: Vec<Fault>,
    turns: Vec<bool>,
}

fn history() -> impl Strategy<Value = History> {
    (
        prop_oneof![Just(0), 0..2_000_i64],
        1..40_i64,
        [
            prop::collection::vec(delivery(), 0..14),
            prop::collection::vec(delivery(), 0..14),
        ],
        prop::collection::vec(fault(), 0..40),
        prop::collection::vec(any::<bool>(), 0..120),
    )
        .prop_map(|(start, length, deliveries, faults, turns)| History {
            log: start..start + length,
            deliveries,
            faults,
            turns,
        })
}

/// A trigger and its committer: the records from the log's start to its end, in order, each at
/// least once, going on only after success.
async fn consume(
    store: Arc<dyn Store>,
    history: &History,
    deliveries: &[Delivery],
    done: &Cell<bool>,
) -> Result<(), String> {
    let log = history.log.clone();
    let mut chain = chain(&store, 0);
    let mut next = log.start;
    let rest = std::iter::repeat(Delivery::Next(5));
    for delivery in deliveries.iter().copied().chain(rest) {
        if next == log.end {
            break;
        }
        let offsets = match delivery {
            Delivery::Restart => {
                chain = support::chain(&store, 0);
                continue;
            }
            Delivery::Next(size) => next..(next + size).min(log.end),
            Delivery::Again { back, size } => {
                let start = (next - back).max(log.start);
                start..(start + size).min(log.end)
            }
            // A chain without links takes what comes first.
            Delivery::Ahead(_) if !done.get() => continue,
            Delivery::Ahead(by) => {
                let start = log.end + by;
                let offsets = start..start + 3;
                let stamps = timestamps(0, offsets.clone());
                match chain
                    .commit(batch(&stamps), Gaps::Refuse, |head| link(head, &offsets))
                    .await
                {
                    Err(CommitError::Gap { .. } | CommitError::Chain(_)) => continue,
                    other => return Err(format!("a gap was not refused: {other:?}")),
                }
            }
        };
        let stamps = timestamps(0, offsets.clone());
        match chain
            .commit(batch(&stamps), Gaps::Refuse, |head| link(head, &offsets))
            .await
        {
            Ok(_) => {
                done.set(true);
                next = next.max(offsets.end);
            }
            Err(CommitError::Chain(_) | CommitError::Unsettled { .. }) => {}
            Err(refused) => return Err(format!("refused without reason: {refused}")),
        }
    }
    Ok(())
}

/// One that brings its deliveries to the chain, step by step.
type Committer<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;

/// Runs two committers of the same log, a step of one or the other as the history says; the
/// error names the invariant that does not hold.
fn run(history: &History, memory: &MemoryStore, store: Arc<dyn Store>) -> Result<(), String> {
    // Whether a committer was ever told that a batch is in.
    let done = Cell::new(false);
    let mut committers: Vec<Committer<'_>> = history
        .deliveries
        .iter()
        .map(|deliveries| Box::pin(consume(store.clone(), history, deliveries, &done)) as _)
        .collect();
    let mut context = Context::from_waker(Waker::noop());
    let mut turns = history
        .turns
        .iter()
        .copied()
        .chain((0..).map(|turn| turn % 2 == 0));
    for _ in 0..20_000 {
        if committers.is_empty() {
            break;
        }
        let turn = usize::from(turns.next().unwrap_or_default()).min(committers.len() - 1);
        if let std::task::Poll::Ready(outcome) = committers[turn].as_mut().poll(&mut context) {
            outcome?;
            drop(committers.remove(turn));
        }
    }
    if !committers.is_empty() {
        return Err("a committer never ends".to_owned());
    }
    memory.clone().with_faults(|_, _| Fault::None);
    futures::executor::block_on(holds(history, &store))
}

/// Every row once and in order; each link begins where the one before it ends; the state of the
/// last one has seen every link.
async fn holds(history: &History, store: &Arc<dyn Store>) -> Result<(), String> {
    let offsets = stored(store, 0).await;
    if offsets != history.log.clone().collect::<Vec<_>>() {
        return Err(format!("rows are not each once and in order: {offsets:?}"));
    }
    let mut cold = chain(store, 0);
    let links = cold
        .links_overlapping(0..i64::MAX)
        .await
        .map_err(|error| error.to_string())?;
    if links
        .windows(2)
        .any(|pair| pair[0].range.end != pair[1].range.start)
    {
        return Err("links do not follow one another".to_owned());
    }
    let head = cold.head().await.map_err(|error| error.to_string())?;
    let rows = (history.log.end - history.log.start).to_string();
    if head.end != history.log.end || head.state["rows"] != rows {
        return Err(format!("the head is wrong: {head:?}"));
    }
    Ok(())
}

fn memory(history: &History) -> MemoryStore {
    let mut faults: VecDeque<Fault> = history.faults.clone().into();
    MemoryStore::new().with_faults(move |_, _| faults.pop_front().unwrap_or(Fault::None))
}

proptest! {
    #![proptest_config(Config { cases: 200, ..Config::default() })]

    #[test]
    fn every_row_is_in_exactly_once_and_in_order(history in history()) {
        let store = memory(&history);
        prop_assert_eq!(run(&history, &store, Arc::new(store.clone())), Ok(()));
    }
}

/// A store that breaks the protocol in one way: the properties must find it.
struct Broken {
    inner: MemoryStore,
    overwritten: Mutex<std::collections::BTreeMap<ObjectPath, Bytes>>,
    how: Breach,
}

#[derive(Debug, Clone, Copy)]
enum Breach {
    /// "Exists" is taken for "done".
    ExistsIsDone,
    /// Nothing is created only if absent.
    Overwrites,
}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.how)
    }
}

#[async_trait]
impl Store for Broken {
    async fn create(&self, path: &ObjectPath, body: Bytes) -> Result<Created, StoreError> {
        let created = self.inner.create(path, body.clone()).await?;
        if matches!(self.how, Breach::Overwrites) {
            self.overwritten.lock().unwrap().insert(path.clone(), body);
        }
        match created {
            Created::New | Created::Exists => Ok(Created::New),
        }
    }

    async fn read(&self, path: &ObjectPath) -> Result<Bytes, StoreError> {
        let first = self.inner.read(path).await?;
        Ok(self
            .overwritten
            .lock()
            .unwrap()
            .get(path)
            .cloned()
            .unwrap_or(first))
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectPath>, StoreError> {
        self.inner.list(prefix, after).await
    }

    async fn list_folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.inner.list_folders(prefix).await
    }

    async fn replace(&self, path: &ObjectPath, body: Bytes) -> Result<(), StoreError> {
        self.inner.replace(path, body).await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StoreError> {
        self.inner.delete(path).await
    }
}

#[test]
fn a_broken_protocol_is_found() {
    for how in [Breach::ExistsIsDone, Breach::Overwrites] {
        let config = Config {
            max_shrink_iters: 0,
            failure_persistence: None,
            ..Config::default()
        };
        let found = TestRunner::new(config).run(&history(), |history| {
            let inner = memory(&history);
            let broken = Broken {
                inner: inner.clone(),
                overwritten: Mutex::default(),
                how,
            };
            prop_assert_eq!(run(&history, &inner, Arc::new(broken)), Ok(()));
            Ok(())
        });
        let Err(TestError::Fail(reason, _)) = found else {
            panic!("{how:?} went unnoticed");
        };
        let named = ["each once and in order", "refused without reason: gap"];
        assert!(
            named.iter().any(|what| reason.message().contains(what)),
            "{how:?}: {reason}"
        );
    }
}
