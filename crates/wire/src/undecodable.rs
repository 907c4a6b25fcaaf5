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
