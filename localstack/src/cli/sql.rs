//! A question to the running system's SQL.

use std::time::Duration;

use reqwest::Client;
use serde_json::Value;
use url::Url;

/// Longer than the Lake API lets a statement run.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum SqlError {
    #[error("the Lake API's address is not a URL")]
    Address(#[from] url::ParseError),
    #[error("the Lake API does not answer")]
    Request(#[from] reqwest::Error),
    #[error("the Lake API does not count: {0}")]
    Answer(String),
}

/// The number that a statement answers, in its one row's column `n`.
pub(super) async fn count(lake: &Url, statement: &str) -> Result<i64, SqlError> {
    let client = Client::builder().no_proxy().timeout(PATIENCE).build()?;
    let mut address = lake.join("api/sql")?;
    address.query_pairs_mut().append_pair("q", statement);
    let answer = client.get(address).send().await?.bytes().await?;
    let number = serde_json::from_slice::<Value>(&answer)
        .ok()
        .and_then(|answer| answer["rows"][0]["n"].as_i64());
    number.ok_or_else(|| SqlError::Answer(String::from_utf8_lossy(&answer).into_owned()))
}
