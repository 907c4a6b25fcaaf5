//! Gaps that somebody accepts: final, told in `gaps`, and passed over by everybody.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use async_trait::async_trait;
use bytes::Bytes;
use lake::{
    Acceptance, Batch, Chain, CommitError, Committed, Created, Fault, Gap, Gaps, MemoryStore,
    NewLink, ObjectPath, Operation, Store, StoreError, Swapping,
};
use proptest::prelude::*;
use support::{batch, chain, fill, key, link, memory, stored, timestamps};

fn gap(first: i64, end: i64) -> Gap {
    Gap {
        range: first..end,
        accepted_at: 1_800_000_000_000,
        reason: "retention (accepted by a test)".to_owned(),
    }
}

/// First offset and end of every row of `gaps`.
async fn recorded(store: &Arc<dyn Store>) -> Vec<(i64, i64)> {
    let mut found = Vec::new();
    for path in store.list("gaps", None).await.unwrap() {
        let (rows, _) = lake::parquet::decode(store.read(&path).await.unwrap()).unwrap();
        let column = |name| {
            let column = rows.column_by_name(name).unwrap();
            column.as_primitive::<Int64Type>().value(0)
        };
        assert_eq!(column("end") - column("first"), column("records"));
        found.push((column("first"), column("end")));
    }
    found
}

#[tokio::test]
async fn a_gap_once_accepted_is_passed_over_by_warm_and_cold_committers() {
    let (_, store) = memory();
    fill(&store, 0, &[4]).await;
    let mut warm = chain(&store, 0);
    warm.head().await.unwrap();
    let stamps = timestamps(0, 10..12);
    let refused = warm.commit(batch(&stamps), Gaps::Refuse, |head| link(head, &(10..12)));
    assert!(matches!(
        refused.await,
        Err(CommitError::Gap {
            head: 4,
            first: 10,
            ..
        })
    ));
    let accepted = chain(&store, 0).accept_gap(&gap(4, 10)).await.unwrap();
    assert_eq!(accepted, Acceptance::Accepted(gap(4, 10)));
    for chain in [&mut warm, &mut chain(&store, 0)] {
        chain
            .commit(batch(&stamps), Gaps::Refuse, |head| link(head, &(10..12)))
            .await
            .unwrap();
    }
    assert_eq!(stored(&store, 0).await, [0, 1, 2, 3, 10, 11]);
    assert_eq!(recorded(&store).await, [(4, 10)]);
    let mut cold = chain(&store, 0);
    assert_eq!(
        cold.head().await.unwrap().state["rows"],
        "6",
        "the state goes on"
    );
    let links = cold.links_overlapping(0..100).await.unwrap();
    let gaps: Vec<_> = links.into_iter().filter_map(|link| link.gap).collect();
    assert_eq!(gaps, [gap(4, 10)]);
}

/// A hole between two records of a batch is a gap, wherever the head is; below the head it was accepted.
#[tokio::test]
async fn a_hole_in_a_batch_is_a_gap() {
    let (_, store) = memory();
    fill(&store, 0, &[4]).await;
    let mut stamps = timestamps(0, 2..6);
    stamps.extend(timestamps(0, 9..12));
    for mut chain in [chain(&store, 0), chain(&store, 1)] {
        let refused = chain.commit(batch(&stamps), Gaps::Refuse, |head| link(head, &(2..12)));
        let missing = match refused.await {
            Err(CommitError::Gap { head, first, .. }) => head..first,
            other => panic!("{other:?}"),
        };
        assert_eq!(missing, 6..9);
    }
    let mut chain = chain(&store, 0);
    let before = &stamps[..4];
    chain
        .commit(batch(before), Gaps::Refuse, |head| link(head, &(2..6)))
        .await
        .unwrap();
    chain.accept_gap(&gap(6, 9)).await.unwrap();
    chain
        .commit(batch(&stamps), Gaps::Refuse, |head| link(head, &(2..12)))
        .await
        .unwrap();
    assert_eq!(stored(&store, 0).await, [0, 1, 2, 3, 4, 5, 9, 10, 11]);
}

