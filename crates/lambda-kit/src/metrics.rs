//! What every function counts; `docs/metrics.md` has the table.

/// Answers to HTTP requests, by the class of their status (`2xx`).
pub(crate) const RESPONSES: &str = "http_responses_total";

/// Invocations that were not refused and failed all the same, by what became of them (`partial`, `failed`).
pub(crate) const FAILURES: &str = "invocation_failures_total";
