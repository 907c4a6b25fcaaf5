//! Metrics in CloudWatch's embedded metric format: lines of JSON on standard output, one for each set of labels.
//!
//! A metric's name says what it is: `…_total` is a counter, written as what was added since the last time; one that is
//! written as an array is a histogram; anything else is a gauge, written when it was set. `_seconds` and `_bytes` (before
//! `_total`) are units, everything else is counted. Labels are dimensions, and the function's name is one of each.

mod document;
mod series;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SetRecorderError, SharedString,
    Unit,
};

use document::{Labels, Sample};
use series::{Added, Observed, Set};

/// The namespace of every metric of ours.
pub const NAMESPACE: &str = "Tidemill";

static INSTALLED: OnceLock<Emf> = OnceLock::new();

/// Keeps what is recorded until it is written.
#[derive(Debug)]
pub struct Emf {
    function: String,
    series: Mutex<BTreeMap<Labels, BTreeMap<String, Series>>>,
}

#[derive(Debug, Clone)]
enum Series {
    Counter(Arc<Added>),
    Gauge(Arc<Set>),
    Histogram(Arc<Observed>),
}

/// From now on whatever this process records is written by [`flush`], under the name of its function.
pub fn install(function: &str) -> Result<(), SetRecorderError<&'static Emf>> {
    metrics::set_global_recorder(INSTALLED.get_or_init(|| Emf::new(function)))
}

/// Writes what was recorded since the last time to standard output; nothing, if nothing is installed.
pub fn flush() -> io::Result<()> {
    match INSTALLED.get() {
        Some(emf) => emf.write(SystemTime::now(), io::stdout().lock()),
        None => Ok(()),
    }
}

impl Emf {
    /// A recorder for the metrics of `function`.
    pub fn new(function: impl Into<String>) -> Self {
        Self {
            function: function.into(),
            series: Mutex::default(),
        }
    }

    /// Writes what was recorded since the last time.
    pub fn write(&self, now: SystemTime, mut out: impl Write) -> io::Result<()> {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let mut lines = Vec::new();
        for (labels, series) in self.series().iter() {
            let samples: Vec<Sample> = series
                .iter()
                .filter_map(|(name, series)| Some(Sample::new(name, series.take()?)))
                .collect();
            for document in document::documents(at, &self.function, labels, samples) {
                serde_json::to_writer(&mut lines, &document)?;
                lines.push(b'\n');
            }
        }
        out.write_all(&lines)?;
        out.flush()
    }

    fn series(&self) -> MutexGuard<'_, BTreeMap<Labels, BTreeMap<String, Series>>> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The series of a key; `None` where the name is taken by another kind.
    fn find<T>(
        &self,
        key: &Key,
        new: fn() -> Series,
        of_kind: fn(&Series) -> Option<&Arc<T>>,
    ) -> Option<Arc<T>> {
        let labels: Labels = key
            .labels()
            .map(|label| (label.key().to_owned(), label.value().to_owned()))
            .collect();
        let mut series = self.series();
        let named = series.entry(labels).or_default();
        of_kind(named.entry(key.name().to_owned()).or_insert_with(new)).cloned()
    }
}

impl Series {
    fn take(&self) -> Option<series::Taken> {
        match self {
            Self::Counter(counter) => counter.take(),
            Self::Gauge(gauge) => gauge.take(),
            Self::Histogram(histogram) => histogram.take(),
        }
    }

    fn counter(&self) -> Option<&Arc<Added>> {
        match self {
            Self::Counter(counter) => Some(counter),
            _ => None,
        }
    }

    fn gauge(&self) -> Option<&Arc<Set>> {
        match self {
            Self::Gauge(gauge) => Some(gauge),
            _ => None,
        }
    }

    fn histogram(&self) -> Option<&Arc<Observed>> {
        match self {
            Self::Histogram(histogram) => Some(histogram),
            _ => None,
        }
    }
}

impl Recorder for Emf {
    // Units are in the names, and what a metric means is in docs/metrics.md.
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.find(key, || Series::Counter(Arc::default()), Series::counter)
            .map_or_else(Counter::noop, Counter::from_arc)
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.find(key, || Series::Gauge(Arc::default()), Series::gauge)
            .map_or_else(Gauge::noop, Gauge::from_arc)
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.find(key, || Series::Histogram(Arc::default()), Series::histogram)
            .map_or_else(Histogram::noop, Histogram::from_arc)
    }
}
