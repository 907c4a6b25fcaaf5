//! What every store must do, run over every adapter; over S3 in `s3.rs`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::sync::Arc;

use bytes::Bytes;
use lake::{Fault, FileStore, MemoryStore, Operation, Store, StoreError};
use support::suite::{conforms, path};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn memory_conforms() {
    conforms(Arc::new(MemoryStore::new())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn files_conform() {
    let folder = tempfile::tempdir().unwrap();
    conforms(Arc::new(FileStore::open(folder.path()).unwrap())).await;
    assert!(
        dotted(folder.path()).is_empty(),
        "staged files are cleaned up"
    );
}

fn dotted(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(dotted(&entry.path()));
        } else if entry.file_name().to_string_lossy().starts_with('.') {
            found.push(entry.path());
        }
    }
    found
}

#[tokio::test]
async fn what_a_crash_leaves_staged_is_no_object() {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::open(folder.path()).unwrap();
    store
        .create(&path("table/link.parquet"), Bytes::new())
        .await
        .unwrap();
    std::fs::write(folder.path().join("table/.77-0.staged"), b"torn").unwrap();
    assert_eq!(
        store.list("table", None).await.unwrap(),
        [path("table/link.parquet")]
    );
    assert_eq!(
        store.list("", None).await.unwrap(),
        [path("table/link.parquet")]
    );
}

#[tokio::test]
async fn ordered_faults_happen() {
    let faults = |operation, _: &str| match operation {
        Operation::Create => Fault::After,
        Operation::Read => Fault::Before,
        _ => Fault::None,
    };
    let store = MemoryStore::new().with_faults(faults);
    let error = store.create(&path("a/b"), Bytes::new()).await.unwrap_err();
    assert!(error.is_retryable());
    assert_eq!(
        store.list("a", None).await.unwrap(),
        [path("a/b")],
        "it took effect"
    );
    assert!(matches!(
        store.read(&path("a/b")).await,
        Err(StoreError::Injected { .. })
    ));
    assert_eq!(
        store.take_requests(),
        [Operation::Create, Operation::List, Operation::Read]
    );
}

#[tokio::test]
async fn a_folder_that_is_moved_away_is_down_and_not_empty() {
    let parent = tempfile::tempdir().unwrap();
    let (lake, away) = (parent.path().join("lake"), parent.path().join("away"));
    std::fs::create_dir(&lake).unwrap();
    let store = FileStore::open(&lake).unwrap();
    let link = path("table/0/link.parquet");
    store.create(&link, Bytes::new()).await.unwrap();
    std::fs::rename(&lake, &away).unwrap();
    for in_its_place in [false, true] {
        if in_its_place {
            std::fs::create_dir(&lake).unwrap();
        }
        let other = path("table/0/other.parquet");
        let errors = [
            store.create(&other, Bytes::new()).await.unwrap_err(),
            store.read(&link).await.unwrap_err(),
            store.list("table", None).await.unwrap_err(),
            store.list_folders("table").await.unwrap_err(),
        ];
        assert!(
            errors.iter().all(lake::StoreError::is_retryable),
            "{errors:?}"
        );
    }
    assert_eq!(std::fs::read_dir(&lake).unwrap().count(), 0);
    std::fs::remove_dir(&lake).unwrap();
    std::fs::rename(&away, &lake).unwrap();
    assert_eq!(store.list("", None).await.unwrap(), [link]);
}
