//! What is to be paid when nothing flows, and how not to.

use super::model::{Bill, HOURS_PER_MONTH};
use super::prices::Table;

/// The disk of a broker of one's own.
const DISK_GB: f64 = 20.0;

/// A service that costs while it waits.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Idle {
    pub(crate) service: &'static str,
    pub(crate) usd_per_month: f64,
    /// What makes it nothing.
    pub(crate) to_zero: &'static str,
}

/// The lines of a bill without a call or a statement that are not zero.
pub(crate) fn of(bill: &Bill) -> Vec<Idle> {
    let lines = bill.lines.iter().filter(|line| line.usd_per_month > 0.0);
    lines
        .map(|line| Idle {
            service: line.service,
            usd_per_month: line.usd_per_month,
            to_zero: to_zero(line.service),
        })
        .collect()
}

/// A small machine that is always on, and its disk.
pub(crate) fn own_broker_usd_per_month(prices: &Table) -> f64 {
    HOURS_PER_MONTH * prices.own_broker.usd + DISK_GB * prices.own_broker_storage.usd
}

fn to_zero(service: &str) -> &'static str {
    match service {
        "Kafka: the cluster" | "Kafka: partitions" => {
            "Delete the stack while it is not needed: the lake stays in its bucket (Athena, or the next stack with \
             LakeBucket, reads it), what had not been archived is lost, and the next cluster is a new LogEpoch. Or give the \
             template a broker of yours (Kafka=brokers)."
        }
        "Network endpoints" => {
            "They belong to the network of the cluster and go with it; functions outside of a network need none."
        }
        "Alarms" => "Delete them, and nobody is told.",
        "Dashboard" => "Delete it, and look at the metrics one by one.",
        "S3: a month's rows" => "Delete the rows, or have the bucket move them to a colder class.",
        _ => "Turn the two simulated exchanges off: Exchanges=off.",
    }
}
