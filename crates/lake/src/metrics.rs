//! What the lake counts, by table; `docs/metrics.md` says more.

/// Links that were created.
pub(crate) const COMMITS: &str = "lake_commits_total";
/// Links that another committer had created already: the answer was `exists`.
pub(crate) const CONFLICTS: &str = "lake_conflicts_total";
/// Requests that storage failed and that were, or will be, made again.
pub(crate) const RETRIES: &str = "lake_retries_total";
/// Batches that were refused because records before them are missing.
pub(crate) const GAPS: &str = "lake_gaps_total";
/// Batches that were refused because they are of another life of the log.
pub(crate) const OTHER_LOGS: &str = "lake_other_logs_total";
/// The broker's timestamp of the newest record that is in.
pub(crate) const NEWEST: &str = "lake_newest_record_timestamp_seconds";