/// Found by the simulation: who accepts the second gap tells the first, if its acceptor died before.
#[tokio::test]
async fn a_gap_after_a_gap_leaves_neither_untold() {
    let (memory, store) = memory();
    fill(&store, 0, &[4]).await;
    let faults = |fault| {
        move |operation, path: &str| match operation {
            Operation::Create if path.starts_with("gaps/") => fault,
            _ => Fault::None,
        }
    };
    drop(memory.clone().with_faults(faults(Fault::Before)));
    let untold = chain(&store, 0).accept_gap(&gap(4, 10)).await;
    assert!(matches!(untold, Err(CommitError::Chain(_))), "{untold:?}");
    drop(memory.with_faults(faults(Fault::None)));
    assert_eq!(recorded(&store).await, []);
    chain(&store, 0).accept_gap(&gap(10, 12)).await.unwrap();
    assert_eq!(recorded(&store).await, [(4, 10), (10, 12)]);
}

#[tokio::test]
async fn records_of_an_accepted_gap_that_come_late_are_dropped() {
    let (_, store) = memory();
    fill(&store, 0, &[4]).await;
    let mut chain = chain(&store, 0);
    chain.accept_gap(&gap(4, 10)).await.unwrap();
    for (range, expected) in [
        (4..10, Committed::AlreadyIn),
        (2..8, Committed::AlreadyIn),
        (5..12, Committed::Link { range: 10..12 }),
        (4..11, Committed::AlreadyIn),
        (0..13, Committed::Link { range: 12..13 }),
    ] {
        let stamps = timestamps(0, range.clone());
        let done = chain.commit(batch(&stamps), Gaps::Refuse, |head| link(head, &range));
        assert_eq!(done.await.unwrap(), expected, "{range:?}");
    }
    assert_eq!(stored(&store, 0).await, [0, 1, 2, 3, 10, 11, 12]);
}

/// A log that was made anew is told from one whose lost records came late.
#[tokio::test]
async fn another_log_is_noticed_behind_a_gap() {
    let (_, store) = memory();
    fill(&store, 0, &[4]).await;
    let mut chain = chain(&store, 0);
    chain.accept_gap(&gap(4, 10)).await.unwrap();
    let stamps = timestamps(0, 10..20);
    chain
        .commit(batch(&stamps), Gaps::Refuse, |head| link(head, &(10..20)))
        .await
        .unwrap();
    let anew = timestamps(1, 5..25);
    let refused = chain.commit(batch(&anew), Gaps::Refuse, |head| link(head, &(5..25)));
    assert!(matches!(
        refused.await,
        Err(CommitError::OtherLog { offset: 10, .. })
    ));
}

#[tokio::test]
async fn only_what_is_missing_at_the_head_can_be_accepted() {
    let (memory, store) = memory();
    let mut empty = chain(&store, 0);
    let there = |head| Acceptance::NotThere { head };
    assert_eq!(empty.accept_gap(&gap(0, 9)).await.unwrap(), there(0));
    fill(&store, 0, &[4]).await;
    memory.take_requests();
    for wrong in [gap(3, 9), gap(5, 9), gap(4, 4)] {
        assert_eq!(chain(&store, 0).accept_gap(&wrong).await.unwrap(), there(4));
    }
    assert!(!memory.take_requests().contains(&Operation::Create));
    // The records came after all, while somebody was about to accept that they are lost.
    let mut slow = chain(&store, 0);
    slow.head().await.unwrap();
    let stamps = timestamps(0, 4..9);
    chain(&store, 0)
        .commit(batch(&stamps), Gaps::Refuse, |head| link(head, &(4..9)))
        .await
        .unwrap();
    assert_eq!(slow.accept_gap(&gap(4, 9)).await.unwrap(), there(9));
    assert!(recorded(&store).await.is_empty());
    // Twice the same is the same.
    for _ in 0..2 {
        let again = slow.accept_gap(&gap(9, 12)).await.unwrap();
        assert_eq!(again, Acceptance::Accepted(gap(9, 12)));
    }
    assert_eq!(recorded(&store).await, [(9, 12)]);
}

