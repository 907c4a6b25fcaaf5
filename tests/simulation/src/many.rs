//! Many schedules, over all cores.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::{Figures, Variant, Violation, run};

/// A seed whose schedule broke an invariant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What did not hold.
    pub violation: Violation,
}

/// Runs the schedules of `count` seeds from `first` on, until one fails; the failure is the one with the lowest seed
/// among those found. `progress` is shown the numbers so far, now and then.
pub fn run_all(
    first: u64,
    count: u64,
    variant: Variant,
    progress: impl Fn(&Figures) + Sync,
) -> (Figures, Option<Failure>) {
    let next = AtomicU64::new(first);
    let failed = AtomicBool::new(false);
    let total = Mutex::new((Figures::default(), None::<Failure>));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed - first >= count {
                        break;
                    }
                    let outcome = run(seed, variant, false);
                    let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                    total.0 += outcome.figures;
                    if let Some(violation) = outcome.violation {
                        failed.store(true, Ordering::Relaxed);
                        if total.1.as_ref().is_none_or(|before| seed < before.seed) {
                            total.1 = Some(Failure { seed, violation });
                        }
                    }
                    progress(&total.0);
                }
            });
        }
    });
    total.into_inner().unwrap_or_else(PoisonError::into_inner)
}
