//! What every function shares: configuration, telemetry, deadlines, HTTP and its problems, Kafka batches, and the loop
//! that serves invocations.

pub mod deadline;
pub mod env;
pub mod event;
mod host;
pub mod http;
pub mod invocation;
pub mod kafka;
mod metrics;
pub mod problem;
pub mod run;
pub mod telemetry;

pub use deadline::Deadline;
pub use env::{ConfigErrors, Env};
pub use event::{Answer, Event};
pub use invocation::{Given, Reply};
pub use lambda_runtime::Error;
pub use problem::Problem;
