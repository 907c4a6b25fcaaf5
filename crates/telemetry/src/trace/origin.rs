//! Where work comes from: W3C trace context in the headers of requests and records.

use std::collections::HashMap;

use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;

use super::is_on;

/// As many as a span may have links.
const MOST: usize = 128;

/// The spans that caused a piece of work, each once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Origins(pub(super) Vec<SpanContext>);

impl Origins {
    /// The origins in the headers of requests or records, one after the other; none if there are no spans. What is not
    /// well-formed is none.
    pub fn of<'a, H>(carriers: impl IntoIterator<Item = H>) -> Self
    where
        H: IntoIterator<Item = (&'a str, &'a [u8])>,
    {
        let mut origins = Vec::new();
        if !is_on() {
            return Self(origins);
        }
        for carrier in carriers {
            if origins.len() == MOST {
                break;
            }
            let found = read(carrier).filter(|found| !origins.contains(found));
            origins.extend(found);
        }
        Self(origins)
    }
}

/// The context in one request's or record's headers.
fn read<'a>(headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Option<SpanContext> {
    let carrier = Carrier::of(headers);
    carrier.traceparent?;
    let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &carrier);
    let found = context.span().span_context().clone();
    found.is_valid().then_some(found)
}

/// The headers that carry the running span on: of a record that is published, for example. None if there is no span.
pub fn headers() -> Vec<(String, String)> {
    if !is_on() {
        return Vec::new();
    }
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Context::current(), &mut carrier);
    carrier.retain(|_, value| !value.is_empty());
    carrier.into_iter().collect()
}

/// The two headers of W3C's trace context.
#[derive(Default)]
struct Carrier<'a> {
    traceparent: Option<&'a str>,
    tracestate: Option<&'a str>,
}

impl<'a> Carrier<'a> {
    fn of(headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut carrier = Self::default();
        for (name, value) in headers {
            let place = match name {
                name if name.eq_ignore_ascii_case("traceparent") => &mut carrier.traceparent,
                name if name.eq_ignore_ascii_case("tracestate") => &mut carrier.tracestate,
                _ => continue,
            };
            *place = std::str::from_utf8(value).ok();
        }
        carrier
    }
}

impl Extractor for Carrier<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => self.traceparent,
            "tracestate" => self.tracestate,
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_well_formed_context_is_an_origin_and_anything_else_is_none() {
        let good: &[u8] = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let found = read([("other", &b"x"[..]), ("Traceparent", good)]).unwrap();
        assert_eq!(
            (found.trace_id().to_string(), found.span_id().to_string()),
            (
                "0af7651916cd43dd8448eb211c80319c".to_owned(),
                "b7ad6b7169203331".to_owned()
            )
        );
        assert!(found.is_remote() && found.is_sampled());
        let bad: [&[u8]; 6] = [
            b"",
            b"\xff\xfe",
            b"00-00000000000000000000000000000000-b7ad6b7169203331-01",
            b"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            b"'; DROP TABLE spans; --",
        ];
        for bad in bad {
            assert_eq!(read([("traceparent", bad)]), None);
        }
        assert_eq!(read([]), None);
    }
}
