//! Holdings: seeded once, changed by compare-and-swap, every version kept.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use domain::{Portfolio, PortfolioId, initial_portfolios};
use futures::future::join_all;
use lake::holdings::{delete, latest, put, read, seed};
use lake::{FileStore, MemoryStore, Store};

fn portfolio(investor: u32, portfolio: u32, shares: u64) -> Portfolio {
    Portfolio {
        id: PortfolioId {
            investor,
            portfolio,
        },
        holdings: [("IBM".parse().unwrap(), shares)].into(),
        active: true,
    }
}

async fn portfolios(store: &dyn Store) -> Vec<Portfolio> {
    latest(store)
        .await
        .unwrap()
        .into_iter()
        .flat_map(|each| each.portfolios)
        .collect()
}

#[tokio::test]
async fn seeding_happens_once_and_changes_nothing_later() {
    let store = MemoryStore::new();
    seed(&store).await.unwrap();
    assert_eq!(portfolios(&store).await, initial_portfolios());
    put(&store, portfolio(1, 1, 5)).await.unwrap();
    assert!(
        delete(
            &store,
            PortfolioId {
                investor: 2,
                portfolio: 1
            }
        )
        .await
        .unwrap()
    );
    let changed = portfolios(&store).await;
    seed(&store).await.unwrap();
    assert_eq!(portfolios(&store).await, changed);
    assert_eq!(changed.len(), 5);
}

#[tokio::test]
async fn every_change_is_a_version_that_stays() {
    let store = MemoryStore::new();
    seed(&store).await.unwrap();
    let second = put(&store, portfolio(1, 3, 5)).await.unwrap();
    assert_eq!((second.version, second.portfolios.len()), (2, 3));
    let mut inactive = portfolio(1, 3, 6);
    inactive.active = false;
    let third = put(&store, inactive.clone()).await.unwrap();
    assert_eq!(third.portfolios[2], inactive);
    assert_eq!(read(&store, 1, 2).await.unwrap(), second);
    assert_eq!(read(&store, 1, 1).await.unwrap().portfolios.len(), 2);
    assert_eq!(latest(&store).await.unwrap()[0], third);
    let absent = PortfolioId {
        investor: 1,
        portfolio: 9,
    };
    assert!(!delete(&store, absent).await.unwrap());
    assert_eq!(
        latest(&store).await.unwrap()[0].version,
        3,
        "nothing changed, so no version"
    );
}

#[tokio::test]
async fn a_new_investor_appears_with_the_first_portfolio() {
    let store = MemoryStore::new();
    let first = put(&store, portfolio(77, 1, 1)).await.unwrap();
    assert_eq!((first.version, first.name.as_str()), (1, "Investor 77"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_changes_at_once_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let stores: [Arc<dyn Store>; 2] = [
        Arc::new(MemoryStore::new()),
        Arc::new(FileStore::open(folder.path()).unwrap()),
    ];
    for store in stores {
        let changes = (1..=8).map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                put(&*store, portfolio(5, number, u64::from(number)))
                    .await
                    .unwrap()
            })
        });
        let mut versions: Vec<u64> = join_all(changes)
            .await
            .into_iter()
            .map(|done| done.unwrap().version)
            .collect();
        versions.sort_unstable();
        assert_eq!(versions, (1..=8).collect::<Vec<_>>());
        assert_eq!(portfolios(&*store).await.len(), 8);
    }
}
