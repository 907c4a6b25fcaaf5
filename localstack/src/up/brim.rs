//! Keeps the embedded broker from dropping what no function has got yet: it takes no records while too many wait.
//!
//! Its partitions hold at most 5 MiB or 100 000 batches and drop the oldest silently, acknowledged or not. A broker that
//! is full says so, and its producers try again or tell their callers.

use std::{collections::BTreeSet, time::Duration};

use tokio::task::JoinHandle;
use tracing::debug;

use crate::{
    broker::{Valve, Watermarks},
    cli::announce,
    trigger::{Gauge, Waiting},
};

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(250);
/// Nothing more is taken when this waits in one partition: half of what it holds, for more comes between two looks.
const FULL: Waiting = Waiting {
    records: 50_000,
    bytes: 5 * 1024 * 1024 / 2,
};
/// Records are taken again when no more than this part of it waits.
const RELIEVED: u64 = 4;

/// Looks on until it is dropped.
#[derive(Debug)]
pub(super) struct Brim {
    task: JoinHandle<()>,
}

impl Brim {
    /// Watches what `gauges` have before them, and turns `valve`.
    pub(super) fn watch(valve: Valve, watermarks: Watermarks, gauges: Vec<Gauge>) -> Self {
        let task = tokio::spawn(watch(valve, watermarks, gauges));
        Self { task }
    }
}

impl Drop for Brim {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn watch(valve: Valve, watermarks: Watermarks, gauges: Vec<Gauge>) {
    let partitions: BTreeSet<_> = gauges.iter().flat_map(Gauge::partitions).cloned().collect();
    let partitions: Vec<_> = partitions.into_iter().collect();
    let mut full = false;
    loop {
        tokio::time::sleep(LOOK).await;
        let ends = match watermarks.read(&partitions).await {
            Ok(ends) => ends,
            Err(reason) => {
                debug!(%reason, "ends of the embedded broker's partitions unknown");
                continue;
            }
        };
        let ends = partitions.iter().zip(&ends);
        let share = ends
            .flat_map(|(partition, end)| {
                let waiting = gauges
                    .iter()
                    .filter_map(|it| it.waiting(partition, end.high));
                waiting.map(share_of).collect::<Vec<_>>()
            })
            .max()
            .unwrap_or_default();
        let now = if full {
            share > 100 / RELIEVED
        } else {
            share >= 100
        };
        if now != full {
            full = now;
            valve.close(full);
            announce(if full {
                "the embedded broker is full: it takes no records until functions have read more of those it has"
            } else {
                "the embedded broker takes records again"
            });
        }
    }
}

/// How much of what may wait does, in percent.
fn share_of(waiting: Waiting) -> u64 {
    let records = waiting.records.saturating_mul(100) / FULL.records;
    let bytes = waiting.bytes.saturating_mul(100) / FULL.bytes;
    records.max(bytes)
}
