//! What replays leave for SQL: letters that are rows by now, and tables that are swapped while they are read.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use lake::{Chain, ChainKey, Epoch, Gaps, NewLink, ObjectPath, Store, Swapping, Table};
use serde_json::json;

use super::lakes::Lake;
use super::rows::batch;

fn row(offset: i64, name: &str) -> serde_json::Value {
    json!({"event_type": "check_stock", "stock_name": name, "_topic": "stock_call", "_offset": offset, "_timestamp": 5})
}

#[tokio::test]
async fn letters_whose_record_is_a_row_are_replayed() {
    let lake = Lake::empty();
    let none = lake.rows("SELECT * FROM dead_letter_status").await;
    assert!(none.is_empty());
    let letter = |offset: i64, timestamp: i64| {
        json!({"topic": "stock_call", "offset": offset, "timestamp": timestamp, "reason": "r",
            "_topic": "stock_call", "_offset": offset, "_timestamp": timestamp})
    };
    // The one at offset 3 is of another life of the log: the row there is not its own.
    let letters = [letter(1, 5), letter(2, 5), letter(3, 4)];
    lake.commit(Table::DeadLetter, &letters).await;
    lake.commit(Table::StockCall, &[row(0, "a"), row(2, "b"), row(3, "c")])
        .await;
    let query = "SELECT \"offset\", status, reason FROM dead_letter_status ORDER BY 1";
    assert_eq!(
        lake.rows(query).await,
        [
            json!({"offset": 1, "status": "dead", "reason": "r"}),
            json!({"offset": 2, "status": "replayed", "reason": "r"}),
            json!({"offset": 3, "status": "dead", "reason": "r"}),
        ]
    );
    let dead = lake.rows("SELECT COUNT(*) AS n FROM Dead_Letter_Status WHERE status = 'dead'");
    assert_eq!(dead.await, [json!({"n": 2})]);
    let gaps = lake.rows("SELECT first, \"end\", reason, accepted_at FROM gaps");
    assert!(gaps.await.is_empty());
}

/// At each step of a swap a statement sees all of the old rows or all of the new ones.
#[tokio::test]
async fn a_swap_is_seen_whole_at_every_step() {
    let lake = Lake::empty();
    lake.commit(Table::StockCall, &[row(0, "old"), row(1, "old")])
        .await;
    lake.commit(Table::StockCall, &[row(2, "old")]).await;
    let url = url::Url::from_directory_path(lake.folder.path()).unwrap();
    let store = lake::open(url.as_str()).unwrap();
    let key = ChainKey {
        table: Table::StockCall,
        epoch: Epoch(0),
        topic: "stock_call".to_owned(),
        partition: 0,
    };
    let rows = batch(
        Table::StockCall,
        &[0, 1, 2].map(|offset| row(offset, "new")),
    );
    let mut staged = Chain::staged(store.clone(), key.clone(), 1, "a".to_owned());
    let link = |_: &_| {
        let (rows, state) = (rows.clone(), Default::default());
        Ok::<_, Infallible>(NewLink {
            end: 3,
            rows,
            state,
        })
    };
    staged.commit(0..3, Gaps::Skip, link).await.unwrap();
    let seen = async || {
        let query = "SELECT stock_name, COUNT(*) AS n FROM stock_call GROUP BY stock_name";
        lake.rows(query).await
    };
    let (old, new) = (
        [json!({"stock_name": "old", "n": 3})],
        [json!({"stock_name": "new", "n": 3})],
    );
    assert_eq!(seen().await, old);
    // The swap as it stands after its decision: the objects change one by one, and may do so for long.
    let swap = tokio::spawn({
        let (store, key) = (Slow(store.clone()), key.clone());
        async move { Chain::new(Arc::new(store), key).swap(1, "a").await.unwrap() }
    });
    let mut states = Vec::new();
    while !swap.is_finished() {
        states.push(seen().await);
        assert!(
            [&old[..], &new[..]].contains(&&states.last().unwrap()[..]),
            "{states:?}"
        );
    }
    assert_eq!(swap.await.unwrap(), Swapping::Swapped);
    assert_eq!(seen().await, new);
    let swapped = states.iter().position(|state| state == &new);
    assert!(
        swapped.is_some_and(|at| states[at..].iter().all(|state| state == &new)),
        "{states:?}"
    );
    assert!(
        states.len() - swapped.unwrap() > 1,
        "looked at while it was under way"
    );
}

/// A store whose changes take long enough for statements to look between them.
#[derive(Debug)]
struct Slow(Arc<dyn Store>);

impl Slow {
    async fn wait(&self) {
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

#[async_trait::async_trait]
impl Store for Slow {
    async fn create(
        &self,
        path: &ObjectPath,
        body: bytes::Bytes,
    ) -> Result<lake::Created, lake::StoreError> {
        self.wait().await;
        self.0.create(path, body).await
    }

    async fn read(&self, path: &ObjectPath) -> Result<bytes::Bytes, lake::StoreError> {
        self.0.read(path).await
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<ObjectPath>, lake::StoreError> {
        self.0.list(prefix, after).await
    }

    async fn list_folders(&self, prefix: &str) -> Result<Vec<String>, lake::StoreError> {
        self.0.list_folders(prefix).await
    }

    async fn replace(&self, path: &ObjectPath, body: bytes::Bytes) -> Result<(), lake::StoreError> {
        self.wait().await;
        self.0.replace(path, body).await
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), lake::StoreError> {
        self.wait().await;
        self.0.delete(path).await
    }
}
