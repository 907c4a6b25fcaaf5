//! The bounds of one statement: time, rows and memory.

use std::time::Duration;

/// Rows of an answer when the caller asks for no other number.
const DEFAULT_ROWS: usize = 10_000;
/// The most rows that any answer has.
const MOST_ROWS: usize = 100_000;

/// What one statement may take. Past the rows an answer is cut and says so; past the others it is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Wall time from the call to the last row.
    pub timeout: Duration,
    /// Rows of the answer.
    pub rows: usize,
    /// Bytes that operators may hold, and that the answer's rows may have.
    pub memory: usize,
}

impl Limits {
    /// The most rows that [`Limits::rows`] may ask for.
    pub const MOST_ROWS: usize = MOST_ROWS;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            rows: DEFAULT_ROWS,
            memory: 256 << 20,
        }
    }
}
