//! A span that is about to begin.

use std::borrow::Cow;

use opentelemetry::trace::{Link, SpanBuilder, SpanContext, SpanKind, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_sdk::trace::SdkTracer;

use super::Origins;

/// What a span is called and where it belongs.
#[derive(Debug)]
pub struct Start {
    builder: SpanBuilder,
    parent: Context,
    links: Vec<SpanContext>,
    attributes: Vec<KeyValue>,
}

impl Start {
    /// A span within the running one.
    pub fn new(name: impl Into<Cow<'static, str>>, kind: SpanKind) -> Self {
        Self {
            builder: SpanBuilder::from_name(name).with_kind(kind),
            parent: Context::current(),
            links: Vec::new(),
            attributes: Vec::new(),
        }
    }

    /// A span that these caused: it goes on with their trace if they are of one, and is linked to every one of them. If
    /// they are of several, none of them is its parent.
    #[must_use]
    pub fn caused_by(mut self, origins: Origins) -> Self {
        if let Some(first) = origins.0.first()
            && origins.0.iter().all(|it| it.trace_id() == first.trace_id())
        {
            self.parent = Context::new().with_remote_span_context(first.clone());
        }
        self.linked(origins)
    }

    /// A span within the running one that has to do with these.
    #[must_use]
    pub fn linked(mut self, origins: Origins) -> Self {
        self.links.extend(origins.0);
        self
    }

    /// Adds an attribute.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        self.attributes.push(KeyValue::new(key, value));
        self
    }

    /// Begins the span; the context is what its work runs in.
    pub(super) fn begin(self, tracer: &SdkTracer) -> Context {
        let links = self.links.into_iter().map(Link::with_context).collect();
        let builder = self
            .builder
            .with_attributes(self.attributes)
            .with_links(links);
        let span = tracer.build_with_context(builder, &self.parent);
        self.parent.with_span(span)
    }
}
