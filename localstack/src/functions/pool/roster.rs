//! The children that live: seen from outside from their start to their end, given back, stopped together.

use std::{sync::Arc, time::Duration};

use tracing::warn;

use super::Pool;
use crate::{
    child_process::{Process, end},
    functions::child::Child,
};

impl Pool {
    /// Makes the child seen from outside until it has ended.
    pub(super) fn enrol(self: &Arc<Self>, child: &Child) {
        let (pid, mut ended) = (child.process.pid, child.process.ended());
        let stopping = {
            let mut state = self.state();
            state.alive.insert(pid, child.process.clone());
            state.stopping
        };
        self.publish_pids();
        if stopping {
            // `stop` has passed already: this child came too late.
            let process = child.process.clone();
            tokio::spawn(process.stop(Duration::ZERO));
        }
        // Not a strong reference: children must not keep the pool alive, or dropping it would not kill them.
        let pool = Arc::downgrade(self);
        tokio::spawn(async move {
            let reason = end(&mut ended).await;
            let Some(pool) = pool.upgrade() else { return };
            let unexpected = {
                let mut state = pool.state();
                state.alive.remove(&pid);
                let idle = state.idle.len();
                state.idle.retain(|child| child.process.pid != pid);
                idle != state.idle.len() && !state.stopping
            };
            if unexpected {
                warn!(target: "function", "{}: child {pid} ended while idle: {reason}; it is replaced when needed", pool.name);
            }
            pool.publish_pids();
        });
    }

    fn publish_pids(&self) {
        // Read under the sender's lock, so that the last state published is the last state.
        self.host.pids.send_modify(|pids| {
            let alive = self.state().alive.keys().copied().collect();
            pids.insert(self.name.clone(), alive);
        });
    }

    pub(super) fn put_back(&self, child: Child) {
        let mut state = self.state();
        // While the pool stops as well: dropped, a child would be killed before SIGTERM has ended it.
        if child.is_alive() {
            state.idle.push(child);
        }
    }

    pub(in crate::functions) async fn stop(&self, grace: Duration) {
        self.permits.close();
        let alive: Vec<Process> = {
            let mut state = self.state();
            state.stopping = true;
            state.alive.values().cloned().collect()
        };
        futures::future::join_all(alive.into_iter().map(|process| process.stop(grace))).await;
        self.state().idle.clear();
    }
}
