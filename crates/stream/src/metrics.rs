//! What publishers count; `docs/metrics.md` has the table.

/// Records that the broker acknowledged, by topic.
pub(crate) const PUBLISHED: &str = "stream_published_records_total";
/// The bytes of their values, by topic.
pub(crate) const PUBLISHED_BYTES: &str = "stream_published_bytes_total";
/// Records that were not acknowledged, by topic.
pub(crate) const UNACKNOWLEDGED: &str = "stream_unacknowledged_records_total";
/// Producers that met a fatal error and were made anew.
pub(crate) const PRODUCERS_REPLACED: &str = "stream_replaced_producers_total";
