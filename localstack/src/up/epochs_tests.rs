//! Lives of logs and their numbers.

#![allow(clippy::unwrap_used)]

use std::{fs, sync::Arc};

use lake::{FileStore, MemoryStore};

use super::*;

/// A data folder without a lake.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    async fn claim(&self, life: Life<'_>, asked: Option<u32>) -> Result<Claim, EpochError> {
        let lake = self.0.path().join("lake");
        fs::create_dir_all(&lake).unwrap();
        let lake = FileStore::open(lake).unwrap();
        let notes = Notes::File(self.0.path().join("epochs.json"));
        claim(&notes, &lake, life, asked).await
    }

    async fn epoch(&self, life: Life<'_>) -> u32 {
        self.claim(life, None).await.unwrap().epoch
    }
}

fn at(brokers: &str) -> Life<'_> {
    Life::Of {
        cluster: None,
        brokers,
    }
}

fn cluster<'a>(id: &'a str, brokers: &'a str) -> Life<'a> {
    Life::Of {
        cluster: Some(id),
        brokers,
    }
}

#[tokio::test]
async fn every_life_has_its_own_number_and_a_broker_keeps_its_own() {
    let folder = Folder::new();
    assert_eq!(folder.epoch(Life::New).await, 0);
    assert_eq!(folder.epoch(Life::New).await, 1);
    assert_eq!(folder.epoch(at("b:1, A:2")).await, 2);
    assert_eq!(folder.epoch(Life::New).await, 3);
    assert_eq!(folder.epoch(at("a:2,b:1")).await, 2);
    assert_eq!(folder.epoch(at("c:1")).await, 4);
}

#[tokio::test]
async fn a_cluster_made_anew_at_the_same_address_is_a_new_life() {
    let folder = Folder::new();
    assert_eq!(folder.epoch(cluster("first", "b:1")).await, 0);
    assert_eq!(folder.epoch(cluster("second", "b:1")).await, 1);
    assert_eq!(folder.epoch(cluster("first", "moved:1")).await, 0);
    // A number noted by its address passes to the cluster that is found there, once.
    assert_eq!(folder.epoch(at("c:1")).await, 2);
    assert_eq!(folder.epoch(cluster("third", "c:1")).await, 2);
    assert_eq!(folder.epoch(cluster("fourth", "c:1")).await, 3);
}

#[tokio::test]
async fn a_number_that_is_asked_for_wins_and_stays() {
    let folder = Folder::new();
    let ask = async |life, epoch| {
        let claim = folder.claim(life, Some(epoch)).await;
        claim.map(|claim| claim.epoch)
    };
    assert_eq!(folder.epoch(cluster("a", "b:1")).await, 0);
    assert_eq!(ask(cluster("a", "b:1"), 7).await.unwrap(), 7);
    assert_eq!(folder.epoch(cluster("a", "b:1")).await, 7);
    assert_eq!(folder.epoch(Life::New).await, 8);
    assert_eq!(ask(Life::New, 9).await.unwrap(), 9);
    // The embedded broker's log is empty at each start: chains of an old life would take its records for old ones.
    let refused = ask(Life::New, 9).await.unwrap_err().to_string();
    assert!(refused.contains("10 or more"), "{refused}");
}

#[tokio::test]
async fn a_folder_keeps_an_id_that_no_other_has() {
    let (one, other) = (Folder::new(), Folder::new());
    let id = async |folder: &Folder| {
        let claim = folder.claim(cluster("a", "b:1"), None).await;
        claim.unwrap().folder
    };
    assert_eq!(id(&one).await, id(&one).await);
    assert_ne!(id(&one).await, id(&other).await);
}

#[tokio::test]
async fn a_lost_file_does_not_give_a_number_again_that_the_lake_has() {
    let folder = Folder::new();
    let lake = folder.0.path().join("lake");
    fs::create_dir_all(lake.join("ticks/7/StockExchange/0")).unwrap();
    fs::create_dir_all(lake.join("holdings/investor-1")).unwrap();
    assert_eq!(folder.epoch(Life::New).await, 8);
    // A table that was rebuilt.
    fs::create_dir_all(lake.join("ticks/11.2/StockExchange/0")).unwrap();
    assert_eq!(folder.epoch(Life::New).await, 12);
}

#[tokio::test]
async fn a_broken_file_is_an_error_and_stays_as_it_is() {
    let folder = Folder::new();
    let path = folder.0.path().join("epochs.json");
    fs::write(&path, "{").unwrap();
    assert!(matches!(
        folder.claim(Life::New, None).await,
        Err(EpochError::Notes(NotesError::Malformed { .. }))
    ));
    assert_eq!(fs::read_to_string(path).unwrap(), "{");
}

#[tokio::test]
async fn systems_on_one_lake_never_get_the_same_number() {
    let lake: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let starts = (0..20).map(|_| {
        let lake = Arc::clone(&lake);
        tokio::spawn(async move {
            let notes = Notes::Lake(lake.as_ref());
            claim(&notes, lake.as_ref(), Life::New, None).await.unwrap()
        })
    });
    let claims: Vec<Claim> = futures::future::join_all(starts)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let mut epochs: Vec<u32> = claims.iter().map(|claim| claim.epoch).collect();
    epochs.sort_unstable();
    assert_eq!(epochs, (0..20).collect::<Vec<u32>>());
    assert!(claims.iter().all(|claim| claim.folder == claims[0].folder));
    // A broker that keeps its log keeps its number, whichever machine asks.
    let kept = async || {
        let notes = Notes::Lake(lake.as_ref());
        claim(&notes, lake.as_ref(), at("b:1"), None)
            .await
            .unwrap()
            .epoch
    };
    assert_eq!((kept().await, kept().await), (20, 20));
}
