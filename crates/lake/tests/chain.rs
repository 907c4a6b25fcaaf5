//! Chains by example: what is asked of the store, what is read back.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::convert::Infallible;
use std::sync::Arc;

use lake::{Admission, CommitError, Committed, FileStore, Gaps, Head, Operation, Store};
use support::{batch, chain, fill, key, link, memory, rows, stored, timestamps};

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
            exists: true,
            ..Head::default()
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

/// A link of evaluations may have no rows at all; the first record it was made from still tells.
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

/// Real threads and files: committers of one log, each with cuts of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn committers_in_parallel_over_files_store_every_row_once() {
    let folder = tempfile::tempdir().unwrap();
    let store: Arc<dyn Store> = Arc::new(FileStore::open(folder.path()).unwrap());
    let committers = (1..=4_i64).map(|size| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut chain = chain(&store, 0);
            for start in (0..60).step_by(usize::try_from(size * 3).unwrap()) {
                let offsets = start..(start + size * 3).min(60);
                let stamps = timestamps(0, offsets.clone());
                let done = chain.commit(batch(&stamps), Gaps::Refuse, |head| link(head, &offsets));
                done.await.unwrap();
            }
        })
    });
    for committer in committers.collect::<Vec<_>>() {
        committer.await.unwrap();
    }
    assert_eq!(stored(&store, 0).await, (0..60).collect::<Vec<_>>());
    assert_eq!(chain(&store, 0).head().await.unwrap().state["rows"], "60");
}
