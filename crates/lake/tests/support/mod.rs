//! Rows and chains for tests: ticks whose timestamps tell one log from another.
#![allow(dead_code)] // each test binary uses its own part

pub(crate) mod localstack;
pub(crate) mod stub;
pub(crate) mod suite;

use std::convert::Infallible;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    ArrayRef, AsArray, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, TimestampMillisecondArray,
};
use arrow::datatypes::Int64Type;
use lake::{
    Batch, Chain, ChainKey, Committed, Epoch, Gaps, Head, MemoryStore, NewLink, Retry, Store, Table,
};

pub(crate) const TOPIC: &str = "StockExchange";

pub(crate) fn key(epoch: u32) -> ChainKey {
    ChainKey {
        table: Table::Ticks,
        epoch: Epoch(epoch),
        topic: TOPIC.to_owned(),
        partition: 0,
    }
}

/// A chain that does not wait between its tries.
pub(crate) fn chain(store: &Arc<dyn Store>, epoch: u32) -> Chain {
    Chain::new(store.clone(), key(epoch)).with_retry(Retry {
        attempts: 4,
        pause: Duration::ZERO,
    })
}

/// The broker's timestamp of the record at `offset` in the log that began at `born`.
pub(crate) fn timestamp(born: i64, offset: i64) -> i64 {
    born + offset * 7
}

pub(crate) fn timestamps(born: i64, offsets: Range<i64>) -> Vec<(i64, i64)> {
    offsets
        .map(|offset| (offset, timestamp(born, offset)))
        .collect()
}

pub(crate) fn rows(born: i64, offsets: Range<i64>) -> RecordBatch {
    let n = offsets.clone().count();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["IBM"; n])),
        Arc::new(
            Decimal128Array::from_iter_values(offsets.clone().map(i128::from))
                .with_precision_and_scale(18, 2)
                .unwrap(),
        ),
        Arc::new(TimestampMicrosecondArray::from(vec![0; n]).with_timezone("UTC")),
        Arc::new(StringArray::from(vec!["se1"; n])),
        Arc::new(StringArray::from(vec![TOPIC; n])),
        Arc::new(Int32Array::from(vec![0; n])),
        Arc::new(Int64Array::from_iter_values(offsets.clone())),
        Arc::new(
            TimestampMillisecondArray::from_iter_values(offsets.map(|at| timestamp(born, at)))
                .with_timezone("UTC"),
        ),
    ];
    RecordBatch::try_new(Table::Ticks.schema(), columns).unwrap()
}

/// The link of `batch` on `head`; its state counts the rows of the whole chain.
pub(crate) fn link(head: &Head, batch: &Range<i64>) -> Result<NewLink, Infallible> {
    let offsets = head.end.max(batch.start)..batch.end;
    let before: i64 = head
        .state
        .get("rows")
        .map_or(0, |count| count.parse().unwrap());
    let count = before + (offsets.end - offsets.start);
    Ok(NewLink {
        end: batch.end,
        rows: rows(0, offsets),
        state: [("rows".to_owned(), count.to_string())].into(),
    })
}

pub(crate) fn batch<'a>(stamps: &'a [(i64, i64)]) -> Batch<'a> {
    Batch::of(stamps).unwrap()
}

/// The offsets of all rows in the table's folder, as a reader of plain files sees them, which
/// knows nothing of chains; with the bytes of each link's state.
pub(crate) async fn stored(store: &Arc<dyn Store>, epoch: u32) -> Vec<i64> {
    let mut offsets = Vec::new();
    for path in store.list(&key(epoch).to_string(), None).await.unwrap() {
        let (rows, _) = lake::parquet::decode(store.read(&path).await.unwrap()).unwrap();
        let column = rows
            .column_by_name("_offset")
            .unwrap()
            .as_primitive::<Int64Type>()
            .clone();
        offsets.extend(column.values());
    }
    offsets
}

pub(crate) fn memory() -> (MemoryStore, Arc<dyn Store>) {
    let memory = MemoryStore::new();
    (memory.clone(), Arc::new(memory))
}

/// A chain with links up to each of `ends`.
pub(crate) async fn fill(store: &Arc<dyn Store>, epoch: u32, ends: &[i64]) {
    let mut chain = chain(store, epoch);
    let mut start = 0;
    for &end in ends {
        let stamps = timestamps(0, start..end);
        let done = chain.commit(batch(&stamps), Gaps::Refuse, |head| {
            link(head, &(start..end))
        });
        assert_eq!(done.await.unwrap(), Committed::Link { range: start..end });
        start = end;
    }
}
