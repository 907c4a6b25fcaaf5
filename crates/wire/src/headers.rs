//! Request headers as they stand in events.

use std::collections::BTreeMap;

/// The headers of a request that go into its event, by canonical name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventHeaders(BTreeMap<String, String>);

const FORBIDDEN: [&str; 7] = [
    "authorization",
    "baggage",
    "cookie",
    "proxy-authorization",
    "traceparent",
    "tracestate",
    "x-api-key",
];
const FORBIDDEN_PREFIXES: [&str; 2] = ["x-amz-", "x-forwarded-"];

/// Names whose canonical spelling is not each word capitalised.
const SPELLED: [(&str, &str); 6] = [
    ("dnt", "DNT"),
    ("etag", "ETag"),
    ("te", "TE"),
    ("www-authenticate", "WWW-Authenticate"),
    ("sec-websocket-key", "Sec-WebSocket-Key"),
    ("sec-websocket-version", "Sec-WebSocket-Version"),
];

/// Takes a request's headers, names in any case, over into an event: names in their canonical spelling
/// (`User-Agent`), values of one name joined by `, ` in their order, and those that carry secrets or that
/// infrastructure added left out (`Authorization`, `Cookie`, `Proxy-Authorization`, `X-Api-Key`, `X-Amz-*`,
/// `X-Forwarded-*`), and those of traces (`Traceparent`, `Tracestate`, `Baggage`), which go on in the record's headers.
pub fn event_headers<'a, V: AsRef<str>>(
    headers: impl Iterator<Item = (&'a str, V)>,
) -> EventHeaders {
    let mut kept: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let lower = name.trim().to_ascii_lowercase();
        let forbidden = FORBIDDEN.contains(&lower.as_str())
            || FORBIDDEN_PREFIXES
                .iter()
                .any(|prefix| lower.starts_with(prefix));
        if lower.is_empty() || forbidden {
            continue;
        }
        kept.entry(canonical(&lower))
            .and_modify(|joined| {
                joined.push_str(", ");
                joined.push_str(value.as_ref());
            })
            .or_insert_with(|| value.as_ref().to_owned());
    }
    EventHeaders(kept)
}

fn canonical(lower: &str) -> String {
    if let Some((_, spelled)) = SPELLED.iter().find(|(name, _)| *name == lower) {
        return (*spelled).to_owned();
    }
    let mut word_starts = true;
    let capitalise = |c: char| {
        let spelled = if word_starts {
            c.to_ascii_uppercase()
        } else {
            c
        };
        word_starts = c == '-';
        spelled
    };
    lower.chars().map(capitalise).collect()
}

impl EventHeaders {
    /// The headers, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of a header, by its canonical name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelled_canonically_and_repeated_ones_joined() {
        let headers = [
            ("user-agent", "curl/8.5"),
            ("ACCEPT", "text/html"),
            ("x-trace-id", "7"),
            ("accept", "*/*"),
            ("dnt", "1"),
            ("host", "user7.comcast.com"),
        ];
        let kept = event_headers(headers.into_iter());
        let shown: Vec<String> = kept
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        assert_eq!(
            shown,
            [
                "Accept: text/html, */*",
                "DNT: 1",
                "Host: user7.comcast.com",
                "User-Agent: curl/8.5",
                "X-Trace-Id: 7"
            ]
        );
        assert_eq!(kept.get("User-Agent"), Some("curl/8.5"));
    }

    #[test]
    fn secrets_and_what_infrastructure_adds_never_get_in() {
        let names = [
            "Authorization",
            "COOKIE",
            "proxy-authorization",
            "X-Api-Key",
            "x-amz-date",
            "X-Amz-Security-Token",
            "x-forwarded-for",
            "X-Forwarded-Proto",
            " cookie ",
            "traceparent",
            "Tracestate",
            "baggage",
        ];
        let kept = event_headers(names.into_iter().map(|name| (name, "secret")));
        assert_eq!(kept, EventHeaders::default());
    }
}
