//! Chains by example: what is refused, what is asked of the store, what is read back.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::convert::Infallible;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use lake::{
    Admission, CommitError, Committed, Fault, Gaps, Head, MemoryStore, NewLink, Operation, Store,
    Table,
};
use support::{batch, chain, key, link, rows, stored, timestamps};

fn memory() -> (MemoryStore, Arc<dyn Store>) {
    let memory = MemoryStore::new();
    (memory.clone(), Arc::new(memory))
}

async fn fill(store: &Arc<dyn Store>, epoch: u32, ends: &[i64]) {
    let mut chain = chain(store, epoch);
    let mut start = 0;
    for &end in ends {
        let stamps = timestamps(0, start..end);
        let done = chain.commit(batch(&stamps), Gaps::Refuse, |head| {
            link(head, &(start..end))
        });
        assert_eq!(done.await.unwrap(), Committed::Link { range: start..end });
        start = end;
    }
}

#[tokio::test]
async fn links_follow_one_another_and_carry_state() {
    let (_, store) = memory();
    fill(&store, 0, &[3, 10, 11]).await;
    assert_eq!(stored(&store, 0).await, (0..11).collect::<Vec<_>>());
    let mut cold = chain(&store, 0);
    let head = cold.head().await.unwrap().clone();
    let state = [("rows".to_owned(), "11".to_owned())].into();
    assert_eq!(
        head,
        Head {
            end: 11,
            state,
            exists: true
        }
    );
    let links = cold.links_overlapping(5..11).await.unwrap();
    assert_eq!(
        links
            .iter()
            .map(|link| link.range.clone())
            .collect::<Vec<_>>(),
        [3..10, 10..11]
    );
    assert_eq!(links[0].rows, rows(0, 3..10));
    assert_eq!(links[0].state["rows"], "10");
    assert_eq!(cold.links_overlapping(0..3).await.unwrap().len(), 1);
    assert!(cold.links_overlapping(11..20).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_warm_commit_is_one_request() {
    let (memory, store) = memory();
    let mut chain = chain(&store, 0);
    for start in 0..3 {
        memory.take_requests();
        chain
            .commit(start..start + 1, Gaps::Refuse, |head| {
                link(head, &(start..start + 1))
            })
            .await
            .unwrap();
    }
    assert_eq!(memory.take_requests(), [Operation::Create]);
}

#[tokio::test]
async fn a_cold_head_is_found_with_few_requests() {
    let (memory, store) = memory();
    let ends: Vec<i64> = (1..=60).map(|number| number * 500).collect();
    fill(&store, 0, &ends).await;
    for (hint, most) in [
        (30_000, 2),
        (29_500, 2),
        (0, 2),
        (1_000_000, 5),
        (i64::MAX, 16),
    ] {
        let mut cold = chain(&store, 0);
        cold.expect_near(hint);
        memory.take_requests();
        assert_eq!(cold.head().await.unwrap().end, 30_000);
        let requests = memory.take_requests();
        assert!(requests.len() <= most, "hint {hint}: {requests:?}");
        assert_eq!(
            requests
                .iter()
                .filter(|&&request| request == Operation::Read)
                .count(),
            1
        );
    }
    let mut unhinted = chain(&store, 0);
    assert_eq!(unhinted.head().await.unwrap().end, 30_000);
}

#[tokio::test]
async fn a_log_may_begin_anywhere_and_its_first_link_is_named_zero() {
    let (_, store) = memory();
    let mut first = chain(&store, 0);
    let done = first
        .commit(500..510, Gaps::Refuse, |head| link(head, &(500..510)))
        .await
        .unwrap();
    assert_eq!(done, Committed::Link { range: 500..510 });
    assert_eq!(
        store.list("ticks", None).await.unwrap(),
        [key(0).link(0).unwrap()]
    );
    let stamps = timestamps(0, 0..20);
    let below = first
        .commit(batch(&stamps), Gaps::Refuse, |head| link(head, &(0..20)))
        .await;
    assert!(
        matches!(below, Err(CommitError::OtherLog { offset: 0, .. })),
        "{below:?}"
    );
}

#[tokio::test]
async fn gaps_are_refused_once_a_fresh_head_shows_them() {
    let (_, store) = memory();
    let mut stale = chain(&store, 0);
    stale
        .commit(0..5, Gaps::Refuse, |head| link(head, &(0..5)))
        .await
        .unwrap();
    let gap = stale
        .commit(7..9, Gaps::Refuse, |head| link(head, &(7..9)))
        .await
        .unwrap_err();
    assert!(matches!(
        gap,
        CommitError::Gap {
            head: 5,
            first: 7,
            ..
        }
    ));
    assert!(gap.to_string().contains("2 records are missing"), "{gap}");
    // Another committer brings them; the warm head is out of date and finds out.
    chain(&store, 0)
        .commit(5..7, Gaps::Refuse, |head| link(head, &(5..7)))
        .await
        .unwrap();
    stale
        .commit(7..9, Gaps::Refuse, |head| link(head, &(7..9)))
        .await
        .unwrap();
    assert_eq!(stored(&store, 0).await, (0..9).collect::<Vec<_>>());
    stale
        .commit(20..21, Gaps::Skip, |head| link(head, &(20..21)))
        .await
        .unwrap();
    assert_eq!(stale.head().await.unwrap().end, 21);
}

#[tokio::test]
async fn another_life_of_the_log_is_refused_and_a_redelivery_is_not() {
    let (_, store) = memory();
    fill(&store, 0, &[5, 9]).await;
    for (born, offsets) in [(1, 0..3), (1, 6..8), (1, 0..20), (99, 8..12)] {
        let stamps = timestamps(born, offsets.clone());
        let mut chain = chain(&store, 0);
        let refused = chain
            .commit(batch(&stamps), Gaps::Refuse, |head| link(head, &offsets))
            .await;
        let error = refused.unwrap_err();
        assert!(matches!(&error, CommitError::OtherLog { offset, .. } if *offset == offsets.start));
        assert!(error.to_string().contains("LOG_EPOCH"), "{error}");
        let admitted = chain
            .admit::<Infallible>(&batch(&stamps), Gaps::Refuse)
            .await;
        assert!(matches!(admitted, Err(CommitError::OtherLog { .. })));
    }
    for offsets in [0..3, 2..7, 0..9] {
        let stamps = timestamps(0, offsets.clone());
        let mut cold = chain(&store, 0);
        let done = cold.commit(batch(&stamps), Gaps::Refuse, |head| link(head, &offsets));
        assert_eq!(done.await.unwrap(), Committed::AlreadyIn);
    }
    assert_eq!(stored(&store, 0).await, (0..9).collect::<Vec<_>>());
}

/// A link of evaluations may have no rows at all; the first record it was made from still tells.
#[tokio::test]
async fn links_without_rows_know_their_log_too() {
    let (_, store) = memory();
    let empty = |_: &Head| {
        let rows = RecordBatch::new_empty(Table::Ticks.schema());
        Ok::<_, Infallible>(NewLink {
            end: 4,
            rows,
            state: [].into(),
        })
    };
    let stamps = timestamps(0, 0..4);
    let mut chain = chain(&store, 0);
    chain
        .commit(batch(&stamps), Gaps::Refuse, empty)
        .await
        .unwrap();
    assert_eq!(
        chain
            .commit(batch(&stamps), Gaps::Refuse, empty)
            .await
            .unwrap(),
        Committed::AlreadyIn
    );
    let stamps = timestamps(1, 0..4);
    let refused = chain.commit(batch(&stamps), Gaps::Refuse, empty).await;
    assert!(matches!(refused, Err(CommitError::OtherLog { .. })));
}

#[tokio::test]
async fn admission_tells_before_the_work_is_done() {
    let (memory, store) = memory();
    fill(&store, 0, &[5]).await;
    let mut chain = chain(&store, 0);
    let stamps = timestamps(0, 3..8);
    let admitted = chain
        .admit::<Infallible>(&batch(&stamps), Gaps::Refuse)
        .await
        .unwrap();
    assert!(matches!(admitted, Admission::New { head } if head.end == 5));
    let old = timestamps(0, 0..5);
    let admitted = chain
        .admit::<Infallible>(&batch(&old), Gaps::Refuse)
        .await
        .unwrap();
    assert_eq!(admitted, Admission::AlreadyIn);
    memory.take_requests();
    let next = timestamps(0, 5..6);
    chain
        .admit::<Infallible>(&batch(&next), Gaps::Refuse)
        .await
        .unwrap();
    assert!(
        memory.take_requests().is_empty(),
        "a warm head needs no request"
    );
}

#[tokio::test]
async fn the_predecessor_is_the_last_earlier_life_with_links() {
    let (_, store) = memory();
    assert_eq!(chain(&store, 9).predecessor().await.unwrap(), None);
    fill(&store, 2, &[4]).await;
    fill(&store, 10, &[3, 7]).await;
    fill(&store, 12, &[1]).await;
    for (epoch, end) in [
        (12, Some(7)),
        (11, Some(7)),
        (10, Some(4)),
        (2, None),
        (0, None),
    ] {
        let found = chain(&store, epoch).predecessor().await.unwrap();
        assert_eq!(found.map(|head| head.end), end, "before {epoch}");
    }
    let mut other = key(12);
    other.partition = 1;
    assert_eq!(
        lake::Chain::new(store, other).predecessor().await.unwrap(),
        None
    );
}

#[tokio::test]
async fn a_store_that_stays_down_is_an_error_and_the_batch_can_come_again() {
    let down = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let faults = {
        let down = down.clone();
        move |operation, _: &str| match operation {
            Operation::Create if down.load(std::sync::atomic::Ordering::SeqCst) => Fault::Before,
            _ => Fault::None,
        }
    };
    let memory = MemoryStore::new().with_faults(faults);
    let store: Arc<dyn Store> = Arc::new(memory.clone());
    let mut chain = chain(&store, 0);
    let failed = chain
        .commit(0..5, Gaps::Refuse, |head| link(head, &(0..5)))
        .await
        .unwrap_err();
    assert!(
        matches!(
            failed,
            CommitError::Unsettled {
                attempts: 4,
                source: Some(_),
                ..
            }
        ),
        "{failed:?}"
    );
    let creates = memory
        .take_requests()
        .into_iter()
        .filter(|&each| each == Operation::Create);
    assert_eq!(creates.count(), 4);
    down.store(false, std::sync::atomic::Ordering::SeqCst);
    chain
        .commit(0..5, Gaps::Refuse, |head| link(head, &(0..5)))
        .await
        .unwrap();
    assert_eq!(stored(&store, 0).await, (0..5).collect::<Vec<_>>());
}

#[tokio::test]
async fn links_that_do_not_fit_are_refused() {
    let (memory, store) = memory();
    let mut chain = chain(&store, 0);
    let fitting = link(&Head::default(), &(0..5)).unwrap();
    let other = RecordBatch::new_empty(Table::StockCall.schema());
    for bad in [
        NewLink {
            end: 0,
            ..fitting.clone()
        },
        NewLink {
            end: 6,
            ..fitting.clone()
        },
        NewLink {
            rows: other,
            ..fitting
        },
    ] {
        let refused = chain
            .commit(0..5, Gaps::Refuse, |_| Ok::<_, Infallible>(bad.clone()))
            .await;
        assert!(
            matches!(refused, Err(CommitError::Misfit { .. })),
            "{refused:?}"
        );
    }
    assert!(!memory.take_requests().contains(&Operation::Create));
}
