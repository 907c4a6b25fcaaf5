//! What clients have sent, and what of it was acknowledged.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

/// The tables in which an event is known by an id that its client made, with the column that has it.
pub(crate) const IDENTIFIED: [(&str, &str); 4] = [
    ("stock_call", "\"User-Agent\""),
    ("stock_operation", "\"User-Agent\""),
    ("events", "\"User-Agent\""),
    ("game_events", "userid"),
];

/// Ticks that were asked of an exchange: known by their times, which no other burst has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Burst {
    /// Microseconds since 1970 of the first one.
    pub(crate) first: i64,
    /// The same of the moment after the last one.
    pub(crate) end: i64,
    /// How many were asked for.
    pub(crate) ticks: u32,
    /// Whether all of them were acknowledged.
    pub(crate) acknowledged: bool,
}

/// Everything that was sent.
#[derive(Default)]
pub(crate) struct Ledger {
    /// By table and id, whether the event was acknowledged.
    events: Mutex<BTreeMap<&'static str, BTreeMap<String, bool>>>,
    bursts: Mutex<Vec<Burst>>,
}

impl Ledger {
    /// An event goes out; its id has never been used.
    pub(crate) fn sent(&self, table: &'static str, id: &str) {
        let mut events = self.events();
        let before = events
            .entry(table)
            .or_default()
            .insert(id.to_owned(), false);
        assert_eq!(before, None, "{id} is not new");
    }

    /// The event's client was told that it is stored.
    pub(crate) fn acknowledged(&self, table: &'static str, id: &str) {
        *self.events().get_mut(table).unwrap().get_mut(id).unwrap() = true;
    }

    /// The ids that were sent to a table, each with whether it was acknowledged.
    pub(crate) fn of(&self, table: &str) -> BTreeMap<String, bool> {
        self.events().get(table).cloned().unwrap_or_default()
    }

    /// A burst goes out; its number is for `burst_acknowledged`.
    pub(crate) fn burst_sent(&self, burst: Burst) -> usize {
        let mut bursts = self.bursts.lock().unwrap();
        assert!(bursts.last().is_none_or(|last| last.end <= burst.first));
        bursts.push(burst);
        bursts.len() - 1
    }

    /// The exchange said that all of them are stored.
    pub(crate) fn burst_acknowledged(&self, number: usize) {
        self.bursts.lock().unwrap()[number].acknowledged = true;
    }

    /// Every burst, in the order of time.
    pub(crate) fn bursts(&self) -> Vec<Burst> {
        self.bursts.lock().unwrap().clone()
    }

    /// How many events were sent and acknowledged, for people.
    pub(crate) fn progress(&self) -> String {
        let events = self.events();
        let ids = events.values().flat_map(BTreeMap::values);
        let (mut sent, mut acknowledged) = (0, 0);
        for known in ids {
            sent += 1;
            acknowledged += u64::from(*known);
        }
        for burst in self.bursts() {
            sent += u64::from(burst.ticks);
            acknowledged += u64::from(burst.ticks) * u64::from(burst.acknowledged);
        }
        format!("events sent {sent}, acknowledged {acknowledged}")
    }

    fn events(&self) -> MutexGuard<'_, BTreeMap<&'static str, BTreeMap<String, bool>>> {
        self.events.lock().unwrap()
    }
}
