//! Rebuilt chains take the place of the old ones: readers and committers see the one or the other, whoever crashes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use lake::{
    Chain, ChainError, CommitError, Fault, Gaps, MemoryStore, NewLink, ObjectPath, Replays, Retry,
    Store, Swap, Swapping, Table,
};
use proptest::prelude::*;
use support::{batch, chain, fill, key, link, memory, rows, timestamps};

const RETRY: Retry = Retry {
    attempts: 4,
    pause: Duration::ZERO,
};

/// Stages `offsets` for a generation.
async fn stage(store: &Arc<dyn Store>, generation: u32, id: &str, offsets: std::ops::Range<i64>) {
    let staged = Chain::staged(store.clone(), key(0), generation, id.to_owned());
    let stamps = timestamps(0, offsets.clone());
    staged
        .with_retry(RETRY)
        .commit(batch(&stamps), Gaps::Skip, |head| link(head, &offsets))
        .await
        .unwrap();
}

fn offsets(rows: &RecordBatch) -> Vec<i64> {
    let column = rows.column_by_name("_offset").unwrap();
    column.as_primitive::<Int64Type>().values().to_vec()
}

/// The offsets that the objects hold.
async fn held(store: &Arc<dyn Store>, paths: &[ObjectPath]) -> Vec<i64> {
    let mut found = Vec::new();
    for path in paths
        .iter()
        .filter(|path| path.as_str().ends_with(".parquet"))
    {
        let body = store.read(path).await.unwrap();
        found.extend(offsets(&lake::parquet::decode(body).unwrap().0));
    }
    found.sort_unstable();
    found
}

/// What a reader of plain files finds in the table's folder.
async fn plain(store: &Arc<dyn Store>) -> Vec<i64> {
    held(store, &store.list("ticks", None).await.unwrap()).await
}

/// What a reader that follows the swaps under way finds.
async fn followed(store: &Arc<dyn Store>) -> Vec<i64> {
    let swaps = Swap::under_way(&store.list("rebuild", None).await.unwrap());
    let mut paths = store.list("ticks", None).await.unwrap();
    for swap in &swaps {
        let is_hidden = |path: &ObjectPath| {
            let folder = path.as_str().rsplit_once('/').unwrap().0;
            swap.hidden.iter().any(|hidden| hidden == folder)
        };
        paths.retain(|path| !is_hidden(path));
        paths.extend(store.list(&swap.staged, None).await.unwrap());
    }
    held(store, &paths).await
}

async fn replay(
    store: &Arc<dyn Store>,
    generation: u32,
    at: i64,
) -> Result<usize, CommitError<Infallible>> {
    let mut replays = Replays::new(store.clone(), key(0), generation, RETRY);
    replays
        .add("a test", |known| {
            Ok(if known.contains(&at) {
                RecordBatch::new_empty(Table::Ticks.schema())
            } else {
                rows(0, at..at + 1)
            })
        })
        .await
}