#[tokio::test]
async fn no_link_stands_after_a_gap_that_is_not_told() {
    // The process ends between the link and the row.
    let faults = |operation, path: &str| match operation {
        Operation::Create if path.starts_with("gaps") => Fault::Before,
        _ => Fault::None,
    };
    let memory = MemoryStore::new().with_faults(faults);
    let store: Arc<dyn Store> = Arc::new(memory.clone());
    fill(&store, 0, &[4]).await;
    chain(&store, 0).accept_gap(&gap(4, 10)).await.unwrap_err();
    let stamps = timestamps(0, 10..12);
    let mut next = chain(&store, 0);
    let commit = next.commit(batch(&stamps), Gaps::Refuse, |head| link(head, &(10..12)));
    assert!(matches!(commit.await, Err(CommitError::Chain(_))));
    assert_eq!(stored(&store, 0).await, [0, 1, 2, 3]);
    let _ = memory.with_faults(|_, _| Fault::None);
    next.commit(batch(&stamps), Gaps::Refuse, |head| link(head, &(10..12)))
        .await
        .unwrap();
    assert_eq!(recorded(&store).await, [(4, 10)]);
}

/// A gap at the end of a chain is told before a rebuild closes it.
#[tokio::test]
async fn a_chain_is_not_closed_on_a_gap_that_is_not_told() {
    let faults = |operation, path: &str| match operation {
        Operation::Create if path.starts_with("gaps") => Fault::Before,
        _ => Fault::None,
    };
    let memory = MemoryStore::new().with_faults(faults);
    let store: Arc<dyn Store> = Arc::new(memory.clone());
    fill(&store, 0, &[4]).await;
    chain(&store, 0).accept_gap(&gap(4, 10)).await.unwrap_err();
    let mut staged = Chain::staged(store.clone(), key(0), 1, "a".to_owned());
    let stamps = timestamps(0, 0..4);
    let all = Batch {
        offsets: 0..10,
        timestamps: &stamps,
    };
    staged
        .commit(all, Gaps::Skip, |head| {
            let rows = link(head, &(0..4))?.rows;
            let (end, state) = (10, Default::default());
            Ok::<_, Infallible>(NewLink { end, rows, state })
        })
        .await
        .unwrap();
    chain(&store, 0).swap(1, "a").await.unwrap_err();
    let _ = memory.with_faults(|_, _| Fault::None);
    let swapped = chain(&store, 0).swap(1, "a").await.unwrap();
    assert_eq!(swapped, Swapping::Swapped);
    assert_eq!(recorded(&store).await, [(4, 10)]);
}

