//! A request as a function sees it: HTTP API payload format 2.0.

use std::{collections::BTreeMap, net::SocketAddr};

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use http::{HeaderMap, header, request::Parts};
use serde_json::{Map, Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::Matched;
use crate::functions::{ACCOUNT, TraceId};

/// Headers that are no part of the event: those between two neighbours on the way, and cookies, which have a field.
const LEFT_OUT: [&str; 9] = [
    "connection",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "cookie",
];

/// One request on its way to a function.
pub(super) struct Call<'a> {
    pub(super) head: &'a Parts,
    pub(super) body: &'a [u8],
    pub(super) matched: &'a Matched,
    pub(super) api: &'a str,
    pub(super) peer: SocketAddr,
    pub(super) id: Uuid,
    pub(super) trace: &'a TraceId,
}

impl Call<'_> {
    /// The event; `now` is the time of the request.
    pub(super) fn to_event(&self, now: DateTime<Utc>) -> Value {
        let path = self.head.uri.path();
        let query = self.head.uri.query().unwrap_or_default();
        let mut event = json!({
            "version": "2.0",
            "routeKey": self.matched.key,
            "rawPath": path,
            "rawQueryString": query,
            "headers": self.headers(),
            "requestContext": self.context(path, now),
        });
        if let Value::Object(event) = &mut event {
            self.add_optional(event, query);
        }
        event
    }

    /// The fields that API Gateway leaves out where they would be empty.
    fn add_optional(&self, event: &mut Map<String, Value>, query: &str) {
        let cookies = cookies(&self.head.headers);
        if !cookies.is_empty() {
            event.insert("cookies".to_owned(), json!(cookies));
        }
        let query = query_parameters(query);
        if !query.is_empty() {
            event.insert("queryStringParameters".to_owned(), json!(query));
        }
        if !self.matched.parameters.is_empty() {
            event.insert("pathParameters".to_owned(), json!(self.matched.parameters));
        }
        let text = text(&self.head.headers, self.body);
        event.insert("isBase64Encoded".to_owned(), json!(text.is_none()));
        if !self.body.is_empty() {
            let body = text.map_or_else(|| STANDARD.encode(self.body), str::to_owned);
            event.insert("body".to_owned(), Value::String(body));
        }
    }

    fn headers(&self) -> BTreeMap<String, String> {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in &self.head.headers {
            if LEFT_OUT.contains(&name.as_str()) {
                continue;
            }
            append(
                &mut headers,
                name.as_str(),
                &String::from_utf8_lossy(value.as_bytes()),
                ",",
            );
        }
        if !self.body.is_empty() {
            headers.insert(
                header::CONTENT_LENGTH.to_string(),
                self.body.len().to_string(),
            );
        }
        append(
            &mut headers,
            "x-forwarded-for",
            &self.peer.ip().to_string(),
            ", ",
        );
        headers.insert("x-forwarded-port".to_owned(), self.port());
        headers.insert("x-forwarded-proto".to_owned(), "http".to_owned());
        headers.insert("x-amzn-trace-id".to_owned(), self.trace.root_header());
        headers
    }

    fn context(&self, path: &str, now: DateTime<Utc>) -> Value {
        let domain = self.domain();
        let agent = self.head.headers.get(header::USER_AGENT);
        json!({
            "accountId": ACCOUNT,
            "apiId": self.api,
            "domainName": domain,
            "domainPrefix": domain.split('.').next(),
            "http": {
                "method": self.head.method.as_str(),
                "path": path,
                "protocol": format!("{:?}", self.head.version),
                "sourceIp": self.peer.ip().to_string(),
                "userAgent": agent.map_or_else(String::new, |agent| String::from_utf8_lossy(agent.as_bytes()).into_owned()),
            },
            "requestId": self.id.to_string(),
            "routeKey": self.matched.key,
            "stage": "$default",
            "time": now.format("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now.timestamp_millis(),
        })
    }

    fn host(&self) -> &str {
        self.head
            .headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or("localhost")
    }

    /// The host without its port; a bare IPv6 address keeps its colons.
    fn domain(&self) -> &str {
        match self.host().rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            Some(_) | None => self.host(),
        }
    }

    fn port(&self) -> String {
        match self.host().rsplit_once(':') {
            Some((_, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => {
                port.to_owned()
            }
            Some(_) | None => "80".to_owned(),
        }
    }
}

fn append(map: &mut BTreeMap<String, String>, name: &str, value: &str, separator: &str) {
    map.entry(name.to_owned())
        .and_modify(|all| {
            all.push_str(separator);
            all.push_str(value);
        })
        .or_insert_with(|| value.to_owned());
}

fn cookies(headers: &HeaderMap) -> Vec<String> {
    let all = headers.get_all(header::COOKIE).iter();
    let texts: Vec<_> = all
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    texts
        .iter()
        .flat_map(|text| text.split(';'))
        .map(|one| one.trim().to_owned())
        .filter(|one| !one.is_empty())
        .collect()
}

fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        append(&mut parameters, &name, &value, ",");
    }
    parameters
}

/// The body as text, if API Gateway would pass it on as such: a textual type, not compressed, and truly UTF-8.
fn text<'a>(headers: &HeaderMap, body: &'a [u8]) -> Option<&'a str> {
    let text = std::str::from_utf8(body).ok()?;
    let identity = |value: &http::HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !headers.get(header::CONTENT_ENCODING).is_none_or(identity) {
        return None;
    }
    let Some(kind) = headers.get(header::CONTENT_TYPE) else {
        return Some(text);
    };
    let kind = kind
        .to_str()
        .ok()?
        .split(';')
        .next()?
        .trim()
        .to_ascii_lowercase();
    let textual = kind.starts_with("text/")
        || [
            "application/json",
            "application/javascript",
            "application/xml",
        ]
        .contains(&kind.as_str())
        || kind.ends_with("+json")
        || kind.ends_with("+xml");
    (textual || body.is_empty()).then_some(text)
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
