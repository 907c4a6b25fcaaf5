//! SQL over the lake: one DataFusion session, its catalog, what a statement may do, the limits it runs under, and the shapes of its answers.
//!
//! A caller opens [`Sql`] once per process and runs any number of statements with it. Each one sees every link that
//! was committed before it started, is bounded in time, rows and memory, and can reach nothing but the lake's tables.

mod answer;
mod bounds;
mod bucket;
mod catalog;
mod error;
mod format;
mod functions;
mod joined;
mod letters;
mod limits;
mod links;
mod relation;
mod resident;
mod run;
mod session;
mod sums;
mod swaps;
mod threads;
mod views;

pub use answer::{Answer, Column, type_name};
pub use error::{OpenError, SqlError};
pub use format::{Format, FormatError, UnknownFormat, json_text, texts};
pub use limits::Limits;
pub use session::{Settings, Sql, TableColumn};
pub use threads::Runaway;

#[cfg(test)]
mod tests;
