//! What is asked anew with each scrape, because nobody tells when it changes.

use std::sync::{Mutex, OnceLock, PoisonError};

use futures::future::join_all;
use metrics::gauge;

use super::{
    freshness,
    names::{CHILDREN, WAITING},
};
use crate::{functions::Functions, trigger::Probe};

/// Who is asked.
#[derive(Default)]
pub(crate) struct Watched {
    functions: OnceLock<Functions>,
    triggers: Mutex<Vec<Probe>>,
}

impl Watched {
    /// From now on these functions are asked.
    pub(crate) fn functions(&self, functions: Functions) {
        self.functions.get_or_init(|| functions);
    }

    /// From now on these triggers are asked.
    pub(crate) fn triggers(&self, probes: impl IntoIterator<Item = Probe>) {
        self.probes().extend(probes);
    }

    pub(super) async fn observe(&self) {
        for load in self.functions.get().into_iter().flat_map(Functions::load) {
            gauge!(WAITING, "function" => load.function.clone()).set(load.waiting as f64);
            gauge!(CHILDREN, "function" => load.function).set(load.children as f64);
        }
        freshness::observe();
        let probes = self.probes().clone();
        join_all(probes.iter().map(Probe::observe)).await;
    }

    fn probes(&self) -> std::sync::MutexGuard<'_, Vec<Probe>> {
        self.triggers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
