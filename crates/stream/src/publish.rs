//! The publish port: what a function may rely on when it stores an event.

use async_trait::async_trait;

use wire::{Event, EventHeaders};

use crate::PublishError;

/// One record to be stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Record<'a> {
    /// The topic that it goes to.
    pub topic: &'a str,
    /// Records with equal keys go to the same partition, so they keep their order.
    pub key: &'a [u8],
    /// The record's value, as every reader of the topic sees it.
    pub value: &'a [u8],
    /// Names and values of its headers, in their order. Where there are traces, the adapter adds the running span's.
    pub headers: &'a [(&'a str, &'a [u8])],
}

/// Where a record stands in its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The partition of the topic.
    pub partition: i32,
    /// The offset within the partition.
    pub offset: i64,
}

/// Stores records in a log.
///
/// - `Ok` is returned only after every in-sync replica has the record (acks=all).
/// - `Err` says nothing about the record: it may still be in the log, so a repeat may store it twice.
/// - An answer comes in under five seconds, also when no broker can be reached.
/// - Calls may run side by side. Those that are polled first in some order reach a partition in that order.
#[async_trait]
pub trait Publish: Send + Sync {
    /// Stores one record and tells where it stands.
    async fn publish(&self, record: Record<'_>) -> Result<Position, PublishError>;
}

/// Stores the event of an HTTP call, with the headers of the call.
pub async fn publish_event<E: Event + Sync>(
    publisher: &dyn Publish,
    event: &E,
    headers: &EventHeaders,
) -> Result<Position, PublishError> {
    let record = Record {
        topic: event.topic(),
        key: event.key(headers).as_bytes(),
        value: &event.encode(headers),
        headers: &[],
    };
    publisher.publish(record).await
}
