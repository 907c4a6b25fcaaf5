//! Whether a store does what commits rely on.

use bytes::Bytes;
use lake::{Created, ObjectPath, Store, StoreError};

use super::LakeError;

/// Stays in the lake: what is there already cannot be created again, which is all that is asked.
const PROBE: &str = "created-once/probe.txt";
const CONTENT: &[u8] =
    b"Made by the start, which then tries to make it again and must not be able to.\n";

/// Lists and writes, and sees that nothing can be created twice: a store that ignores the condition would let two
/// committers believe that the same link is theirs.
pub(super) async fn check(store: &dyn Store, url: &str, endpoint: &str) -> Result<(), LakeError> {
    let unusable = |source: StoreError| LakeError::Unusable {
        url: url.to_owned(),
        endpoint: endpoint.to_owned(),
        source,
    };
    store.list_folders("").await.map_err(unusable)?;
    let probe = ObjectPath::new(PROBE).map_err(|error| unusable(error.into()))?;
    for _ in 0..2 {
        let made = store.create(&probe, Bytes::from_static(CONTENT)).await;
        if made.map_err(unusable)? == Created::Exists {
            return Ok(());
        }
    }
    Err(LakeError::Overwrites {
        url: url.to_owned(),
        endpoint: endpoint.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{fmt, sync::Arc};

    use async_trait::async_trait;
    use lake::MemoryStore;

    use super::*;

    /// A store that knows no conditions.
    struct Overwriting(Arc<MemoryStore>);

    impl fmt::Debug for Overwriting {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Overwriting")
        }
    }

    #[async_trait]
    impl Store for Overwriting {
        async fn create(&self, path: &ObjectPath, body: Bytes) -> Result<Created, StoreError> {
            self.0.replace(path, body).await.map(|()| Created::New)
        }

        async fn read(&self, path: &ObjectPath) -> Result<Bytes, StoreError> {
            self.0.read(path).await
        }

        async fn list(
            &self,
            prefix: &str,
            after: Option<&str>,
        ) -> Result<Vec<ObjectPath>, StoreError> {
            self.0.list(prefix, after).await
        }

        async fn list_folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
            self.0.list_folders(prefix).await
        }

        async fn replace(&self, path: &ObjectPath, body: Bytes) -> Result<(), StoreError> {
            self.0.replace(path, body).await
        }

        async fn delete(&self, path: &ObjectPath) -> Result<(), StoreError> {
            self.0.delete(path).await
        }
    }

    #[tokio::test]
    async fn a_store_that_overwrites_is_refused() {
        let store = Arc::new(MemoryStore::new());
        for _ in 0..2 {
            check(store.as_ref(), "s3://b", "AWS").await.unwrap();
        }
        let error = check(&Overwriting(store), "s3://b", "AWS")
            .await
            .unwrap_err();
        assert!(matches!(error, LakeError::Overwrites { .. }), "{error}");
    }
}
