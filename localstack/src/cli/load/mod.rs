//! `tidemill load`: the generators of the systems replaced, exact to the call, fit for a load test.

mod connection;
mod drive;
mod latency;
mod plan;
mod progress;
mod settings;
mod tally;
mod target;

use std::{io, sync::Arc, time::Duration};

use clap::CommandFactory as _;
use tokio::signal::unix::{SignalKind, signal};

pub(super) use settings::Settings;

use super::{Cli, running::NotFound, say};
use connection::{Connection, Unreachable};
use drive::{Driven, Patience, drive};
use plan::{Plan, games, purchases, stocks};
use progress::{Progress, per_second};
use settings::{Games, Generator, Sending};
use target::Target;

/// Why a load was not sent, or not as it was wished.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error(transparent)]
    NotFound(#[from] NotFound),
    #[error("`{0}` is no address of an API: http://HOST:PORT or https://HOST are")]
    Address(String),
    #[error("no HTTP client")]
    Client(#[from] reqwest::Error),
    #[error("nothing was sent; is the system running?")]
    Unreachable(#[source] Unreachable),
    #[error("the API went away after {sent} of {total} requests")]
    WentAway {
        sent: u64,
        total: u64,
        source: Unreachable,
    },
    #[error("{failed} of {sent} requests failed")]
    Failed { failed: u64, sent: u64 },
    #[error("{} must be given", .0.join(", "))]
    Missing(Vec<&'static str>),
    #[error("Ctrl-C cannot be listened for")]
    Signals(#[source] io::Error),
}

/// Sends what was asked for; the table is printed even where that fails on the way.
pub(super) async fn run(settings: Settings) -> Result<(), LoadError> {
    match settings.generator {
        Generator::Stocks { runs, sending } => {
            let seed = sending.seed();
            send(stocks::plan(runs, seed), seed, "stocks", sending).await
        }
        Generator::Purchases { runs, sending } => {
            let seed = sending.seed();
            send(purchases::plan(runs, seed), seed, "games", sending).await
        }
        Generator::Games(Games { wish, sending }) => match wish.complete() {
            Ok(wish) => {
                let seed = sending.seed();
                send(games::plan(wish, seed), seed, "games", sending).await
            }
            Err(missing) => {
                help("games");
                Err(LoadError::Missing(missing))
            }
        },
    }
}

async fn send(plan: Plan, seed: u64, api: &'static str, sending: Sending) -> Result<(), LoadError> {
    let target = Arc::new(Target::find(&sending.running, api)?);
    let total = plan.total;
    // More connections than calls would only be idle.
    let count = usize::from(sending.concurrency).min(usize::try_from(total).unwrap_or(usize::MAX));
    let mut connections = (0..count)
        .map(|_| Connection::new(Arc::clone(&target)))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(first) = connections.first_mut() {
        first.connect().await.map_err(LoadError::Unreachable)?;
    }
    let progress = Arc::new(Progress::default());
    let driven = tokio::select! {
        driven = drive(plan, connections, Arc::clone(&progress), Patience::default(), stop()?) => driven,
        never = progress.show(total) => match never {},
    };
    report(driven, total, count, seed)
}

/// Ctrl-C, or SIGTERM.
fn stop() -> Result<impl Future<Output = ()>, LoadError> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(LoadError::Signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(LoadError::Signals)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

fn report(driven: Driven, total: u64, connections: usize, seed: u64) -> Result<(), LoadError> {
    let Driven {
        tally,
        took,
        interrupted,
        unreachable,
    } = driven;
    let (sent, failed) = (tally.sent(), tally.failed());
    say(tally.to_string().trim_end());
    let stopped = if interrupted && sent < total {
        format!("stopped after {sent} of {total}: ")
    } else {
        String::new()
    };
    say(&format!(
        "{stopped}{sent} requests in {:.1} s, {} a second, over {connections} connections; --seed {seed} sends the same",
        Duration::as_secs_f64(&took),
        per_second(sent, took),
    ));
    let latency = tally.latency.to_string();
    if !latency.is_empty() {
        say(&latency);
    }
    match unreachable {
        Some(source) => Err(LoadError::WentAway {
            sent,
            total,
            source,
        }),
        None if failed > 0 => Err(LoadError::Failed { failed, sent }),
        None => Ok(()),
    }
}

/// The help of one generator, as `--help` prints it.
fn help(generator: &str) {
    let mut cli = Cli::command();
    cli.build();
    let generator = cli
        .find_subcommand_mut("load")
        .and_then(|load| load.find_subcommand_mut(generator));
    if let Some(generator) = generator {
        say(&generator.render_help().to_string());
    }
}
