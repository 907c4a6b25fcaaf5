//! Why a record cannot be decoded.

use thiserror::Error;

/// Why a record cannot be decoded, in words that stand as the `reason` in the table `dead_letter`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct Undecodable(String);

/// Reasons quote at most this much of the record; its bytes are kept beside them.
const QUOTED_CHARS: usize = 60;

impl Undecodable {
    /// A reason: lower case, no full stop.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// A reason about a text of the record, which it quotes in part.
    pub(crate) fn quoting(reason: &str, text: &str) -> Self {
        let shown: String = text
            .chars()
            .take(QUOTED_CHARS)
            .flat_map(char::escape_debug)
            .collect();
        let cut = if text.chars().nth(QUOTED_CHARS).is_some() {
            "…"
        } else {
            ""
        };
        Self(format!("{reason}: `{shown}{cut}`"))
    }
}

/// The first moment after the year 9999, in milliseconds.
const YEAR_10000: i64 = 253_402_300_800_000;

/// Whether a record bears a timestamp that calendars can show: it is its producer's to choose, and another one would
/// break every question about a table's times. -1 is Kafka's word for none.
pub fn check_timestamp(millis: i64) -> Result<(), Undecodable> {
    if (-1..YEAR_10000).contains(&millis) {
        Ok(())
    } else {
        Err(Undecodable::new(
            "the record's timestamp is not between 1970 and 9999",
        ))
    }
}
