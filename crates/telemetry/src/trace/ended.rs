//! The spans that have ended and were not sent yet.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

/// An invocation may have this many spans, as many as OpenTelemetry's own queues hold; further ones are dropped.
const MOST: usize = 2048;

/// Keeps spans until the invocation sends them: no thread and no timer, which a frozen function would not have.
#[derive(Debug, Clone, Default)]
pub(super) struct Ended(Arc<Mutex<Vec<SpanData>>>);

impl Ended {
    pub(super) fn take(&self) -> Vec<SpanData> {
        std::mem::take(&mut *self.spans())
    }

    fn spans(&self) -> MutexGuard<'_, Vec<SpanData>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SpanProcessor for Ended {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        let mut spans = self.spans();
        // A span that is not sampled is none.
        if span.span_context.is_sampled() && spans.len() < MOST {
            spans.push(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
