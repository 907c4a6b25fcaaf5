//! Lives of logs and their numbers.

#![allow(clippy::unwrap_used)]

use super::*;

/// A data folder without a lake.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn claim(&self, life: Life<'_>, asked: Option<u32>) -> Result<Claim, EpochError> {
        claim(self.0.path(), &self.0.path().join("lake"), life, asked)
    }

    fn epoch(&self, life: Life<'_>) -> u32 {
        self.claim(life, None).unwrap().epoch
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

#[test]
fn every_life_has_its_own_number_and_a_broker_keeps_its_own() {
    let folder = Folder::new();
    assert_eq!(folder.epoch(Life::New), 0);
    assert_eq!(folder.epoch(Life::New), 1);
    assert_eq!(folder.epoch(at("b:1, A:2")), 2);
    assert_eq!(folder.epoch(Life::New), 3);
    assert_eq!(folder.epoch(at("a:2,b:1")), 2);
    assert_eq!(folder.epoch(at("c:1")), 4);
}

#[test]
fn a_cluster_made_anew_at_the_same_address_is_a_new_life() {
    let folder = Folder::new();
    assert_eq!(folder.epoch(cluster("first", "b:1")), 0);
    assert_eq!(folder.epoch(cluster("second", "b:1")), 1);
    assert_eq!(folder.epoch(cluster("first", "moved:1")), 0);
    // A number noted by its address passes to the cluster that is found there, once.
    assert_eq!(folder.epoch(at("c:1")), 2);
    assert_eq!(folder.epoch(cluster("third", "c:1")), 2);
    assert_eq!(folder.epoch(cluster("fourth", "c:1")), 3);
}

#[test]
fn a_number_that_is_asked_for_wins_and_stays() {
    let folder = Folder::new();
    let ask = |life, epoch| folder.claim(life, Some(epoch)).map(|claim| claim.epoch);
    assert_eq!(folder.epoch(cluster("a", "b:1")), 0);
    assert_eq!(ask(cluster("a", "b:1"), 7).unwrap(), 7);
    assert_eq!(folder.epoch(cluster("a", "b:1")), 7);
    assert_eq!(folder.epoch(Life::New), 8);
    assert_eq!(ask(Life::New, 9).unwrap(), 9);
    // The embedded broker's log is empty at each start: chains of an old life would take its records for old ones.
    let refused = ask(Life::New, 9).unwrap_err().to_string();
    assert!(refused.contains("10 or more"), "{refused}");
}

#[test]
fn a_folder_keeps_an_id_that_no_other_has() {
    let (one, other) = (Folder::new(), Folder::new());
    let id = |folder: &Folder| folder.claim(cluster("a", "b:1"), None).unwrap().folder;
    assert_eq!(id(&one), id(&one));
    assert_ne!(id(&one), id(&other));
}

#[test]
fn a_lost_file_does_not_give_a_number_again_that_the_lake_has() {
    let folder = Folder::new();
    let lake = folder.0.path().join("lake");
    fs::create_dir_all(lake.join("ticks/7/StockExchange/0")).unwrap();
    fs::create_dir_all(lake.join("holdings/investor-1")).unwrap();
    assert_eq!(folder.epoch(Life::New), 8);
}

#[test]
fn a_broken_file_is_an_error_and_stays_as_it_is() {
    let folder = Folder::new();
    let path = folder.0.path().join("epochs.json");
    fs::write(&path, "{").unwrap();
    assert!(matches!(
        folder.claim(Life::New, None),
        Err(EpochError::Malformed { .. })
    ));
    assert_eq!(fs::read_to_string(path).unwrap(), "{");
}
