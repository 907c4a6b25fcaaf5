//! The callers that wait for a child.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Callers that may wait for a child; more are throttled at once.
const QUEUE: usize = 1000;

/// A place in the queue; given back on drop.
pub(super) struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    /// A place, if there is one left.
    pub(super) fn take(waiting: &'a AtomicUsize) -> Option<Self> {
        let place = Self(waiting);
        // On refusal the drop of `place` takes back what was counted.
        (waiting.fetch_add(1, Ordering::SeqCst) < QUEUE).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
