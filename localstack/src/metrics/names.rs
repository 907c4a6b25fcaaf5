//! What the host counts, as Lambda and its Kafka triggers would; `docs/metrics.md` says more.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

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

/// Gives the recorder a sentence for each.
pub(super) fn describe() {
    let counters = [
        (INVOCATIONS, "invocations that a child took"),
        (
            ERRORS,
            "invocations that failed: an error, a crash, out of time",
        ),
        (
            THROTTLES,
            "invocations refused because every child was busy",
        ),
        (STARTS, "children that started"),
        (
            EXITS,
            "children that ended while the stack ran; they are replaced when needed",
        ),
        (BATCHES, "batches handed over, by what became of them"),
        (RETRIES, "batches handed over again"),
        (GIVEN_UP, "records given up after the trigger's last try"),
        (
            LOST,
            "records that the broker dropped before they were read",
        ),
    ];
    for (name, text) in counters {
        describe_counter!(name, Unit::Count, text);
    }
    let gauges = [
        (CHILDREN, Unit::Count, "children that live"),
        (WAITING, Unit::Count, "invocations that wait for a child"),
        (
            LAG,
            Unit::Count,
            "records of a partition that are not done; NaN while the broker does not say",
        ),
        (
            UNREAD_AGE,
            Unit::Seconds,
            "age of the oldest record that was read and is not done",
        ),
        (
            FRESHNESS,
            Unit::Seconds,
            "age of the newest record of a table",
        ),
    ];
    for (name, unit, text) in gauges {
        describe_gauge!(name, unit, text);
    }
    describe_histogram!(
        DURATION,
        Unit::Seconds,
        "from the event's hand-over to the answer"
    );
}