/// Rows that are given up with a rebuild are told once, whatever of them was lost before, and however often it is said.
#[tokio::test]
async fn what_is_given_up_is_told_but_for_what_was_lost_before() {
    let (_, store) = memory();
    fill(&store, 0, &[4]).await;
    let mut chain = chain(&store, 0);
    chain.accept_gap(&gap(4, 6)).await.unwrap();
    for lost in [gap(2, 9), gap(2, 9), gap(0, 9)] {
        chain.record_loss(&lost).await.unwrap();
    }
    assert_eq!(recorded(&store).await, [(0, 2), (2, 4), (4, 6), (6, 9)]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// An acceptance races with the missing records, and with those after them, on a store that fails: each offset is
    /// a row once or part of the gap, never both.
    #[test]
    fn a_gap_is_accepted_or_filled(
        faults in prop::collection::vec(0..8_u8, 0..40),
        late in any::<bool>(),
    ) {
        let mut faults = faults.into_iter();
        let memory = MemoryStore::new().with_faults(move |_, _| match faults.next() {
            Some(0) => Fault::Before,
            Some(1) => Fault::After,
            _ => Fault::None,
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (offsets, gaps) = runtime.block_on(async {
            let quiet: Arc<dyn Store> = Arc::new(memory.clone());
            let store = quiet.clone();
            let filled = async {
                // The first four have to be in before anything can be missing after them.
                loop {
                    let stamps = timestamps(0, 0..4);
                    let mut chain = chain(&store, 0);
                    let commit = chain.commit(batch(&stamps), Gaps::Refuse, |head| link(head, &(0..4)));
                    if commit.await.is_ok() {
                        break;
                    }
                }
            };
            filled.await;
            let accept = async {
                while chain(&store, 0).accept_gap(&gap(4, 10)).await.is_err() {}
            };
            let fill = async {
                let stamps = timestamps(0, 4..10);
                if !late {
                    return;
                }
                loop {
                    let mut chain = chain(&store, 0);
                    let commit = chain.commit(batch(&stamps), Gaps::Refuse, |head| link(head, &(4..10)));
                    if commit.await.is_ok() {
                        break;
                    }
                }
            };
            let after = async {
                let stamps = timestamps(0, 10..13);
                loop {
                    let mut chain = chain(&store, 0);
                    let commit = chain.commit(batch(&stamps), Gaps::Refuse, |head| link(head, &(10..13)));
                    if commit.await.is_ok() {
                        break;
                    }
                }
            };
            tokio::join!(accept, fill, after);
            let _ = memory.clone().with_faults(|_, _| Fault::None);
            (stored(&quiet, 0).await, recorded(&quiet).await)
        });
        let lost: Vec<i64> = gaps.iter().flat_map(|&(first, end)| first..end).collect();
        let mut all: Vec<i64> = offsets.iter().chain(&lost).copied().collect();
        all.sort_unstable();
        prop_assert_eq!(all, (0..13).collect::<Vec<_>>());
        prop_assert!(late || gaps == [(4, 10)]);
    }
}

/// A store whose listings show, so many times, only what was there when it was made.
#[derive(Debug)]
struct Lagging {
    inner: MemoryStore,
    then: Vec<ObjectPath>,
    times: AtomicUsize,
}

impl Lagging {
    async fn before(inner: &MemoryStore, times: usize) -> Arc<dyn Store> {
        let then = inner.list("ticks", None).await.unwrap();
        let inner = inner.clone();
        let times = AtomicUsize::new(times);
        Arc::new(Self { inner, then, times })
    }
}

#[async_trait]
impl Store for Lagging {
    async fn create(&self, path: &ObjectPath, body: Bytes) -> Result<Created, StoreError> {
        self.inner.create(path, body).await
    }

    async fn read(&self, path: &ObjectPath) -> Result<Bytes, StoreError> {
        self.inner.read(path).await
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectPath>, StoreError> {
        let mut found = self.inner.list(prefix, after).await?;
        let less = |left: usize| left.checked_sub(1);
        let lags = self
            .times
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        if lags.is_ok() {
            found.retain(|path| self.then.contains(path));
        }
        Ok(found)
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

/// The name that a gap takes is taken, and no listing shows by whom: that ends, and once one shows it, it is settled.
#[tokio::test]
async fn a_listing_that_lags_behind_is_asked_again_and_not_for_ever() {
    for (times, ends) in [(1, true), (usize::MAX, false)] {
        let (memory, store) = memory();
        fill(&store, 0, &[4]).await;
        let lagging = Lagging::before(&memory, times).await;
        chain(&store, 0).accept_gap(&gap(4, 10)).await.unwrap();
        let accepted = chain(&lagging, 0).accept_gap(&gap(4, 10)).await;
        if ends {
            assert_eq!(accepted.unwrap(), Acceptance::Accepted(gap(4, 10)));
        } else {
            let unsettled = accepted.unwrap_err();
            assert!(
                matches!(unsettled, CommitError::Unsettled { head: 4, .. }),
                "{unsettled}"
            );
        }
    }
}
