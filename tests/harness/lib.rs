//! What the black-box scenarios stand on: the real `tidemill` binary, an HTTP client, a Kafka client and the user's
//! own tools.
//!
//! Nothing here sleeps a guess: every wait is for a condition, with a limit that only a failing test reaches.
#![allow(clippy::unwrap_used, clippy::expect_used)]

pub mod apache;
pub mod broker;
pub mod browser;
pub mod calls;
pub mod collector;
pub mod data;
pub mod http;
pub mod kafka;
pub mod load;
pub mod localstack;
pub mod memory;
pub mod metrics;
#[cfg(feature = "msk")]
pub mod msk;
pub mod ports;
pub mod runtime;
pub mod s3;
pub mod stack;
pub mod tools;

use std::future::Future;
use std::time::{Duration, Instant};

/// Waits until `probe` answers with a value, at most `limit`; panics with `what` and the last reason otherwise.
pub async fn eventually<T, F, Fut>(what: &str, limit: Duration, mut probe: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, String>>,
{
    let deadline = Instant::now() + limit;
    loop {
        match probe().await {
            Ok(value) => return value,
            Err(reason) if Instant::now() >= deadline => {
                panic!("{what}: not within {limit:?}; last seen: {reason}")
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}
