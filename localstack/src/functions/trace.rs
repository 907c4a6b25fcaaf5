//! X-Ray trace ids, as AWS stamps them on requests and invocations.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use uuid::Uuid;

/// The root of a trace: `1-{8 hex digits of epoch seconds}-{24 hex digits}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceId(String);

impl TraceId {
    /// A new root that begins at `now`.
    pub fn new(now: SystemTime) -> Self {
        let seconds = now
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let random = Uuid::new_v4().as_u128() & ((1 << 96) - 1);
        Self(format!("1-{:08x}-{random:024x}", seconds & 0xffff_ffff))
    }

    /// The root named in an `X-Amzn-Trace-Id` header, if it names a well-formed one.
    pub fn from_header(value: &str) -> Option<Self> {
        let root = value
            .split(';')
            .find_map(|field| field.trim().strip_prefix("Root="))?;
        let mut parts = root.split('-');
        let hex = |part: Option<&str>, length| {
            part.is_some_and(|part| {
                part.len() == length && part.bytes().all(|b| b.is_ascii_hexdigit())
            })
        };
        let well_formed = parts.next() == Some("1")
            && hex(parts.next(), 8)
            && hex(parts.next(), 24)
            && parts.next().is_none();
        well_formed.then(|| Self(root.to_owned()))
    }

    /// The header of a request at the front door: the root alone.
    pub fn root_header(&self) -> String {
        format!("Root={}", self.0)
    }

    /// The header of an invocation: the root, a new parent segment, not sampled.
    pub fn invocation_header(&self) -> String {
        let parent = Uuid::new_v4().as_u64_pair().0;
        format!("Root={};Parent={parent:016x};Sampled=0", self.0)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_root_is_found_again_in_its_own_headers() {
        let trace = TraceId::new(SystemTime::now());
        assert_eq!(
            TraceId::from_header(&trace.root_header()),
            Some(trace.clone())
        );
        assert_eq!(
            TraceId::from_header(&trace.invocation_header()),
            Some(trace)
        );
    }

    #[test]
    fn what_is_no_trace_is_not_taken_for_one() {
        for bad in [
            "",
            "Root=",
            "Root=1-2-3",
            "Root=1-5759e988-bd862e3fe1be46a994272793-x",
            "Self=1-5759e988-bd862e3fe1be46a994272793",
            "Root=1-5759e988-bd862e3fe1be46a99427279\u{e9}",
        ] {
            assert_eq!(TraceId::from_header(bad), None, "{bad}");
        }
    }
}
