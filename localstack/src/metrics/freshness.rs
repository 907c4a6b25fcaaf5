//! How fresh the tables are: the newest record that the functions said is in, and its age when someone asks.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use metrics::gauge;

use super::{embedded::Values, names::FRESHNESS};

/// The functions' name for it.
const NEWEST: &str = "lake_newest_record_timestamp_seconds";

/// Of the process, as its recorder is. Partitions and functions bring their records in any order: the newest counts.
static TABLES: Mutex<BTreeMap<String, f64>> = Mutex::new(BTreeMap::new());

pub(super) fn notice(name: &str, labels: &[(String, String)], values: &Values) {
    let table = labels.iter().find(|(key, _)| key == "table");
    if let (NEWEST, Some((_, table)), Values::One(newest)) = (name, table, values) {
        let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
        let known = tables.entry(table.clone()).or_insert(*newest);
        *known = known.max(*newest);
    }
}

pub(super) fn observe() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default().as_secs_f64();
    let tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
    for (table, newest) in tables.iter() {
        gauge!(FRESHNESS, "table" => table.clone()).set((now - newest).max(0.0));
    }
}
