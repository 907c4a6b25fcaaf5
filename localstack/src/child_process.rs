//! Child processes that cannot outlive this one: started, signalled, watched, and started again where that is wanted.

mod backoff;
mod output;
mod process;
mod service;
mod spawner;

pub(crate) use backoff::Failure;
pub(crate) use output::{last_words, output};
pub(crate) use process::{Process, end};
pub(crate) use service::{Service, ServiceError, ServiceSpec};
pub(crate) use spawner::Spawner;
