//! Schedules as they come: every invariant holds after each, and a seed is a schedule.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use simulation::many::run_all;
use simulation::{Figures, Invariant, Variant, run};

const SCHEDULES: u64 = 10_000;

#[test]
fn every_invariant_holds_after_every_schedule() {
    let (figures, failure) = run_all(0, SCHEDULES, Variant::default(), |_| {});
    if let Some(failure) = failure {
        panic!(
            "seed {seed}: {violation}\nreproduce it with: make simulate SEED={seed} TRACE=1",
            seed = failure.seed,
            violation = failure.violation
        );
    }
    assert_eq!(figures.schedules, SCHEDULES);
    let Figures {
        links,
        evaluations,
        crashes,
        cancelled,
        zombies,
        repeats,
        ahead,
        holes,
        moves,
        lost_commits,
        conflicts_412,
        conflicts_409,
        failed_before,
        failed_after,
        late,
        paged,
        edits,
        dropped,
        acceptances,
        accepted,
        gaps,
        late_letters,
        ..
    } = figures;
    let seen = [
        links,
        evaluations,
        crashes,
        cancelled,
        zombies,
        repeats,
        ahead,
        holes,
        moves,
        lost_commits,
        conflicts_412,
        conflicts_409,
        failed_before,
        failed_after,
        late,
        paged,
        edits,
        dropped,
        acceptances,
        accepted,
        gaps,
    ];
    assert!(
        seen.iter().all(|&count| count > 50),
        "something hardly ever happens: {figures:#?}"
    );
    // Rare, for retention, a crash or two versions must meet with a dead letter: see tests of `archive` for each alone.
    assert!(late_letters > 0, "{figures:#?}");
}

#[test]
fn a_seed_is_a_schedule() {
    for seed in 0..20 {
        let first = run(seed, Variant::default(), true);
        assert!(first.trace.len() > 10, "{:#?}", first.trace);
        let again = std::thread::spawn(move || run(seed, Variant::default(), true));
        assert_eq!(first, again.join().unwrap());
        let mut untraced = run(seed, Variant::default(), false);
        assert_eq!(untraced.trace, Vec::<String>::new());
        untraced.trace.clone_from(&first.trace);
        assert_eq!(first, untraced);
    }
}

#[test]
fn the_readme_has_every_invariant_by_its_name() {
    let readme = include_str!("../../../README.md");
    for invariant in Invariant::ALL {
        let name = format!("`{invariant}`");
        assert!(readme.contains(&name), "{name}");
    }
}
