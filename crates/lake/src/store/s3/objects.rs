//! Reading and listing, with what a query engine wants to know beside the port.

use std::ops::Range;
use std::time::SystemTime;

use aws_sdk_s3::types::Object;
use bytes::Bytes;

use super::S3Store;
use super::answer::status;
use crate::{ObjectPath, StoreError};

/// What is known of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Its name.
    pub path: ObjectPath,
    /// Its length in bytes.
    pub size: u64,
    /// When it was made.
    pub modified: SystemTime,
    /// Tells its content from any other.
    pub etag: Option<String>,
}

/// Bytes of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The whole object.
    pub of: Described,
    /// Where the bytes stand in it.
    pub range: Range<u64>,
    /// The bytes.
    pub body: Bytes,
}

impl S3Store {
    /// What is known of the object, or [`StoreError::NotFound`].
    pub async fn describe(&self, path: &ObjectPath) -> Result<Described, StoreError> {
        let asked = self
            .client()
            .await
            .head_object()
            .bucket(&self.shared.bucket)
            .key(self.key(path.as_str()))
            .send();
        match asked.await {
            Ok(head) => Ok(Described {
                path: path.clone(),
                size: length(head.content_length()),
                modified: time(head.last_modified()),
                etag: head.e_tag,
            }),
            // An answer to HEAD has no body that could say whether the object or its bucket is missing.
            Err(error) if status(&error) == Some(404) => {
                Err(StoreError::NotFound { path: path.clone() })
            }
            Err(error) => Err(self.request("look at", path.as_str()).failed(error)),
        }
    }

    /// The bytes in `range`, which must not be empty, as far as there are any; all of them without a range.
    pub async fn part(
        &self,
        path: &ObjectPath,
        range: Option<Range<u64>>,
    ) -> Result<Part, StoreError> {
        let request = || self.request("read", path.as_str());
        let header = range
            .as_ref()
            .map(|range| format!("bytes={}-{}", range.start, range.end.saturating_sub(1)));
        let asked = self
            .client()
            .await
            .get_object()
            .bucket(&self.shared.bucket)
            .key(self.key(path.as_str()))
            .set_range(header)
            .send();
        let answer = match asked.await {
            Ok(answer) => answer,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_no_such_key()) =>
            {
                return Err(StoreError::NotFound { path: path.clone() });
            }
            Err(error) => return Err(request().failed(error)),
        };
        // `bytes 0-99/1234`, and nothing where the whole was answered.
        let whole = answer
            .content_range()
            .and_then(|range| range.rsplit('/').next()?.parse().ok());
        let (modified, etag) = (time(answer.last_modified()), answer.e_tag.clone());
        let body = answer.body.collect().await;
        let body = body
            .map_err(|error| request().unavailable(error))?
            .into_bytes();
        let length = body.len() as u64;
        let start = range.map_or(0, |range| range.start);
        Ok(Part {
            of: Described {
                path: path.clone(),
                size: whole.unwrap_or(length),
                modified,
                etag,
            },
            range: start..start + length,
            body,
        })
    }

    /// What [`Store::list`](crate::Store::list) lists, described.
    pub async fn describe_all(
        &self,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<Described>, StoreError> {
        let mut pages = self
            .client()
            .await
            .list_objects_v2()
            .bucket(&self.shared.bucket)
            .prefix(self.folder(prefix))
            .set_start_after(after.map(|after| self.key(after)))
            .into_paginator()
            .send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.request("list", prefix).failed(error))?;
            for object in page.contents() {
                found.extend(self.described(object)?);
            }
        }
        Ok(found)
    }

    pub(super) async fn folders(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let folder = self.folder(prefix);
        let mut pages = self
            .client()
            .await
            .list_objects_v2()
            .bucket(&self.shared.bucket)
            .prefix(&folder)
            .delimiter("/")
            .into_paginator()
            .send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.request("list", prefix).failed(error))?;
            let names = page.common_prefixes().iter().filter_map(|each| {
                let name = each.prefix()?.strip_prefix(&folder)?.strip_suffix('/')?;
                (!name.is_empty() && !name.starts_with('.')).then(|| name.to_owned())
            });
            found.extend(names);
        }
        Ok(found)
    }

    /// The prefix of every key in a folder.
    fn folder(&self, prefix: &str) -> String {
        match prefix {
            "" => self.key(""),
            prefix => self.key(&format!("{prefix}/")),
        }
    }

    /// Nothing for what stands for a folder in consoles, and for dotted names, as in every adapter.
    fn described(&self, object: &Object) -> Result<Option<Described>, StoreError> {
        let path = object
            .key()
            .and_then(|key| key.strip_prefix(&self.shared.root));
        let Some(path) = path.filter(|path| !path.ends_with('/')) else {
            return Ok(None);
        };
        if path.split('/').any(|segment| segment.starts_with('.')) {
            return Ok(None);
        }
        Ok(Some(Described {
            path: ObjectPath::new(path)?,
            size: length(object.size()),
            modified: time(object.last_modified()),
            etag: object.e_tag().map(str::to_owned),
        }))
    }
}

fn length(length: Option<i64>) -> u64 {
    length.map_or(0, |length| u64::try_from(length).unwrap_or(0))
}

fn time(time: Option<&aws_sdk_s3::primitives::DateTime>) -> SystemTime {
    time.and_then(|time| SystemTime::try_from(*time).ok())
        .unwrap_or(SystemTime::UNIX_EPOCH)
}
