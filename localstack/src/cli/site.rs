//! The running system for commands that read its logs and call its functions.

use clap::Args;

use super::{
    lambda::{Lambda, LambdaError},
    log::{LogError, Logs},
    running::{NotFound, Running},
};

/// Where the system is, and its brokers.
#[derive(Debug, Args)]
pub(super) struct Site {
    /// The brokers, host:port,... [default: the running system's, from run.json]
    #[arg(long)]
    kafka: Option<String>,
    #[command(flatten)]
    pub(super) running: Running,
}

/// Why the system cannot be reached.
#[derive(Debug, thiserror::Error)]
pub(super) enum SiteError {
    #[error(transparent)]
    NotFound(#[from] NotFound),
    #[error(transparent)]
    Lambda(#[from] LambdaError),
    #[error(transparent)]
    Log(#[from] LogError),
}

impl Site {
    /// Its functions and its logs; nothing is asked yet.
    pub(super) fn open(&self) -> Result<(Lambda, Logs), SiteError> {
        let brokers = match &self.kafka {
            Some(brokers) => brokers.clone(),
            None => self.running.brokers()?,
        };
        Ok((Lambda::of(&self.running)?, Logs::of(&brokers)?))
    }
}
