//! HTTP as a user's client would speak it, with JSON in and out.

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;

use crate::eventually;
use crate::stack::Stack;

/// A status, its headers and its body.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: reqwest::header::HeaderMap,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    /// One header's value, empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts a problem+json of this status and returns it.
    pub fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{}",
            self.text()
        );
        let problem = self.json();
        assert_eq!(problem["status"], status);
        for key in ["type", "title", "detail"] {
            assert!(problem[key].is_string(), "{key} in {problem}");
        }
        problem
    }
}

/// The one client; rustls has to be told its provider even where nothing speaks TLS.
pub fn client() -> &'static reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder()
            .timeout(Duration::from_secs(60))
            .build()
            .unwrap()
    })
}

/// Sends a request and reads the whole answer.
pub async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: response.bytes().await.unwrap().to_vec(),
    }
}

/// GET.
pub async fn get(url: impl AsRef<str>) -> Answer {
    send(client().get(url.as_ref())).await
}

/// POST without a body.
pub async fn post(url: impl AsRef<str>) -> Answer {
    send(client().post(url.as_ref())).await
}

impl Stack {
    /// The answer to a statement, whatever it is.
    pub async fn ask(&self, statement: &str) -> Answer {
        send(
            client()
                .post(format!("{}/api/sql", self.run.lake))
                .body(statement.to_owned()),
        )
        .await
    }

    /// The rows of a statement that has to succeed.
    pub async fn sql(&self, statement: &str) -> Vec<Value> {
        let answer = self.ask(statement).await;
        assert_eq!(answer.status, 200, "{statement}: {}", answer.text());
        answer.json()["rows"].as_array().expect("rows").clone()
    }

    /// Waits until a statement's rows are what `wanted` accepts, at most a minute.
    pub async fn sql_until(
        &self,
        statement: &str,
        wanted: impl Fn(&[Value]) -> bool,
    ) -> Vec<Value> {
        eventually(statement, Duration::from_secs(60), || async {
            let rows = self.sql(statement).await;
            if wanted(&rows) {
                Ok(rows)
            } else {
                Err(format!("{rows:?}"))
            }
        })
        .await
    }

    /// The one number that a statement answers.
    pub async fn count(&self, statement: &str) -> i64 {
        let rows = self.sql(statement).await;
        let row = rows[0].as_object().unwrap();
        row.values().next().unwrap().as_i64().unwrap()
    }

    /// Invokes a function through Lambda's own API; a function error is a panic.
    pub async fn invoke(&self, function: &str, event: &Value) -> Value {
        let url = format!(
            "{}/2015-03-31/functions/{function}/invocations",
            self.run.lambda
        );
        let answer = send(client().post(url).body(event.to_string())).await;
        assert_eq!(
            (answer.status, answer.header("x-amz-function-error")),
            (200, ""),
            "{}",
            answer.text()
        );
        answer.json()
    }
}
