//! Statements before any engine sees them: what one may do, where it is wrong, its identifiers without regard to case,
//! and what the columns of its answer are called. Pure: text in, a tree out.

mod error;
mod names;
mod parse;
mod size;
mod spelling;
mod tokens;

pub use error::StatementError;
pub use names::{Shown, distinct, name_columns};
pub use parse::{Parsed, parse};
pub use spelling::Spelling;
