//! Work in progress, polled when the schedule says so.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use lambda_kit::kafka::BatchResponse;

use crate::process::Warm;

/// What an invocation leaves behind.
pub(crate) struct Ended {
    /// What its process keeps.
    pub(crate) warm: Option<Warm>,
    pub(crate) outcome: Result<BatchResponse, String>,
}

/// An invocation to be run.
pub(crate) type Work = Pin<Box<dyn Future<Output = Ended>>>;

/// An invocation, and whether anything it waits for has come.
pub(crate) struct Task {
    work: Work,
    woken: Arc<Woken>,
    waker: Waker,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Task {
    pub(crate) fn new(work: Work) -> Self {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(woken.clone());
        Self { work, woken, waker }
    }

    pub(crate) fn is_woken(&self) -> bool {
        self.woken.0.load(Ordering::Relaxed)
    }

    /// Runs it up to the next thing that it waits for.
    pub(crate) fn poll(&mut self) -> Option<Ended> {
        self.woken.0.store(false, Ordering::Relaxed);
        match self
            .work
            .as_mut()
            .poll(&mut Context::from_waker(&self.waker))
        {
            Poll::Ready(ended) => Some(ended),
            Poll::Pending => None,
        }
    }
}
