//! What is sent: plans, drawn from a seed, of calls that come in bursts.

pub(super) mod games;
pub(super) mod purchases;
pub(super) mod stocks;

use std::{borrow::Cow, collections::VecDeque, fmt, sync::Arc};

use http::Method;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

/// One call of an API, and the event that it makes there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    /// GET, or POST with an empty JSON object.
    pub(super) method: Method,
    /// Path and query, percent-encoded.
    pub(super) path: String,
    /// The Host header; `None` for the API's own.
    pub(super) host: Option<String>,
    /// The `event_type` under which SQL finds it.
    pub(super) event_type: Cow<'static, str>,
}

/// A call that is sent several times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Burst {
    pub(super) call: Call,
    /// How often, at least once.
    pub(super) times: u32,
    /// How many of them may be on their way at once.
    pub(super) at_once: u32,
}

/// All that a command sends, in order: the same for the same seed.
pub(super) struct Plan {
    /// The number of calls in all bursts.
    pub(super) total: u64,
    bursts: Box<dyn Iterator<Item = Burst> + Send>,
    lanes: VecDeque<Lane>,
}

/// What one connection sends, call after call.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    pub(super) call: Arc<Call>,
    pub(super) times: u32,
}

impl Plan {
    /// A plan of the bursts that `bursts` gives, which it gives again when cloned.
    fn new(bursts: impl Iterator<Item = Burst> + Clone + Send + 'static) -> Self {
        let total = bursts.clone().map(|burst| u64::from(burst.times)).sum();
        Self::with_total(total, bursts)
    }

    /// A plan of bursts whose calls are known to be `total`.
    fn with_total(total: u64, bursts: impl Iterator<Item = Burst> + Send + 'static) -> Self {
        Self {
            total,
            bursts: Box::new(bursts),
            lanes: VecDeque::new(),
        }
    }

    /// The next lane: a burst's calls spread evenly over as many lanes as may be on their way at once.
    pub(super) fn next(&mut self) -> Option<Lane> {
        if self.lanes.is_empty() {
            let Burst {
                call,
                times,
                at_once,
            } = self.bursts.next()?;
            let call = Arc::new(call);
            let lanes = at_once.clamp(1, times.max(1));
            self.lanes.extend((0..lanes).map(|lane| Lane {
                call: Arc::clone(&call),
                times: times / lanes + u32::from(lane < times % lanes),
            }));
        }
        self.lanes.pop_front()
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

/// The one source of chance: of a stated generator, so that a seed means the same on every machine and version.
fn chance(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

#[cfg(test)]
mod tests;
