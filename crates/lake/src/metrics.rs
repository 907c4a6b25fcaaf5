//! What the lake counts, by table; `docs/metrics.md` says more.

/// Links that were created.
pub const COMMITS: &str = "lake_commits_total";
/// Links that another committer had created already: the answer was `exists`.
pub const CONFLICTS: &str = "lake_conflicts_total";
/// Requests that storage failed and that were, or will be, made again.
pub const RETRIES: &str = "lake_retries_total";
/// Batches that were refused because records before them are missing.
pub const GAPS: &str = "lake_gaps_total";
/// Batches that were refused because they are of another life of the log.
pub const OTHER_LOGS: &str = "lake_other_logs_total";
/// The broker's timestamp of the newest record that is in.
pub const NEWEST: &str = "lake_newest_record_timestamp_seconds";
