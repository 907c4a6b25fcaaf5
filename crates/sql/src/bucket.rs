//! The lake on S3 as the engine reads it: the lake's own client behind the engine's trait, for reading only.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use lake::s3::{Access, Described, Part, S3Store};
use lake::{ObjectPath, StoreError};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};
use tokio::runtime::Handle;

/// A store of the engine's over the lake's.
///
/// Its requests run where the process's own do, not on a statement's threads: connections are kept from one statement
/// to the next.
#[derive(Debug)]
pub(crate) struct Bucket {
    store: S3Store,
    requests: Handle,
}

impl Bucket {
    pub(crate) fn new(store: S3Store, requests: Handle) -> Self {
        Self { store, requests }
    }

    async fn ask<T, F>(&self, request: impl FnOnce(S3Store) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = std::result::Result<T, StoreError>> + Send + 'static,
    {
        let asked = self.requests.spawn(request(self.store.clone()));
        asked.await?.map_err(failed)
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the lake")
    }
}

#[async_trait]
impl ObjectStore for Bucket {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let path = object(location)?;
        let named = path.clone();
        let describe = || self.ask(|store| async move { store.describe(&named).await });
        let part = match &options.range {
            None if options.head => described_only(describe().await?),
            Some(GetRange::Bounded(range)) if !options.head => {
                let range = range.clone();
                self.ask(|store| async move { store.part(&path, Some(range)).await })
                    .await?
            }
            None => {
                self.ask(|store| async move { store.part(&path, None).await })
                    .await?
            }
            Some(range) => {
                let found = describe().await?;
                let range = range.as_range(found.size).map_err(generic)?;
                if options.head {
                    Part {
                        range,
                        ..described_only(found)
                    }
                } else {
                    self.ask(|store| async move { store.part(&path, Some(range)).await })
                        .await?
                }
            }
        };
        let meta = meta(part.of);
        options.check_preconditions(&meta)?;
        let body = part.body;
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream::once(async { Ok(body) }).boxed()),
            meta,
            range: part.range,
            attributes: Default::default(),
        })
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let prefix = prefix.map(Path::to_string).unwrap_or_default();
        let (store, requests) = (self.store.clone(), self.requests.clone());
        let listed = requests.spawn(async move { store.describe_all(&prefix, None).await });
        let found = async move {
            let found = listed.await?.map_err(failed)?;
            let found = found.into_iter().map(|each| Ok(meta(each)));
            Ok::<_, Error>(stream::iter(found))
        };
        found.into_stream().try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let prefix = prefix.map(Path::to_string).unwrap_or_default();
        let depth = prefix.split_terminator('/').count() + 1;
        let found = self
            .ask(|store| async move { store.describe_all(&prefix, None).await })
            .await?;
        let (mut common_prefixes, mut objects) = (Vec::<Path>::new(), Vec::new());
        for each in found {
            let segments: Vec<&str> = each.path.as_str().split('/').collect();
            if segments.len() == depth {
                objects.push(meta(each));
                continue;
            }
            let folder = Path::from(segments[..depth].join("/"));
            if common_prefixes.last() != Some(&folder) {
                common_prefixes.push(folder);
            }
        }
        Ok(ListResult {
            common_prefixes,
            objects,
        })
    }

    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(read_only())
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(read_only())
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        stream::once(async { Err(read_only()) }).boxed()
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(read_only())
    }
}

fn object(location: &Path) -> Result<ObjectPath> {
    ObjectPath::new(location.to_string()).map_err(generic)
}

fn described_only(of: Described) -> Part {
    Part {
        range: 0..of.size,
        of,
        body: Default::default(),
    }
}

fn meta(described: Described) -> ObjectMeta {
    ObjectMeta {
        location: Path::from(described.path.as_str()),
        last_modified: DateTime::<Utc>::from(described.modified),
        size: described.size,
        e_tag: described.etag,
        version: None,
    }
}

fn failed(error: StoreError) -> Error {
    match error {
        StoreError::NotFound { ref path } => Error::NotFound {
            path: path.to_string(),
            source: error.into(),
        },
        error => generic(error),
    }
}

fn generic(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Generic {
        store: "lake",
        source: source.into(),
    }
}

fn read_only() -> Error {
    Error::NotSupported {
        source: "statements only read".into(),
    }
}

/// The lake at `url` for the engine; must be called within a tokio runtime, on which its requests will run.
pub(crate) fn open(url: &str) -> std::result::Result<Arc<dyn ObjectStore>, crate::OpenError> {
    let store = S3Store::open(url, Access::Environment)?;
    let requests = Handle::try_current()?;
    Ok(Arc::new(Bucket::new(store, requests)))
}
