//! The command line of `tidemill`.

mod accept_gap;
mod csv;
mod lambda;
mod load;
mod log;
mod replay;
mod report;
mod running;
mod site;
mod sql;

use std::{
    env,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::runtime::{Builder, Runtime};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::{format::Writer, time::FormatTime};

use crate::up;

/// Open files that this process asks for.
const MOST_FILES: u64 = 65_536;

const TIME_OF_DAY: &str = "%H:%M:%S";

/// A serverless event pipeline on one machine.
#[derive(Debug, Parser)]
#[command(
    name = "tidemill",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const FOR_FUNCTIONS: &str = "\
Variables that functions read, from the environment alone:
  QUOTES             where prices come from: `simulated`, or a chart API's URL [template.yaml: simulated]
  MAX_AHEAD_SECONDS  how far a tick may be ahead of its record's timestamp [template.yaml: 3600]
  INVESTORS          numbers of the investors to evaluate, as `1,3` [default: all]
  RUST_LOG           what functions log: `error`, `warn`, `info`, `debug` [template.yaml: info]
  AWS_…, OTEL_EXPORTER_OTLP_…  as AWS's SDK and OpenTelemetry have them";

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts the whole system that template.yaml declares; Ctrl-C stops it
    #[command(after_help = FOR_FUNCTIONS)]
    Up(up::Settings),
    /// Writes one CSV per portfolio, as the running system's lake has them
    Csv(csv::Settings),
    /// Sends load as the generators of the systems replaced did, and counts it
    Load(load::Settings),
    /// Writes the analytics report as one HTML file that needs nothing else
    Report(report::Settings),
    /// Puts records into their tables again: dead letters after a fix, or a whole topic
    Replay(replay::Settings),
    /// Records that records are lost, and lets the tables that miss them go on
    AcceptGap(accept_gap::Settings),
}

/// Why a command ended before its time.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Up(#[from] up::UpError),
    #[error(transparent)]
    Csv(#[from] csv::CsvError),
    #[error(transparent)]
    Load(#[from] load::LoadError),
    #[error(transparent)]
    Report(#[from] report::ReportError),
    #[error(transparent)]
    Replay(#[from] replay::ReplayError),
    #[error(transparent)]
    AcceptGap(#[from] accept_gap::AcceptGapError),
    #[error("the async runtime does not start")]
    Runtime(#[source] io::Error),
}

/// Reads the arguments and runs; bad arguments end the process with 2.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr();
    allow_files();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say_to(io::stderr(), &format!("tidemill: {}", one_line(&failure)));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    let runtime: Runtime = Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::Runtime)?;
    match command {
        Command::Up(settings) => runtime.block_on(up::run(settings))?,
        Command::Csv(settings) => runtime.block_on(csv::run(settings))?,
        Command::Load(settings) => runtime.block_on(load::run(settings))?,
        Command::Report(settings) => runtime.block_on(report::run(settings))?,
        Command::Replay(settings) => runtime.block_on(replay::run(settings))?,
        Command::AcceptGap(settings) => runtime.block_on(accept_gap::run(settings))?,
    }
    // Tasks that hang must not keep the process: what had to be awaited has been.
    runtime.shutdown_background();
    Ok(())
}

/// Connections are files. The usual limit of 1024 is kept low for programs that use `select`; this one does not.
fn allow_files() {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return;
    };
    let wanted = hard.min(MOST_FILES);
    if soft < wanted
        && let Err(errno) = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)
    {
        tracing::debug!(soft, %errno, "limit of open files stays as it is");
    }
}

/// One line to standard output, for people and for scripts that wait for `ready`.
pub(crate) fn say(line: &str) {
    say_to(io::stdout(), line);
}

/// One line about what happens while the system runs, with its time as every line of the log has it.
pub(crate) fn announce(line: &str) {
    say(&format!(
        "{} {line}",
        chrono::Local::now().format(TIME_OF_DAY)
    ));
}

/// A reader that went away (`make run | head`) is no reason to stop, and `println!` would panic.
pub(crate) fn say_to(mut output: impl Write, line: &str) {
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}

/// An error with its causes, on one line.
fn one_line(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        // Some libraries repeat their cause in their own text.
        if !line.contains(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        cause = next.source();
    }
    line.replace('\n', " ")
}

/// The time of day, as a person at the terminal has it.
struct WallClock;

impl FormatTime for WallClock {
    fn format_time(&self, line: &mut Writer<'_>) -> std::fmt::Result {
        write!(line, "{}", chrono::Local::now().format(TIME_OF_DAY))
    }
}

fn log_to_stderr() {
    let asked = env::var("RUST_LOG").ok().filter(|asked| !asked.is_empty());
    let asked = asked.as_deref().unwrap_or("info");
    // Where it looked for credentials in vain is no news to who is told that there are none.
    let filter = EnvFilter::try_new(format!("aws_config=error,{asked}"))
        .unwrap_or_else(|_| EnvFilter::new("aws_config=error,info"));
    tracing_subscriber::fmt()
        .compact()
        .with_env_filter(filter)
        .with_target(false)
        .with_timer(WallClock)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .log_internal_errors(false)
        .init();
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_error_is_one_line_with_its_causes_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] io::Error);
        assert_eq!(
            one_line(&Outer(io::Error::other("in\nner"))),
            "outer: in ner"
        );
    }
}
