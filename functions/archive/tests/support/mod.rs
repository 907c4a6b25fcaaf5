//! Records for tests, and rows read back as a reader of plain files sees them.
#![allow(dead_code)] // each test binary uses its own part

use std::sync::Arc;
use std::time::Duration;

use archive::Context;
use archive::decode::{Decoded, decode};
use arrow::array::{AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{Float64Type, Int64Type};
use bytes::Bytes;
use chrono::TimeDelta;
use lake::{Epoch, Retry, Store, Table};
use lambda_kit::kafka::{KafkaEvent, KafkaRecord, PartitionBatch};

/// The broker's timestamp of offset 0.
pub(crate) const BORN: i64 = 1_700_000_000_000;

pub(crate) fn record(offset: i64, value: impl Into<Bytes>) -> KafkaRecord {
    KafkaRecord {
        offset,
        timestamp: BORN + offset,
        key: Some(Bytes::from_static(b"GOOG")),
        value: Some(value.into()),
        headers: Vec::new(),
    }
}

/// A record of `stock_call` that is good.
pub(crate) fn good(offset: i64) -> KafkaRecord {
    let text =
        format!(r#"{{"Host":"h{offset}","event_type":"check_stock_GOOG","stock_name":"GOOG"}}"#);
    record(offset, text)
}

pub(crate) fn batch(topic: &str, partition: i32, records: Vec<KafkaRecord>) -> PartitionBatch {
    PartitionBatch {
        topic: topic.to_owned(),
        partition,
        records,
    }
}

pub(crate) fn event(batches: impl IntoIterator<Item = PartitionBatch>) -> KafkaEvent {
    KafkaEvent::from_batches(batches)
}

pub(crate) fn context(store: Arc<dyn Store>) -> Context {
    context_that_takes(TimeDelta::hours(1), store)
}

/// A context in that life of the log.
pub(crate) fn context_in(epoch: Epoch, store: Arc<dyn Store>) -> Context {
    context_with(epoch, TimeDelta::hours(1), store)
}

/// A context that takes ticks so far ahead of the broker's time.
pub(crate) fn context_that_takes(max_ahead: TimeDelta, store: Arc<dyn Store>) -> Context {
    context_with(Epoch(0), max_ahead, store)
}

fn context_with(epoch: Epoch, max_ahead: TimeDelta, store: Arc<dyn Store>) -> Context {
    let retry = Retry {
        attempts: 3,
        pause: Duration::ZERO,
    };
    Context::new(store, epoch, max_ahead, retry)
}

pub(crate) fn decoded(table: Table, values: &[&[u8]]) -> Decoded {
    let records: Vec<_> = (0..)
        .zip(values)
        .map(|(offset, value)| record(offset, value.to_vec()))
        .collect();
    decode(
        table,
        table.topic().unwrap(),
        0,
        &records,
        TimeDelta::hours(1),
    )
    .unwrap()
}

/// All rows of a table, in the order of partitions and offsets.
pub(crate) async fn stored(store: &Arc<dyn Store>, table: Table) -> RecordBatch {
    let mut rows = Vec::new();
    for path in store.list(table.name(), None).await.unwrap() {
        rows.push(
            lake::parquet::decode(store.read(&path).await.unwrap())
                .unwrap()
                .0,
        );
    }
    concat_batches(&table.schema(), &rows).unwrap()
}

pub(crate) fn texts(rows: &RecordBatch, column: &str) -> Vec<Option<String>> {
    let column = rows.column_by_name(column).unwrap().as_string::<i32>();
    column.iter().map(|text| text.map(str::to_owned)).collect()
}

pub(crate) fn longs(rows: &RecordBatch, column: &str) -> Vec<Option<i64>> {
    rows.column_by_name(column)
        .unwrap()
        .as_primitive::<Int64Type>()
        .iter()
        .collect()
}

pub(crate) fn doubles(rows: &RecordBatch, column: &str) -> Vec<Option<f64>> {
    rows.column_by_name(column)
        .unwrap()
        .as_primitive::<Float64Type>()
        .iter()
        .collect()
}

pub(crate) fn bytes(rows: &RecordBatch, column: &str) -> Vec<Option<Vec<u8>>> {
    let column = rows.column_by_name(column).unwrap().as_binary::<i32>();
    column
        .iter()
        .map(|bytes| bytes.map(<[u8]>::to_vec))
        .collect()
}
