//! Functions called through Lambda's API, as the AWS CLI calls them.

use std::time::Duration;

use reqwest::{Client, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use url::Url;
use wire::commands::Command;

use super::running::{LAMBDA, NotFound, Running};

/// Longer than any function of ours may run.
const PATIENCE: Duration = Duration::from_secs(120);

/// Why a function did not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum LambdaError {
    #[error(transparent)]
    NotFound(#[from] NotFound),
    #[error("no HTTP client")]
    Client(#[source] reqwest::Error),
    #[error("Lambda's API cannot be called")]
    Address(#[from] url::ParseError),
    #[error("function `{function}` does not answer; is the system running?")]
    Request {
        function: String,
        source: reqwest::Error,
    },
    #[error("function `{function}` was not invoked: {status}: {message}")]
    Refused {
        function: String,
        status: StatusCode,
        message: String,
    },
    #[error("function `{function}` failed: {message}")]
    Failed { function: String, message: String },
    #[error("function `{function}` answers what cannot be understood; is it of the same version?")]
    Answer {
        function: String,
        source: serde_json::Error,
    },
    #[error("the command cannot be written as JSON")]
    Encode(#[from] serde_json::Error),
}

/// Lambda's API.
#[derive(Debug)]
pub(super) struct Lambda {
    client: Client,
    base: Url,
}

/// What an answer that is an error says.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Problem {
    error_message: String,
    #[serde(rename = "Message")]
    message: String,
}

impl Lambda {
    /// That of the running system, or the one that it was told.
    pub(super) fn of(running: &Running) -> Result<Self, LambdaError> {
        let base = running.api(LAMBDA)?;
        // A provider that is installed already will do as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .map_err(LambdaError::Client)?;
        Ok(Self { client, base })
    }

    /// Gives a function a command.
    pub(super) async fn command<T: DeserializeOwned>(
        &self,
        function: &str,
        command: &Command,
    ) -> Result<T, LambdaError> {
        let event = serde_json::to_vec(&json!({ "command": command }))?;
        self.invoke(function, event).await
    }

    /// Invokes a function with an event and waits for its answer.
    pub(super) async fn invoke<T: DeserializeOwned>(
        &self,
        function: &str,
        event: Vec<u8>,
    ) -> Result<T, LambdaError> {
        let name = || function.to_owned();
        let path = format!("2015-03-31/functions/{function}/invocations");
        let failed = |source| LambdaError::Request {
            function: name(),
            source,
        };
        let request = self.client.post(self.base.join(&path)?).body(event);
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let is_error = response.headers().contains_key("x-amz-function-error");
        let body = response.bytes().await.map_err(failed)?;
        if status.is_success() && !is_error {
            return serde_json::from_slice(&body).map_err(|source| LambdaError::Answer {
                function: name(),
                source,
            });
        }
        let problem: Problem = serde_json::from_slice(&body).unwrap_or_default();
        let message = match (problem.error_message, problem.message) {
            (message, _) if !message.is_empty() => message,
            (_, message) if !message.is_empty() => message,
            _ => "no reason was given".to_owned(),
        };
        Err(if is_error {
            LambdaError::Failed {
                function: name(),
                message,
            }
        } else {
            LambdaError::Refused {
                function: name(),
                status,
                message,
            }
        })
    }
}
