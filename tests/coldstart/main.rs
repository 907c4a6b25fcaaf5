//! Cold starts of the packaged functions: from the start of the process to its first answer, in what Lambda would give to
//! it, against the budgets.
//!
//! `coldstart FOLDER [FUNCTION…]` measures the packages that were unpacked into FOLDER, each in a folder of its function's
//! name; `make coldstart` makes them first. STARTS says how often each is started, 20 times unless set.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod cases;
mod events;
mod group;
mod start;
mod table;

use std::path::Path;
use std::process::ExitCode;

use cases::{Case, World};
use group::Group;
use table::{Measured, print};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        // cargo adds it to what it runs as a benchmark.
        .filter(|argument| *argument != "--bench")
        .collect();
    match arguments.as_slice() {
        [group::ENTER, rest @ ..] => group::enter(rest),
        [folder, functions @ ..] => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime
                .unwrap()
                .block_on(measure(Path::new(folder), functions))
        }
        [] => {
            println!("usage: coldstart FOLDER [FUNCTION…]");
            ExitCode::from(2)
        }
    }
}

async fn measure(folder: &Path, functions: &[&str]) -> ExitCode {
    let starts = std::env::var("STARTS").ok().filter(|text| !text.is_empty());
    let starts: i64 = starts.map_or(20, |text| text.parse().expect("STARTS is a number"));
    let group = Group::make();
    let world = World::new(folder);
    if functions.is_empty() || functions.contains(&"query") {
        world.fill(&group).await;
    }
    let mut rows = Vec::new();
    let is_asked = |case: &Case| functions.is_empty() || functions.contains(&case.function);
    for case in cases::all().into_iter().filter(is_asked) {
        let mut measured = Measured::default();
        for number in 0..starts {
            start::forget(&world.program(case.function));
            measured.cold.push(world.start(&case, number, &group).await);
        }
        for number in starts..2 * starts {
            measured.warm.push(world.start(&case, number, &group).await);
        }
        rows.push((case, measured));
    }
    println!("{group}; {starts} starts each, times in ms");
    if print(&rows) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
