//! Lakes for tests: rows by table, committed as links.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use arrow::array::{
    ArrayRef, BinaryArray, Decimal128Array, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringArray, TimestampMicrosecondArray, TimestampMillisecondArray,
};
use lake::{Chain, ChainKey, Epoch, Gaps, Kind, NewLink, Table};
use serde_json::Value;

use crate::{Answer, Format, Limits, Settings, Sql, SqlError};

/// What a statement makes the process grow by is watched, so a test that lets it grow has the process for itself.
static PROCESS: RwLock<()> = RwLock::new(());

/// Keeps others out, or only those that want to be alone, until it is dropped.
#[expect(dead_code, reason = "the guards are held, not read")]
enum Share {
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

/// A lake in a folder of its own, and SQL over it.
pub(super) struct Lake {
    pub(super) folder: tempfile::TempDir,
    pub(super) sql: Sql,
    _share: Share,
}

impl Lake {
    pub(super) fn empty() -> Self {
        let shared = PROCESS.read().unwrap_or_else(PoisonError::into_inner);
        Self::open(Share::Shared(shared))
    }

    pub(super) fn alone() -> Self {
        let alone = PROCESS.write().unwrap_or_else(PoisonError::into_inner);
        Self::open(Share::Alone(alone))
    }

    fn open(share: Share) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sql = Sql::open(&url(&folder), Settings::default()).unwrap();
        Self {
            folder,
            sql,
            _share: share,
        }
    }

    /// Commits rows after those of the same table that are there.
    pub(super) async fn commit(&self, table: Table, rows: &[Value]) {
        let store = lake::open(&url(&self.folder)).unwrap();
        let key = ChainKey {
            table,
            epoch: Epoch(0),
            topic: table.topic().unwrap_or("test").to_owned(),
            partition: 0,
        };
        let mut chain = Chain::new(store, key);
        let first = chain.head().await.unwrap().end;
        let end = first + i64::try_from(rows.len()).unwrap();
        let batch = batch(table, rows);
        chain
            .commit(first..end, Gaps::Refuse, |_| {
                let rows = batch.clone();
                let state = std::collections::BTreeMap::new();
                Ok::<_, Infallible>(NewLink { end, rows, state })
            })
            .await
            .unwrap();
    }

    /// Commits rows as a version with other columns would have: `other` makes its rows of today's.
    pub(super) async fn commit_as(
        &self,
        table: Table,
        rows: &[Value],
        other: impl Fn(&RecordBatch) -> RecordBatch,
    ) {
        self.commit(table, rows).await;
        let store = lake::open(&url(&self.folder)).unwrap();
        let links = store.list(table.name(), None).await.unwrap();
        let last = links.last().unwrap();
        let (rows, metadata) = lake::parquet::decode(store.read(last).await.unwrap()).unwrap();
        let link = lake::parquet::encode(&other(&rows), &metadata).unwrap();
        std::fs::write(self.folder.path().join(last.to_string()), link).unwrap();
    }

    pub(super) async fn run(&self, query: &str) -> Result<Answer, SqlError> {
        self.sql.run(query, Limits::default()).await
    }

    /// The rows of a query as JSON.
    pub(super) async fn rows(&self, query: &str) -> Vec<Value> {
        let answer = self
            .run(query)
            .await
            .unwrap_or_else(|e| panic!("{query}: {e}"));
        lines(&answer)
    }

    pub(super) async fn names(&self, query: &str) -> Vec<String> {
        let answer = self
            .run(query)
            .await
            .unwrap_or_else(|e| panic!("{query}: {e}"));
        answer.columns().into_iter().map(|c| c.name).collect()
    }

    pub(super) async fn error(&self, query: &str) -> SqlError {
        match self.run(query).await {
            Ok(answer) => panic!("{query} answered {:?}", lines(&answer)),
            Err(error) => error,
        }
    }
}

pub(super) fn lines(answer: &Answer) -> Vec<Value> {
    let bytes = Format::Ndjson
        .write(answer, std::time::Duration::ZERO, 6 << 20)
        .unwrap();
    let text = String::from_utf8(bytes).unwrap();
    text.lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

fn url(folder: &tempfile::TempDir) -> String {
    url::Url::from_directory_path(folder.path())
        .unwrap()
        .to_string()
}

/// Rows of a table from JSON objects; what an object does not name is null, or nothing where null is not allowed.
pub(super) fn batch(table: Table, rows: &[Value]) -> RecordBatch {
    let columns = table.columns().map(|column| -> ArrayRef {
        let values = || rows.iter().map(|row| &row[column.name]);
        let int = |v: &Value| v.as_i64().or(column.required.then_some(0));
        let text = |v: &Value| {
            let given = v.as_str().map(str::to_owned);
            given.or_else(|| column.required.then(String::new))
        };
        match column.kind {
            Kind::Text => Arc::new(values().map(text).collect::<StringArray>()),
            Kind::Bytes => {
                let values: Vec<_> = values().map(text).collect();
                let bytes = values.iter().map(|v| v.as_ref().map(String::as_bytes));
                Arc::new(bytes.collect::<BinaryArray>())
            }
            Kind::Int32 => {
                let values = values().map(|v| int(v).map(|n| i32::try_from(n).unwrap()));
                Arc::new(values.collect::<Int32Array>())
            }
            Kind::Int64 => Arc::new(values().map(int).collect::<Int64Array>()),
            Kind::Float64 => Arc::new(values().map(Value::as_f64).collect::<Float64Array>()),
            Kind::Decimal(precision) => {
                let values = values().map(|v| int(v).map(i128::from));
                let array = values.collect::<Decimal128Array>();
                Arc::new(array.with_precision_and_scale(precision, 2).unwrap())
            }
            Kind::Micros => {
                let array = values().map(int).collect::<TimestampMicrosecondArray>();
                Arc::new(array.with_timezone("UTC"))
            }
            Kind::Millis => {
                let array = values().map(int).collect::<TimestampMillisecondArray>();
                Arc::new(array.with_timezone("UTC"))
            }
        }
    });
    RecordBatch::try_new(table.schema(), columns.collect()).unwrap()
}
