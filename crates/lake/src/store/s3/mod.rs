//! The store in a bucket of S3, or of anything that speaks S3's protocol.
//!
//! What makes it fit for chains is one request: a PUT with `If-None-Match: *`, of which S3 lets one win. Nothing is
//! connected, and no credential looked for, before the first request.

mod access;
mod answer;
mod objects;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use tokio::sync::OnceCell;
use url::Url;

pub use access::Access;
pub use objects::{Described, Part};

use super::{Created, OpenError, Store, StoreError};
use crate::ObjectPath;
use answer::{Request, status};

/// How often a creation is tried that S3 answers with 409, which says that it wrote nothing.
const CONFLICTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);

/// A [`Store`] below a prefix of a bucket; clones share the connections.
#[derive(Clone)]
pub struct S3Store {
    shared: Arc<Shared>,
}

struct Shared {
    bucket: String,
    /// Empty, or segments with a slash at the end.
    root: String,
    access: Access,
    client: OnceCell<Client>,
}

impl fmt::Debug for S3Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { bucket, root, .. } = self.shared.as_ref();
        write!(f, "S3Store(s3://{bucket}/{root})")
    }
}

impl S3Store {
    /// The lake at `s3://bucket` or `s3://bucket/prefix`; nothing is asked yet.
    pub fn open(url: &str, access: Access) -> Result<Self, OpenError> {
        let bad = || OpenError::Bucket {
            url: url.to_owned(),
        };
        let parsed = Url::parse(url).map_err(|source| OpenError::Url {
            url: url.to_owned(),
            source,
        })?;
        let plain = parsed.username().is_empty()
            && parsed.password().is_none()
            && parsed.port().is_none()
            && parsed.query().is_none()
            && parsed.fragment().is_none();
        let bucket = parsed.host_str().filter(|host| !host.is_empty() && plain);
        let prefix = parsed.path().trim_matches('/');
        let root = match prefix {
            "" => String::new(),
            prefix => format!("{}/", ObjectPath::new(prefix).map_err(|_| bad())?),
        };
        Ok(Self {
            shared: Arc::new(Shared {
                bucket: bucket.ok_or_else(bad)?.to_owned(),
                root,
                access,
                client: OnceCell::new(),
            }),
        })
    }

    async fn client(&self) -> &Client {
        let connect = || access::client(&self.shared.access);
        self.shared.client.get_or_init(connect).await
    }

    fn key(&self, path: &str) -> String {
        format!("{}{path}", self.shared.root)
    }

    /// What is being asked of which object, for errors.
    fn request(&self, operation: &'static str, path: &str) -> Request<'_> {
        Request {
            operation,
            bucket: &self.shared.bucket,
            key: self.key(path),
        }
    }

    /// The region that requests are signed for.
    pub async fn region(&self) -> String {
        let region = self.client().await.config().region();
        region.map(ToString::to_string).unwrap_or_default()
    }

    /// Makes the bucket in S3's first region, where it is not there yet.
    pub async fn make_bucket(&self) -> Result<(), StoreError> {
        let bucket = &self.shared.bucket;
        let asked = self.client().await.create_bucket().bucket(bucket).send();
        match asked.await {
            Ok(_) => Ok(()),
            Err(error) if answer::code(&error) == Some("BucketAlreadyOwnedByYou") => Ok(()),
            Err(error) => Err(self.request("make the bucket of", "").failed(error)),
        }
    }
}

#[async_trait]
impl Store for S3Store {
    async fn create(&self, path: &ObjectPath, body: Bytes) -> Result<Created, StoreError> {
        let client = self.client().await;
        // A try of the SDK's own after a lost answer would find the object that the first one made, and say that it
        // was there: the caller must learn that the answer was lost.
        let once = aws_sdk_s3::config::Builder::new().retry_config(RetryConfig::disabled());
        let mut conflicts = 0;
        loop {
            let asked = client
                .put_object()
                .bucket(&self.shared.bucket)
                .key(self.key(path.as_str()))
                .if_none_match("*")
                .body(ByteStream::from(body.clone()))
                .customize()
                .config_override(once.clone())
                .send();
            let error = match asked.await {
                Ok(_) => return Ok(Created::New),
                Err(error) => error,
            };
            match status(&error) {
                Some(412) => return Ok(Created::Exists),
                // Another request for the same name was under way, and nothing of this one was written; what becomes
                // of the other one is not known, so this is no "exists".
                Some(409) if conflicts < CONFLICTS => {
                    conflicts += 1;
                    tokio::time::sleep(PAUSE * conflicts).await;
                }
                Some(409) => return Err(StoreError::Conflict { path: path.clone() }),
                _ => return Err(self.request("create", path.as_str()).failed(error)),
            }
        }
    }

    async fn read(&self, path: &ObjectPath) -> Result<Bytes, StoreError> {
        Ok(self.part(path, None).await?.body)
    }

    async fn list(&self, prefix: &str, after: Option<&str>) -> Result<Vec<ObjectPath>, StoreError> {
        let found = self.describe_all(prefix, after).await?;
        Ok(found.into_iter().map(|each| each.path).collect())
    }

    async fn list_folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.folders(prefix).await
    }

    async fn replace(&self, path: &ObjectPath, body: Bytes) -> Result<(), StoreError> {
        let asked = self
            .client()
            .await
            .put_object()
            .bucket(&self.shared.bucket)
            .key(self.key(path.as_str()))
            .body(ByteStream::from(body))
            .send();
        let failed = |error| self.request("replace", path.as_str()).failed(error);
        asked.await.map(drop).map_err(failed)
    }

    async fn delete(&self, path: &ObjectPath) -> Result<(), StoreError> {
        let asked = self
            .client()
            .await
            .delete_object()
            .bucket(&self.shared.bucket)
            .key(self.key(path.as_str()))
            .send();
        let failed = |error| self.request("delete", path.as_str()).failed(error);
        asked.await.map(drop).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn opened(url: &str) -> Result<(String, String), OpenError> {
        let shared = S3Store::open(url, Access::Environment)?.shared;
        Ok((shared.bucket.clone(), shared.root.clone()))
    }

    #[test]
    fn a_url_names_a_bucket_and_a_prefix() {
        let named = |bucket: &str, root: &str| (bucket.to_owned(), root.to_owned());
        assert_eq!(opened("s3://lake").unwrap(), named("lake", ""));
        assert_eq!(opened("s3://lake/").unwrap(), named("lake", ""));
        assert_eq!(opened("s3://lake/a/b/").unwrap(), named("lake", "a/b/"));
        for bad in [
            "s3://",
            "s3:///prefix",
            "s3://lake/a//b",
            "s3://lake/.hidden",
            "s3://lake/a b",
            "s3://lake?region=x",
            "s3://key:secret@lake",
            "s3://lake:9000/a",
        ] {
            let error = opened(bad).unwrap_err();
            assert!(matches!(error, OpenError::Bucket { .. }), "{bad}: {error}");
        }
    }
}
