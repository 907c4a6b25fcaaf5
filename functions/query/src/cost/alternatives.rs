//! What others would ask for the same: from the broker (or instead of it) to rows that SQL can read.
//!
//! No HTTP API stands before any of them, so Tidemill's own intake is left out as well.

use super::measured::Measured;
use super::model::{Bill, HOURS_PER_MONTH, Load, SECONDS_PER_MONTH, Stage};
use super::prices::Table;

const GB: f64 = 1e9;
const KB: f64 = 1000.0;
/// What Firehose rounds each record up to.
const FIREHOSE_STEP_BYTES: f64 = 5.0 * KB;
/// What Athena scans at least.
const ATHENA_LEAST_BYTES: f64 = 10e6;
/// A statement reads an hour's rows of one topic.
const STATEMENT_SECONDS: f64 = 3600.0;
const TOPICS: f64 = 2.0;
/// Files of a sink: one a minute and partition.
const SINK_FILES_PER_SECOND: f64 = 1.0 / 60.0;
/// What one unit of MSK Connect turns from JSON into Parquet.
const MCU_BYTES_PER_SECOND: f64 = 5e6;
/// What one node of four processors does, and the fewest nodes beside the primary one.
const NODE_EVENTS_PER_SECOND: f64 = 25_000.0;
const FEWEST_NODES: f64 = 2.0;

/// A way to the same rows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Alternative {
    pub(crate) name: &'static str,
    pub(crate) usd_per_month: f64,
    /// What of it is to be paid when nothing flows and nobody asks.
    pub(crate) idle_usd_per_month: f64,
    /// What it is made of, and what it does not do.
    pub(crate) means: &'static str,
}

/// Ours first. `bill` makes the bill of a load.
pub(crate) fn all(
    load: Load,
    measured: &Measured,
    prices: &Table,
    bill: impl Fn(Load) -> Bill,
) -> Vec<Alternative> {
    let load = Load {
        exchanges: false,
        ..load
    };
    let idle = Load {
        events_per_second: 0.0,
        statements_per_day: 0.0,
        ..load
    };
    let both = |ask: &dyn Fn(Load) -> f64| (ask(load), ask(idle));
    let own = |load| bill(load).usd_per_month_of(&[Stage::Pipeline, Stage::Reading]);
    let kafka = |load| bill(load).kafka_usd_per_month();
    let ways: [(&str, (f64, f64), &str); 4] = [
        (
            "Tidemill",
            both(&own),
            "MSK, archive, S3 and the function query; each record once, SQL two seconds after its batch",
        ),
        (
            "Firehose and Athena",
            both(&|load| firehose_usd(load, measured, prices)),
            "Direct PUT, made Parquet, Athena; no broker and so no replay, a record may come twice, minutes until a row is there",
        ),
        (
            "MSK Connect with an S3 sink",
            both(&|load| kafka(load) + connect_usd(load, measured, prices)),
            "MSK, workers that never stop, S3, Athena; schemas and dead letters are yours to add",
        ),
        (
            "A Spark cluster that never sleeps",
            both(&|load| kafka(load) + spark_usd(load, measured, prices)),
            "MSK, EMR on m5.xlarge: one primary and at least two nodes; SQL on the same nodes",
        ),
    ];
    ways.into_iter()
        .map(
            |(name, (usd_per_month, idle_usd_per_month), means)| Alternative {
                name,
                usd_per_month,
                idle_usd_per_month,
                means,
            },
        )
        .collect()
}

fn events(load: Load) -> f64 {
    load.events_per_second * SECONDS_PER_MONTH
}

fn rows_usd(load: Load, measured: &Measured, prices: &Table) -> f64 {
    events(load) * measured.parquet_bytes_per_event / GB * prices.s3_storage.usd
}

fn athena_usd(load: Load, measured: &Measured, prices: &Table) -> f64 {
    let rows = load.events_per_second / TOPICS * STATEMENT_SECONDS;
    let bytes = (rows * measured.parquet_bytes_per_event).max(ATHENA_LEAST_BYTES);
    let statements = load.statements_per_day * HOURS_PER_MONTH / 24.0;
    statements * bytes / (1000.0 * GB) * prices.athena.usd
}

fn firehose_usd(load: Load, measured: &Measured, prices: &Table) -> f64 {
    let steps = (measured.kafka_bytes_per_event / FIREHOSE_STEP_BYTES).ceil();
    let gb = events(load) * steps * FIREHOSE_STEP_BYTES / GB;
    gb * (prices.firehose_ingestion.usd + prices.firehose_conversion.usd)
        + rows_usd(load, measured, prices)
        + athena_usd(load, measured, prices)
}

fn connect_usd(load: Load, measured: &Measured, prices: &Table) -> f64 {
    let bytes_per_second = load.events_per_second * measured.kafka_bytes_per_event;
    let units = (bytes_per_second / MCU_BYTES_PER_SECOND).ceil().max(1.0);
    let flows = if load.events_per_second > 0.0 {
        1.0
    } else {
        0.0
    };
    let files = 3.0 * TOPICS * SINK_FILES_PER_SECOND * SECONDS_PER_MONTH * flows;
    units * HOURS_PER_MONTH * prices.msk_connect.usd
        + files / 1000.0 * prices.s3_put.usd
        + rows_usd(load, measured, prices)
        + athena_usd(load, measured, prices)
}

fn spark_usd(load: Load, measured: &Measured, prices: &Table) -> f64 {
    let nodes = (load.events_per_second / NODE_EVENTS_PER_SECOND)
        .ceil()
        .max(FEWEST_NODES);
    let hour = prices.ec2_node.usd + prices.emr_node.usd;
    (nodes + 1.0) * HOURS_PER_MONTH * hour + rows_usd(load, measured, prices)
}
