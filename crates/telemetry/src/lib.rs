//! What a function tells of itself beside its log: metrics in CloudWatch's embedded format, traces, errors in one line,
//! and the records that an invocation had to do with.
//!
//! Each crate names its metrics in its own `metrics.rs` and records them through the facade `metrics`; the names say
//! kind and unit (see [`emf`]), and `docs/metrics.md` says what they mean.

pub mod emf;
mod error;
pub mod trace;
pub mod work;

pub use emf::Emf;
pub use error::chain;
pub use work::Work;
