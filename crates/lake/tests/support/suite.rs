//! What every store must do.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use lake::{Created, ObjectPath, Store, StoreError};

/// Runs the whole suite on one empty store.
pub(crate) async fn conforms(store: Arc<dyn Store>) {
    what_was_created_is_read(&*store).await;
    nothing_is_created_twice(&*store).await;
    absent_objects_are_not_found(&*store).await;
    of_racing_creators_one_wins(store.clone()).await;
    listings_are_complete_and_sorted(&*store).await;
    folders_are_listed(&*store).await;
    what_is_replaced_keeps_its_name(store.clone()).await;
    what_is_deleted_is_gone(&*store).await;
}

pub(crate) fn path(path: &str) -> ObjectPath {
    ObjectPath::new(path).unwrap()
}

async fn what_was_created_is_read(store: &dyn Store) {
    for (name, body) in [
        ("read/empty", Bytes::new()),
        ("read/full", Bytes::from(vec![7; 70_000])),
        // As large as a link gets: a trigger's payload is 6 MB.
        ("read/large", Bytes::from(vec![7; 6 << 20])),
    ] {
        assert_eq!(
            store.create(&path(name), body.clone()).await.unwrap(),
            Created::New
        );
        assert_eq!(store.read(&path(name)).await.unwrap(), body);
        assert!(
            store
                .list("read", None)
                .await
                .unwrap()
                .contains(&path(name))
        );
    }
}

async fn nothing_is_created_twice(store: &dyn Store) {
    let name = path("twice/object.parquet");
    let first = Bytes::from_static(b"first");
    assert_eq!(
        store.create(&name, first.clone()).await.unwrap(),
        Created::New
    );
    for _ in 0..3 {
        let again = store
            .create(&name, Bytes::from_static(b"second"))
            .await
            .unwrap();
        assert_eq!(again, Created::Exists);
        assert_eq!(store.read(&name).await.unwrap(), first);
    }
    assert_eq!(store.list("twice", None).await.unwrap(), [name]);
}

async fn absent_objects_are_not_found(store: &dyn Store) {
    let error = store.read(&path("absent/object")).await.unwrap_err();
    assert!(
        matches!(&error, StoreError::NotFound { path: named } if *named == path("absent/object"))
    );
    assert!(!error.is_retryable());
    assert!(store.list("absent", None).await.unwrap().is_empty());
    assert!(store.list_folders("absent").await.unwrap().is_empty());
}

async fn of_racing_creators_one_wins(store: Arc<dyn Store>) {
    for round in 0..5 {
        let name = path(&format!("race/{round}/object"));
        let racers = (0..50_u8).map(|racer| {
            let (store, name) = (store.clone(), name.clone());
            tokio::spawn(async move {
                let body = Bytes::from(vec![racer; 1000]);
                store.create(&name, body).await.unwrap() == Created::New
            })
        });
        let won: Vec<bool> = join_all(racers)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert_eq!(
            won.iter().filter(|&&won| won).count(),
            1,
            "winners of round {round}"
        );
        let winner = u8::try_from(won.iter().position(|&won| won).unwrap()).unwrap();
        assert_eq!(store.read(&name).await.unwrap(), vec![winner; 1000]);
        assert_eq!(
            store.list(&format!("race/{round}"), None).await.unwrap(),
            [name]
        );
    }
}

async fn listings_are_complete_and_sorted(store: &dyn Store) {
    let mut names: Vec<ObjectPath> = (0..1_100)
        .map(|number| path(&format!("many/{}/{number:04}", number % 3)))
        .collect();
    for some in names.chunks(50) {
        let created = some
            .iter()
            .map(|name| store.create(name, Bytes::from_static(b"x")));
        for each in join_all(created).await {
            each.unwrap();
        }
    }
    store
        .create(&path("many-more/object"), Bytes::new())
        .await
        .unwrap();
    names.sort_unstable();
    assert_eq!(store.list("many", None).await.unwrap(), names);
    assert_eq!(store.list("many/1", None).await.unwrap(), names[367..734]);
    for after in [
        "many/0/0300",
        "many/1",
        "many/1/0500.5",
        "many/2/1099",
        "many/9",
    ] {
        let rest: Vec<_> = names
            .iter()
            .filter(|name| name.as_str() > after)
            .cloned()
            .collect();
        assert_eq!(
            store.list("many", Some(after)).await.unwrap(),
            rest,
            "after {after}"
        );
    }
}

async fn folders_are_listed(store: &dyn Store) {
    for name in [
        "tree/10/a/x",
        "tree/9/a/x",
        "tree/9/b/x",
        "tree/file",
        "tree-2/a/x",
    ] {
        store.create(&path(name), Bytes::new()).await.unwrap();
    }
    assert_eq!(store.list_folders("tree").await.unwrap(), ["10", "9"]);
    assert_eq!(store.list_folders("tree/9").await.unwrap(), ["a", "b"]);
    assert!(store.list_folders("tree/9/a").await.unwrap().is_empty());
}

async fn what_is_replaced_keeps_its_name(store: Arc<dyn Store>) {
    let name = path("replaced/object");
    let bodies = [Bytes::from(vec![1; 70_000]), Bytes::from(vec![2; 10])];
    store.create(&name, bodies[0].clone()).await.unwrap();
    // Whoever reads or creates meanwhile meets the one or the other.
    let meanwhile = {
        let (store, name, bodies) = (store.clone(), name.clone(), bodies.clone());
        tokio::spawn(async move {
            for _ in 0..50 {
                assert!(bodies.contains(&store.read(&name).await.unwrap()));
                let created = store.create(&name, Bytes::from_static(b"x")).await;
                assert_eq!(created.unwrap(), Created::Exists);
            }
        })
    };
    for round in 0..50 {
        let body = bodies[round % 2].clone();
        store.replace(&name, body).await.unwrap();
    }
    meanwhile.await.unwrap();
    assert_eq!(store.read(&name).await.unwrap(), bodies[1]);
    let new = path("replaced/new");
    store.replace(&new, bodies[0].clone()).await.unwrap();
    assert_eq!(store.read(&new).await.unwrap(), bodies[0]);
    assert_eq!(store.list("replaced", None).await.unwrap(), [new, name]);
}

async fn what_is_deleted_is_gone(store: &dyn Store) {
    let (gone, kept) = (path("deleted/a/gone"), path("deleted/b/kept"));
    for name in [&gone, &kept] {
        store.create(name, Bytes::new()).await.unwrap();
    }
    for _ in 0..2 {
        store.delete(&gone).await.unwrap();
        assert!(matches!(
            store.read(&gone).await,
            Err(StoreError::NotFound { .. })
        ));
        assert_eq!(
            store.list("deleted", None).await.unwrap(),
            std::slice::from_ref(&kept)
        );
    }
    store.delete(&path("never/was")).await.unwrap();
    let again = store.create(&gone, Bytes::from_static(b"again")).await;
    assert_eq!(again.unwrap(), Created::New);
}
