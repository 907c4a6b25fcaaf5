//! What archive counts; `docs/metrics.md` has the table.

use std::time::{SystemTime, UNIX_EPOCH};

use lake::Table;
use lambda_kit::kafka::PartitionBatch;
use metrics::{counter, histogram};

use crate::partition::Archived;

/// Rows that were committed, by table.
const ROWS: &str = "archive_rows_total";
/// Records that could not be decoded and are rows of `dead_letter`, by the table that they were meant for.
const DEAD_LETTERS: &str = "archive_dead_letters_total";
/// How old a batch's oldest record was when the batch was in, by table.
const DELAY: &str = "archive_delay_seconds";

/// Counts dead letters that were put in, of records that were meant for `table`: at once, for the batch's own link may fail,
/// and then they are in already when it comes again.
pub(crate) fn buried(table: Table, dead_letters: usize) {
    counter!(DEAD_LETTERS, "table" => table.name()).increment(dead_letters as u64);
}

/// Counts a batch that is in.
pub(crate) fn archived(table: Table, batch: &PartitionBatch, archived: &Archived) {
    let Archived { rows, dead_letters } = *archived;
    let table = table.name();
    counter!(ROWS, "table" => table).increment(rows as u64);
    let oldest = batch.records.iter().map(|record| record.timestamp).min();
    // A batch that was in already says nothing new about how long records take.
    if let Some(oldest) = oldest.filter(|_| rows + dead_letters > 0) {
        let delay = (now_ms() - oldest).max(0) as f64 / 1000.0;
        histogram!(DELAY, "table" => table).record(delay);
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}
