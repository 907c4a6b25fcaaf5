//! What the host counts, as Lambda and its Kafka triggers would; `docs/metrics.md` says more, here and in `/metrics`.

pub(crate) const INVOCATIONS: &str = "function_invocations_total";
pub(crate) const ERRORS: &str = "function_errors_total";
pub(crate) const THROTTLES: &str = "function_throttles_total";
pub(crate) const DURATION: &str = "function_duration_seconds";
pub(crate) const STARTS: &str = "function_child_starts_total";
pub(crate) const EXITS: &str = "function_child_exits_total";
pub(crate) const CHILDREN: &str = "function_children";
pub(crate) const WAITING: &str = "function_waiting_invocations";
pub(crate) const BATCHES: &str = "trigger_batches_total";
pub(crate) const RETRIES: &str = "trigger_retries_total";
pub(crate) const GIVEN_UP: &str = "trigger_given_up_records_total";
pub(crate) const LOST: &str = "trigger_lost_records_total";
pub(crate) const LAG: &str = "trigger_lag_records";
pub(crate) const UNREAD_AGE: &str = "trigger_oldest_unread_age_seconds";
pub(crate) const FRESHNESS: &str = "lake_freshness_seconds";
