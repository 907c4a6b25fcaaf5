//! What was recorded of one series since it was last written.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use metrics::{CounterFn, GaugeFn, HistogramFn};

/// What a series had to tell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Taken {
    Count(u64),
    Value(f64),
    Values(Vec<f64>),
}

/// A counter: what was added.
#[derive(Debug, Default)]
pub(super) struct Added(AtomicU64);

impl Added {
    pub(super) fn take(&self) -> Option<Taken> {
        let added = self.0.swap(0, Ordering::Relaxed);
        (added > 0).then_some(Taken::Count(added))
    }
}

impl CounterFn for Added {
    fn increment(&self, value: u64) {
        self.0.fetch_add(value, Ordering::Relaxed);
    }

    fn absolute(&self, value: u64) {
        self.0.fetch_max(value, Ordering::Relaxed);
    }
}

/// A gauge: the value, and whether it was set since.
#[derive(Debug, Default)]
pub(super) struct Set(Mutex<(f64, bool)>);

impl Set {
    pub(super) fn take(&self) -> Option<Taken> {
        let mut state = self.state();
        let value = state.0;
        std::mem::take(&mut state.1).then_some(Taken::Value(value))
    }

    fn state(&self) -> MutexGuard<'_, (f64, bool)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(f64) -> f64) {
        let mut state = self.state();
        *state = (change(state.0), true);
    }
}

impl GaugeFn for Set {
    fn increment(&self, value: f64) {
        self.change(|before| before + value);
    }

    fn decrement(&self, value: f64) {
        self.change(|before| before - value);
    }

    fn set(&self, value: f64) {
        self.change(|_| value);
    }
}

/// A histogram: what was observed.
#[derive(Debug, Default)]
pub(super) struct Observed(Mutex<Vec<f64>>);

impl Observed {
    pub(super) fn take(&self) -> Option<Taken> {
        let values = std::mem::take(&mut *self.values());
        (!values.is_empty()).then_some(Taken::Values(values))
    }

    fn values(&self) -> MutexGuard<'_, Vec<f64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HistogramFn for Observed {
    fn record(&self, value: f64) {
        self.values().push(value);
    }
}