#[tokio::test]
async fn a_swap_replaces_rows_and_the_chain_goes_on() {
    let (_, store) = memory();
    fill(&store, 0, &[3, 7]).await;
    replay(&store, 0, 100).await.unwrap();
    stage(&store, 1, "a", 0..7).await;
    let mut warm = chain(&store, 0);
    warm.head().await.unwrap();
    let mut swapping = chain(&store, 0);
    assert_eq!(swapping.swap(1, "a").await.unwrap(), Swapping::Swapped);
    assert_eq!(
        plain(&store).await,
        [0, 1, 2, 3, 4, 5, 6],
        "replayed rows were of the old chain"
    );
    assert_eq!(followed(&store).await, plain(&store).await);
    assert_eq!(
        swapping.swap(1, "a").await.unwrap(),
        Swapping::Swapped,
        "twice is once"
    );
    for chain in [&mut warm, &mut swapping] {
        let stamps = timestamps(0, 5..9);
        let commit = chain.commit(batch(&stamps), Gaps::Refuse, |head| link(head, &(5..9)));
        commit.await.unwrap();
    }
    assert_eq!(plain(&store).await, (0..9).collect::<Vec<_>>());
    assert_eq!(warm.generation().await.unwrap(), 1);
    // Only what tells that it is done is left of the rebuild.
    let left = store.list("rebuild", None).await.unwrap();
    assert_eq!(
        left,
        [ObjectPath::new("rebuild/ticks/0.1/StockExchange/0/done").unwrap()]
    );
    // And once more.
    stage(&store, 2, "b", 0..9).await;
    assert_eq!(
        chain(&store, 0).swap(2, "b").await.unwrap(),
        Swapping::Swapped
    );
    assert_eq!(plain(&store).await, (0..9).collect::<Vec<_>>());
    assert_eq!(warm.generation().await.unwrap(), 1, "warm until it commits");
    let stamps = timestamps(0, 9..10);
    warm.commit(batch(&stamps), Gaps::Refuse, |head| link(head, &(9..10)))
        .await
        .unwrap();
    assert_eq!(plain(&store).await, (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_does_not_reach_the_head_is_not_swapped_in() {
    let (_, store) = memory();
    fill(&store, 0, &[3, 7]).await;
    stage(&store, 1, "a", 0..5).await;
    stage(&store, 1, "b", 0..7).await;
    let behind = Swapping::Behind { staged: 5, head: 7 };
    assert_eq!(chain(&store, 0).swap(1, "a").await.unwrap(), behind);
    let nothing = Swapping::Behind { staged: 0, head: 7 };
    assert_eq!(chain(&store, 0).swap(1, "c").await.unwrap(), nothing);
    assert_eq!(
        chain(&store, 0).swap(2, "b").await.unwrap(),
        Swapping::Overtaken
    );
    assert_eq!(
        chain(&store, 0).swap(1, "b").await.unwrap(),
        Swapping::Swapped
    );
    assert_eq!(
        chain(&store, 0).swap(1, "a").await.unwrap(),
        Swapping::Overtaken
    );
}

/// A committer that slept since before the swap, with the old links' names in mind.
#[tokio::test]
async fn a_zombie_finds_no_name_that_is_free_again() {
    let (_, store) = memory();
    fill(&store, 0, &[3]).await;
    let mut zombie = chain(&store, 0);
    zombie.head().await.unwrap();
    let stamps = timestamps(0, 3..7);
    chain(&store, 0)
        .commit(batch(&stamps), Gaps::Refuse, |head| link(head, &(3..7)))
        .await
        .unwrap();
    stage(&store, 1, "a", 0..7).await;
    chain(&store, 0).swap(1, "a").await.unwrap();
    zombie
        .commit(batch(&stamps), Gaps::Refuse, |head| link(head, &(3..7)))
        .await
        .unwrap();
    assert_eq!(plain(&store).await, (0..7).collect::<Vec<_>>());
}

#[tokio::test]
async fn rows_are_not_put_in_beside_a_chain_that_was_rebuilt() {
    let (_, store) = memory();
    fill(&store, 0, &[7]).await;
    assert_eq!(replay(&store, 0, 50).await.unwrap(), 1);
    assert_eq!(replay(&store, 0, 50).await.unwrap(), 0);
    stage(&store, 1, "a", 0..7).await;
    chain(&store, 0).swap(1, "a").await.unwrap();
    let refused = replay(&store, 0, 51).await;
    assert!(
        matches!(refused, Err(CommitError::Closed { .. })),
        "{refused:?}"
    );
    assert_eq!(replay(&store, 1, 51).await.unwrap(), 1);
    assert_eq!(plain(&store).await, [0, 1, 2, 3, 4, 5, 6, 51]);
}

/// Begins the swap of a chain of so many links of one row each, which has links of replayed rows beside it.
async fn decide_a_long_swap(store: &Arc<dyn Store>, links: i64) {
    fill(store, 0, &(1..=links).collect::<Vec<_>>()).await;
    for at in 0..120 {
        replay(store, 0, links + at).await.unwrap();
    }
    for start in (0..links).step_by(10) {
        stage(store, 1, "a", 0..start + 10).await;
    }
    let mut swapping = chain(store, 0).with_turn(Duration::ZERO);
    let unfinished = swapping.swap(1, "a").await.unwrap_err();
    assert!(
        matches!(
            unfinished,
            CommitError::Chain(ChainError::Unfinished { .. })
        ),
        "{unfinished}"
    );
}

/// However long the old chain is and however little one process gets done before it ends, the next one goes on from there.
#[tokio::test]
async fn a_long_chain_is_swapped_by_processes_that_all_end_early() {
    const LINKS: i64 = 600;
    const ALLOWANCE: usize = 300;
    let (memory, store) = memory();
    decide_a_long_swap(&store, LINKS).await;
    let left = Arc::new(AtomicUsize::new(usize::MAX));
    let memory = memory.with_faults({
        let left = left.clone();
        move |_, _| {
            let less = |left: usize| left.checked_sub(1);
            match left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less) {
                Ok(_) => Fault::None,
                Err(_) => Fault::Before,
            }
        }
    });
    memory.take_requests();
    let mut processes = 0;
    loop {
        processes += 1;
        left.store(ALLOWANCE, Ordering::SeqCst);
        let stamps = timestamps(0, LINKS..LINKS + 1);
        let committed = chain(&store, 0)
            .commit(batch(&stamps), Gaps::Refuse, |head| {
                link(head, &(LINKS..LINKS + 1))
            })
            .await;
        left.store(usize::MAX, Ordering::SeqCst);
        assert_eq!(
            followed(&store).await,
            (0..LINKS + i64::from(committed.is_ok())).collect::<Vec<_>>()
        );
        if committed.is_ok() {
            break;
        }
        // Each link is read and replaced, copied links are read and made, and some of it is done twice.
        assert!(processes < 20, "{processes} processes, and no end");
    }
    assert!(processes > 3, "{processes}");
    assert_eq!(
        plain(&store).await,
        (0..=LINKS).collect::<Vec<_>>(),
        "a committer got through"
    );
}

/// Who has no more time says what it did not get to do, and some of it is done.
#[tokio::test]
async fn a_long_swap_is_finished_in_turns() {
    const LINKS: i64 = 600;
    let (memory, store) = memory();
    decide_a_long_swap(&store, LINKS).await;
    let decided = ObjectPath::new("rebuild/ticks/0.1/StockExchange/0/a.decided").unwrap();
    let mut turns = 0;
    loop {
        memory.take_requests();
        let mut chain = chain(&store, 0).with_turn(Duration::ZERO);
        let head = chain.head().await.map(|head| head.end);
        let requests = memory.take_requests().len();
        assert!(requests < 300, "{requests} requests in a turn");
        match head {
            Ok(head) => {
                assert_eq!(head, LINKS);
                break;
            }
            Err(ChainError::Unfinished { .. }) => turns += 1,
            Err(error) => panic!("{error}"),
        }
        // What is noted on the way is nothing to readers.
        let mut told = store.list("rebuild", None).await.unwrap();
        told.retain(Swap::is_told_by);
        assert_eq!(told, std::slice::from_ref(&decided));
        assert!(turns < 100, "no end");
    }
    assert!(turns > 60, "{turns}: each copied link is a turn");
    assert_eq!(plain(&store).await, (0..LINKS).collect::<Vec<_>>());
    let left = store.list("rebuild", None).await.unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Committers, rebuilds and replays race on a store that fails and crashes: at the end every offset is a row once,
    /// and whenever the swap is looked at, followers see all rows of before or all of after.
    #[test]
    fn races_leave_every_row_once(
        faults in prop::collection::vec(0..10_u8, 0..120),
        crash in 1..80_usize,
    ) {
        let mut faults = faults.into_iter();
        let memory = MemoryStore::new().with_faults(move |_, _| match faults.next() {
            Some(0) => Fault::Before,
            Some(1) => Fault::After,
            _ => Fault::None,
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let store: Arc<dyn Store> = Arc::new(memory.clone());
        let seen = runtime.block_on(async {
            let settled = Arc::new(MemoryStore::clone(&memory));
            // Before the race, without faults of their own making.
            while commit(&store, 0..7).await.is_err() {}
            for id in ["a", "b"] {
                while try_stage(&store, id, 0..7).await.is_err() {}
            }
            let rebuild = async |id: &'static str| {
                loop {
                    match chain(&store, 0).swap(1, id).await {
                        Ok(Swapping::Swapped | Swapping::Overtaken) => break,
                        Ok(Swapping::Behind { head, .. }) => {
                            while try_stage(&store, id, 0..head).await.is_err() {}
                        }
                        Err(_) => {}
                    }
                }
            };
            // One rebuild goes as far as it comes, then its process ends.
            let crashing = async {
                let mut left = crash;
                let swap = rebuild("a");
                tokio::pin!(swap);
                std::future::poll_fn(|context| {
                    use std::task::Poll;
                    left = left.saturating_sub(1);
                    match swap.as_mut().poll(context) {
                        Poll::Pending if left > 0 => Poll::Pending,
                        _ => Poll::Ready(()),
                    }
                })
                .await;
            };
            let arriving = async {
                for start in [7, 9, 11] {
                    while commit(&store, start..start + 2).await.is_err() {}
                }
            };
            tokio::join!(crashing, arriving);
            let _ = memory.clone().with_faults(|_, _| Fault::None);
            let between = followed(&store).await;
            rebuild("b").await;
            chain(&store, 0).head().await.unwrap();
            drop(settled);
            (between, plain(&store).await, followed(&store).await)
        });
        let all: Vec<i64> = (0..13).collect();
        prop_assert_eq!(&seen.0, &all, "while the swap may be half done");
        prop_assert_eq!(&seen.1, &all);
        prop_assert_eq!(&seen.2, &all);
    }
}

async fn commit(
    store: &Arc<dyn Store>,
    range: std::ops::Range<i64>,
) -> Result<(), CommitError<Infallible>> {
    let stamps = timestamps(0, range.clone());
    let mut chain = chain(store, 0);
    chain
        .commit(batch(&stamps), Gaps::Refuse, |head| link(head, &range))
        .await
        .map(|_| ())
}

async fn try_stage(
    store: &Arc<dyn Store>,
    id: &str,
    range: std::ops::Range<i64>,
) -> Result<(), CommitError<Infallible>> {
    let stamps = timestamps(0, range.clone());
    let staged = Chain::staged(store.clone(), key(0), 1, id.to_owned());
    staged
        .with_retry(RETRY)
        .commit(batch(&stamps), Gaps::Skip, |head| {
            Ok(NewLink {
                end: range.end,
                rows: rows(0, head.end.max(range.start)..range.end),
                state: Default::default(),
            })
        })
        .await
        .map(|_| ())
}
