//! How triggers and schedules call functions.

use async_trait::async_trait;
use bytes::Bytes;

use crate::functions::{InvokeError, Outcome};

/// Calls functions by name.
#[async_trait]
pub trait Invoke: Send + Sync + 'static {
    /// Invokes `function` and waits for what it came to.
    async fn invoke(&self, function: &str, payload: Bytes) -> Result<Outcome, InvokeError>;
}
