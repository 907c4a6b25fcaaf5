//! The local stack: serves on one machine exactly what template.yaml declares for AWS.

mod asynchronous;
pub mod broker;
mod child_process;
pub mod cli;
pub mod clock;
pub mod functions;
pub mod gateway;
pub mod invoke_api;
pub mod lake;
mod loopback;
pub mod metrics;
mod outage;
pub mod room;
pub mod scheduler;
pub mod template;
pub mod trigger;
pub mod up;
