//! `tidemill up`: the whole system, started in order and stopped in order.

mod brim;
mod data;
mod epochs;
mod health;
mod kafka_settings;
mod lake_settings;
mod listeners;
mod ports;
mod replace;
mod run_file;
mod settings;
mod signals;
mod start;
mod stop;
mod stores;
mod urls;

use std::{io, path::PathBuf};

pub use data::DataError;
pub use epochs::{EpochError, NotesError};
pub use health::HealthError;
pub use ports::PortError;
pub use settings::Settings;

pub(crate) use replace::replace_file;
pub(crate) use run_file::RunFile;
pub(crate) use signals::Signals;

use crate::{
    broker::BrokerError,
    cli::{announce, say},
    functions::HostError,
    lake::LakeError,
    scheduler::ExpressionError,
    template::TemplateError,
    trigger::TriggerError,
};

/// Why the system does not run, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// There is no template.
    #[error("there is no template at {}: run in the workspace's folder, or name the file with --template", path.display())]
    NoTemplate {
        /// Where it was looked for.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The template is not right.
    #[error("{} cannot be used", path.display())]
    Template {
        /// The file.
        path: PathBuf,
        /// Why.
        source: TemplateError,
    },
    /// The data folder.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A port.
    #[error(transparent)]
    Port(#[from] PortError),
    /// Settings that say how a Kafka is reached.
    #[error("{0}")]
    Kafka(String),
    /// The broker.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The log's life.
    #[error(transparent)]
    Epoch(#[from] EpochError),
    /// The lake.
    #[error(transparent)]
    Lake(#[from] LakeError),
    /// The functions.
    #[error(transparent)]
    Functions(#[from] HostError),
    /// The recorder of metrics.
    #[error("metrics cannot be kept")]
    Metrics(#[source] metrics_exporter_prometheus::BuildError),
    /// A trigger.
    #[error("a trigger of function `{function}` does not start")]
    Trigger {
        /// The function.
        function: String,
        /// Why.
        source: TriggerError,
    },
    /// A schedule.
    #[error("a schedule of the template cannot be used")]
    Schedule(#[from] ExpressionError),
    /// A function that serves an API does not get well.
    #[error(transparent)]
    Health(#[from] HealthError),
    /// run.json.
    #[error("{} cannot be written", path.display())]
    RunFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Ctrl-C could not be listened to.
    #[error("signals cannot be listened to")]
    Signals(#[source] io::Error),
    /// A listener broke while the system ran.
    #[error("a listener broke down; everything was stopped")]
    Server(#[source] io::Error),
    /// A second Ctrl-C.
    #[error("stopped at once; what triggers had not handed over yet was left behind")]
    AtOnce,
}

/// Runs the system until Ctrl-C or SIGTERM; a second one stops it at once.
pub async fn run(settings: Settings) -> Result<(), UpError> {
    let mut signals = Signals::listen().map_err(UpError::Signals)?;
    // Dropping what has been started so far stops it.
    let mut system = tokio::select! {
        biased;
        () = signals.next() => {
            announce("stopped before it was ready");
            return Ok(());
        }
        system = start::start(&settings) => system?,
    };
    // The table and `ready` are for scripts, too, and have no time.
    for line in system.table() {
        say(&line);
    }
    say("ready");
    let broken = tokio::select! {
        () = signals.next() => None,
        broken = system.broken() => Some(broken),
    };
    announce("stopping; once more Ctrl-C stops at once");
    tokio::select! {
        biased;
        () = signals.next() => return Err(UpError::AtOnce),
        () = stop::stop(system) => {}
    }
    announce("stopped");
    broken.map_or(Ok(()), |broken| Err(UpError::Server(broken)))
}
