//! What evaluate counts; `docs/metrics.md` has the table.

use chrono::{DateTime, Utc};
use metrics::{counter, histogram};

use crate::link::Report;

/// Ticks that counted.
const TICKS: &str = "evaluate_ticks_total";
/// Of these, the ones that came too late for their window.
const LATE_TICKS: &str = "evaluate_late_ticks_total";
/// Records that are no ticks.
const UNDECODABLE: &str = "evaluate_undecodable_records_total";
/// Windows that closed.
const WINDOWS: &str = "evaluate_windows_total";
/// How long after a window's end, by its event time, its evaluations were published.
const WINDOW_DELAY: &str = "evaluate_window_delay_seconds";
/// Evaluations that were committed.
const EVALUATIONS: &str = "evaluate_evaluations_total";
/// Evaluations whose publishing the broker acknowledged; repeats count again.
const PUBLISHED: &str = "evaluate_published_evaluations_total";
/// Portfolios that a batch's windows could not evaluate.
const NOT_EVALUATED: &str = "evaluate_not_evaluated_portfolios_total";

/// Counts what a batch brought into the chain.
pub(crate) fn committed(report: &Report) {
    let counts = [
        (TICKS, report.ticks),
        (LATE_TICKS, report.late),
        (UNDECODABLE, report.undecodable),
        (WINDOWS, report.windows.len()),
        (EVALUATIONS, report.evaluations),
        (NOT_EVALUATED, report.not_evaluated.len()),
    ];
    for (metric, count) in counts {
        counter!(metric).increment(count as u64);
    }
}

/// Counts evaluations that are published, of these windows among others.
pub(crate) fn published(evaluations: usize, windows: &[DateTime<Utc>]) {
    counter!(PUBLISHED).increment(evaluations as u64);
    let now = Utc::now();
    for end in windows {
        // Ticks may run ahead of the clock, within a bound; their windows close before their time.
        let delay = (now - *end).num_milliseconds().max(0) as f64 / 1000.0;
        histogram!(WINDOW_DELAY).record(delay);
    }
}
