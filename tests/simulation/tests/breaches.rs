//! That the simulation finds bugs: the protocol broken in three ways, each found in few schedules.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use simulation::many::run_all;
use simulation::{Breach, Function, Invariant, Variant, run};

/// Within so many schedules each breach must be found.
const SCHEDULES: u64 = 1_000;

fn is_found(variant: Variant, invariants: &[Invariant]) {
    let (_, failure) = run_all(0, SCHEDULES, variant, |_| {});
    let failure = failure.unwrap_or_else(|| panic!("{variant:?} went unnoticed"));
    assert!(
        invariants.contains(&failure.violation.invariant),
        "{variant:?}: {}",
        failure.violation
    );
    let again = run(failure.seed, variant, true);
    assert_eq!(again.violation.as_ref(), Some(&failure.violation));
    assert!(again.trace.len() > 10, "{:#?}", again.trace);
}

#[test]
fn links_named_by_the_first_offset_are_found() {
    for only in [Function::Archive, Function::Evaluate, Function::Committer] {
        let variant = Variant {
            only: Some(only),
            breach: Some(Breach::NamedByFirstOffset),
        };
        is_found(
            variant,
            &[Invariant::LinksContiguous, Invariant::RowsExactlyOnce],
        );
    }
}

#[test]
fn exists_taken_for_done_is_found() {
    for only in [Function::Archive, Function::Evaluate, Function::Committer] {
        let variant = Variant {
            only: Some(only),
            breach: Some(Breach::ExistsIsDone),
        };
        let lost = [
            Invariant::LinksContiguous,
            Invariant::RowsExactlyOnce,
            Invariant::DeadLettersExactlyOnce,
            Invariant::EvaluationsAsUndisturbed,
            Invariant::CatchesUp,
            Invariant::DoneIsStored,
        ];
        is_found(variant, &lost);
    }
}

#[test]
fn a_gap_that_is_not_checked_is_found() {
    let variant = |breach| Variant {
        only: Some(Function::Committer),
        breach,
    };
    let lost = [Invariant::LinksContiguous, Invariant::RowsExactlyOnce];
    is_found(variant(Some(Breach::NoGapCheck)), &lost);
    let (_, failure) = run_all(0, SCHEDULES, variant(None), |_| {});
    assert_eq!(failure, None, "the chain that checks gaps is sound");
}
