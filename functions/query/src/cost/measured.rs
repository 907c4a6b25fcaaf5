//! What `make measure` measured, with the machine and the build that it measured.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

const FILE: &str = include_str!("measured.json");

/// What one function takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Function {
    /// Milliseconds of an invocation that has nothing to do.
    pub(crate) ms_per_invocation: f64,
    /// Milliseconds that each record adds.
    pub(crate) ms_per_event: f64,
    /// Bytes of its log, metrics among them.
    pub(crate) log_bytes_per_invocation: f64,
    /// The most memory that a process had.
    pub(crate) peak_mib: f64,
}

/// What all of them take.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Functions {
    pub(crate) stocks: Function,
    pub(crate) games: Function,
    pub(crate) exchange: Function,
    pub(crate) evaluate: Function,
    pub(crate) archive: Function,
    pub(crate) query: Function,
}

/// The file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Measured {
    pub(crate) command: String,
    pub(crate) date: String,
    pub(crate) machine: String,
    pub(crate) build: String,
    pub(crate) functions: Functions,
    /// Bytes of an event's value and key, in the middle of both APIs.
    pub(crate) kafka_bytes_per_event: f64,
    pub(crate) kafka_bytes_per_tick: f64,
    pub(crate) kafka_bytes_per_evaluation: f64,
    /// Bytes of a row in links of full batches.
    pub(crate) parquet_bytes_per_event: f64,
    /// Bytes of a link beside its rows.
    pub(crate) parquet_bytes_per_link: f64,
    /// Bytes of an answer of either API, its headers among them.
    pub(crate) answer_bytes_per_call: f64,
    /// Metrics with their dimensions that the functions write.
    pub(crate) metric_series: u32,
}

static MEASURED: LazyLock<Measured> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a file of ours, which a test reads")]
    serde_json::from_str(FILE).expect("what was measured can be read")
});

impl Measured {
    pub(crate) fn get() -> &'static Self {
        &MEASURED
    }
}
