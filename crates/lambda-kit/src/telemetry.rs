//! Logs: one JSON object a line on standard output, where Lambda collects them; metrics stand between them, on Lambda
//! and on what acts as Lambda.
//!
//! Fields are chosen where they are logged; requests' headers and bodies never are.

use telemetry::trace::TraceError;
use thiserror::Error;
use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::invocation::function;

/// Here the runtime tells every error once more that an invocation failed by; a panic has told itself before.
const REPEATING: &str = "lambda_runtime::layers::panic";

/// Logs cannot be set up.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// `RUST_LOG` does not say what to log.
    #[error("RUST_LOG is no list of targets and levels")]
    Filter(#[from] ParseError),
    /// Something else receives this process's logs already.
    #[error("logs were set up before")]
    Installed(#[from] TryInitError),
    /// Something else receives this process's metrics already.
    #[error("metrics were set up before")]
    Metrics,
    /// Spans cannot be sent where the environment says.
    #[error(transparent)]
    Traces(#[from] TraceError),
}

/// Sets logs up for this process, at the levels that `RUST_LOG` asks for (default `info`), and metrics and traces where Lambda
/// says which function it is.
pub fn init() -> Result<(), TelemetryError> {
    let asked = std::env::var("RUST_LOG").ok().filter(|it| !it.is_empty());
    let asked = asked.as_deref().unwrap_or("info");
    let filter = |asked: &str| EnvFilter::try_new(format!("{REPEATING}=off,{asked}"));
    // What is wrong with it has to be logged, too.
    let (filter, wrong) = match filter(asked) {
        Ok(filter) => (filter, None),
        Err(wrong) => (filter("info")?, Some(wrong)),
    };
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_env_filter(filter)
        .with_writer(std::io::stdout)
        .finish()
        .try_init()?;
    if let Some(wrong) = wrong {
        return Err(wrong.into());
    }
    match function() {
        "" => Ok(()),
        name => {
            telemetry::emf::install(name).map_err(|_| TelemetryError::Metrics)?;
            Ok(telemetry::trace::install(name)?)
        }
    }
}
