//! The API over a log in memory.

use std::sync::Arc;

use games::{Context, handle};
use http::Response;
use lambda_http::Body;
use serde_json::Value;
use stream::MemoryPublisher;

pub(crate) struct Api {
    pub(crate) log: Arc<MemoryPublisher>,
    context: Context,
}

/// Every route of the large game with its template, and whether it takes POST.
pub(crate) const MOVES: [(&str, bool); 9] = [
    ("/purchase_a_sword", true),
    ("/purchase_a_shield", true),
    ("/purchase_a_potion", true),
    ("/join_guild", true),
    ("/find_treasure", false),
    ("/enemy_attack", false),
    ("/defeat_enemy", false),
    ("/take_potion", true),
    ("/level_up", false),
];

impl Api {
    pub(crate) fn new() -> Self {
        let log = Arc::new(MemoryPublisher::new());
        let context = Context::new(log.clone());
        Self { log, context }
    }

    pub(crate) async fn call(&self, method: &str, path: &str) -> Response<Body> {
        self.send(method, path, &[], Body::Empty).await
    }

    pub(crate) async fn get(&self, path: &str) -> Response<Body> {
        self.call("GET", path).await
    }

    pub(crate) async fn post(&self, path: &str, media: &str, body: &str) -> Response<Body> {
        let body = Body::Text(body.to_owned());
        self.send("POST", path, &[("content-type", media)], body)
            .await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Response<Body> {
        let request = http::Request::builder().method(method).uri(path);
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        handle(request.body(body).unwrap(), &self.context)
            .await
            .unwrap()
    }

    /// Topic, key and value of every event so far.
    pub(crate) fn events(&self) -> Vec<(String, String, Value)> {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let records = self.log.records().into_iter();
        records
            .map(|r| {
                let value = serde_json::from_slice(&r.value).unwrap();
                (r.topic, text(r.key), value)
            })
            .collect()
    }

    /// The value of the last event.
    pub(crate) fn last(&self) -> Value {
        self.events().pop().expect("an event").2
    }
}

pub(crate) fn body(response: &Response<Body>) -> &str {
    std::str::from_utf8(response.body().as_ref()).unwrap()
}

pub(crate) fn problem(response: &Response<Body>, status: u16) -> Value {
    assert_eq!(response.status(), status, "{}", body(response));
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    let members: Value = serde_json::from_str(body(response)).unwrap();
    assert_eq!(members["status"], status);
    for member in ["type", "title", "detail"] {
        assert!(members[member].is_string(), "{member} in {members}");
    }
    members
}
