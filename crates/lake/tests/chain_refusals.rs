//! Chains by example: what is refused, and how it is said.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::record_batch::RecordBatch;
use lake::{
    CommitError, Committed, Fault, Gaps, Head, MemoryStore, NewLink, Operation, Store, Table,
};
use support::{batch, chain, fill, link, memory, stored, timestamps};

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

#[tokio::test]
async fn a_log_that_lost_its_end_and_grew_again_is_refused() {
    let (_, store) = memory();
    fill(&store, 0, &[3, 5, 9]).await;
    for reaches in [7, 12] {
        let mut stamps = timestamps(0, 0..reaches);
        for (_, timestamp) in stamps.iter_mut().skip(6) {
            *timestamp += 1;
        }
        let mut cold = chain(&store, 0);
        let refused = cold
            .commit(batch(&stamps), Gaps::Refuse, |head| {
                link(head, &(0..reaches))
            })
            .await;
        assert!(
            matches!(refused, Err(CommitError::OtherLog { offset: 6, .. })),
            "{refused:?}"
        );
        let compared = cold.compare::<Infallible>(&batch(&stamps)).await;
        let shows = matches!(compared, Err(CommitError::OtherLog { offset: 6, .. }));
        // The last record of the longer one is in no link yet.
        assert_eq!(shows, reaches == 7, "{compared:?}");
    }
    assert_eq!(stored(&store, 0).await, (0..9).collect::<Vec<_>>());
}

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
async fn a_store_that_stays_down_is_an_error_and_the_batch_can_come_again() {
    let down = Arc::new(AtomicBool::new(true));
    let faults = {
        let down = down.clone();
        move |operation, _: &str| match operation {
            Operation::Create if down.load(Ordering::SeqCst) => Fault::Before,
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
    down.store(false, Ordering::SeqCst);
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
