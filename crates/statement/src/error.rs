//! Why a statement is refused before it is planned.

/// Why a statement may not run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// The text is no SQL.
    #[error("{message}")]
    Syntax {
        /// What was expected and what was found.
        message: String,
        /// Line of the place, from 1.
        line: u64,
        /// Column of the place in characters, from 1.
        column: u64,
    },
    /// Anything but a question.
    #[error("{what} is not allowed")]
    Forbidden {
        /// What the statement wanted to do.
        what: String,
    },
    /// The statement is too large.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What is.
        what: &'static str,
        /// The limit in bytes.
        limit: usize,
    },
}
