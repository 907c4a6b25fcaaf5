//! Lakes for tests: rows by table, committed as links.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use arrow::array::RecordBatch;
use lake::Table;
use serde_json::Value;

use super::rows;
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
        Self::open(Share::Shared(shared), Settings::default())
    }

    pub(super) fn alone() -> Self {
        Self::alone_with(Settings::default())
    }

    pub(super) fn alone_with(settings: Settings) -> Self {
        let alone = PROCESS.write().unwrap_or_else(PoisonError::into_inner);
        Self::open(Share::Alone(alone), settings)
    }

    fn open(share: Share, settings: Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sql = Sql::open(&url(&folder), settings).unwrap();
        Self {
            folder,
            sql,
            _share: share,
        }
    }

    /// Commits rows after those of the same table that are there.
    pub(super) async fn commit(&self, table: Table, rows: &[Value]) {
        let store = lake::open(&url(&self.folder)).unwrap();
        rows::commit(store, table, 0, rows).await;
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

    pub(super) fn path(&self) -> &std::path::Path {
        self.folder.path()
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
