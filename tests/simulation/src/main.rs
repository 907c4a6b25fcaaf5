//! `simulate`: many schedules with progress, or one of them, as a trace.

use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Parser;
use simulation::many::run_all;
use simulation::{Figures, Variant, run};

/// Simulates the commit chain, `archive` and `evaluate` under everything that can go wrong.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many schedules to run, one for each seed
    #[arg(long, default_value_t = 10_000)]
    schedules: u64,
    /// The first seed
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Runs the schedule of this seed alone
    #[arg(long)]
    seed: Option<u64>,
    /// Prints what happens in the schedule of --seed, event by event
    #[arg(long, requires = "seed")]
    trace: bool,
}

/// How often the progress is shown: on a terminal in place, in a log line by line.
const ON_TERMINAL: Duration = Duration::from_millis(500);
const IN_LOG: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.seed {
        Some(seed) => one(seed, arguments.trace),
        None => many(arguments.from, arguments.schedules),
    }
}

fn one(seed: u64, traced: bool) -> ExitCode {
    let outcome = run(seed, Variant::default(), traced);
    for event in &outcome.trace {
        say(event);
    }
    match outcome.violation {
        None => {
            say(&format!("seed {seed}: every invariant holds"));
            say(&figures(&outcome.figures));
            ExitCode::SUCCESS
        }
        Some(violation) => {
            say(&format!("seed {seed}: {violation}"));
            ExitCode::FAILURE
        }
    }
}

fn many(from: u64, count: u64) -> ExitCode {
    let start = Instant::now();
    let terminal = io::stderr().is_terminal();
    let interval = if terminal { ON_TERMINAL } else { IN_LOG };
    let shown = Mutex::new(start);
    let (total, failure) = run_all(from, count, Variant::default(), |so_far| {
        let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.elapsed() < interval {
            return;
        }
        *shown = Instant::now();
        let line = progress(so_far, count, start.elapsed());
        // Whoever looks on may go away; the schedules go on.
        let _ = match terminal {
            true => write!(io::stderr(), "\r\x1b[K{line}"),
            false => writeln!(io::stderr(), "{line}"),
        };
    });
    if terminal {
        let _ = write!(io::stderr(), "\r\x1b[K");
    }
    say(&progress(&total, count, start.elapsed()));
    say(&figures(&total));
    match failure {
        None => ExitCode::SUCCESS,
        Some(failure) => {
            let seed = failure.seed;
            say(&format!("seed {seed}: {}", failure.violation));
            say(&format!(
                "reproduce it with: make simulate SEED={seed} TRACE=1"
            ));
            ExitCode::FAILURE
        }
    }
}

fn progress(so_far: &Figures, count: u64, elapsed: Duration) -> String {
    let rate = so_far.schedules as f64 / elapsed.as_secs_f64().max(0.001);
    format!(
        "{} of {count} schedules, {rate:.0}/s: {} crashes, {} conflicts, {} zombies, {} repeats, {} faults, {} lost, {} doubled",
        so_far.schedules,
        so_far.crashes,
        so_far.conflicts_409 + so_far.conflicts_412,
        so_far.zombies,
        so_far.repeats,
        so_far.faults(),
        so_far.lost,
        so_far.doubled,
    )
}

/// Everything that was counted.
fn figures(total: &Figures) -> String {
    format!("{total:#?}")
        .replace(['{', '}', ','], "")
        .replace("Figures", "figures:")
        .replace('_', " ")
        .trim_end()
        .to_owned()
}

/// One line for people.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
