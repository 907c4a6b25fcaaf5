//! A deterministic simulation of the commit chain, `archive` and `evaluate`.
//!
//! The real code runs unchanged over a simulated broker, store, clock and scheduler. Everything that can happen next is
//! a choice, and one seed makes them all: the same seed is the same schedule, on every machine
//! (`docs/adr/0007-deterministic-simulation.md`). After each schedule the [`Invariant`]s are checked.

mod breach;
mod chains;
mod chaos;
mod check;
mod committer;
mod dice;
mod figures;
mod invariants;
mod log;
mod network;
mod objects;
mod plan;
mod ports;
mod process;
mod reference;
mod schedule;
mod standing;
mod task;
mod trigger;
mod words;
mod world;

pub mod many;

pub use breach::Breach;
pub use figures::Figures;
pub use invariants::{Invariant, Violation};
pub use process::Function;

use network::Shared;
use schedule::Schedule;

/// Which schedules to run, beside the seed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Variant {
    /// The one function that is triggered; what the seed says, if none.
    pub only: Option<Function>,
    /// How the commit protocol is broken, if at all.
    pub breach: Option<Breach>,
}

/// What a schedule came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its numbers.
    pub figures: Figures,
    /// The first invariant that did not hold.
    pub violation: Option<Violation>,
    /// What happened, event by event, if that was asked for.
    pub trace: Vec<String>,
}

/// Runs the schedule of `seed`, and notes what happens if it shall be `traced`.
pub fn run(seed: u64, variant: Variant, traced: bool) -> Outcome {
    let world = Shared::default();
    {
        let mut world = world.lock();
        world.objects = reference::first_holdings();
        world.trace = traced.then(Vec::new);
    }
    let mut schedule = Schedule::new(seed, variant.only, variant.breach, world.clone());
    let caught_up = schedule.run();
    let violation = check::check(&schedule, caught_up).err();
    drop(schedule);
    let mut world = world.lock();
    world.figures.schedules = 1;
    Outcome {
        figures: world.figures,
        violation,
        trace: world.trace.take().unwrap_or_default(),
    }
}
