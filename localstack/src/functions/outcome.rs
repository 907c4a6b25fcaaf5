//! What an invocation came to, told apart from why there was none.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;

/// What a function that ran had to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The function's answer, as it gave it.
    Success(Bytes),
    /// The function ran and failed, or died or hung while it ran.
    FunctionError {
        /// Lambda's word for it, as in the header `X-Amz-Function-Error`: `Handled` or `Unhandled`.
        kind: &'static str,
        /// `{"errorType":…,"errorMessage":…}`.
        payload: Bytes,
    },
}

/// What Lambda calls a function that died while it ran.
pub(super) const EXITED: &str = "Runtime.ExitError";
/// What Lambda calls a function that took longer than it may.
pub(super) const TIMED_OUT: &str = "Sandbox.Timedout";

impl Outcome {
    /// Whether the function was cut short: it was killed, ran out of memory or out of time, and what it did is not
    /// known. A function that says itself that it failed was not.
    pub fn broke_off(&self) -> bool {
        #[derive(Deserialize)]
        struct Failure {
            #[serde(rename = "errorType")]
            kind: String,
        }
        let Self::FunctionError { payload, .. } = self else {
            return false;
        };
        serde_json::from_slice::<Failure>(payload)
            .is_ok_and(|failure| [EXITED, TIMED_OUT].contains(&failure.kind.as_str()))
    }
}

/// Why a function did not run to an outcome for this caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvokeError {
    /// template.yaml declares no such function.
    #[error("there is no function `{name}`; template.yaml declares {}", known.join(", "))]
    NoSuchFunction {
        /// The name asked for.
        name: String,
        /// The names that exist.
        known: Vec<String>,
    },
    /// Every child was busy for as long as the caller could wait, or too many callers wait already.
    #[error("all {concurrency} children of function `{function}` are busy")]
    Throttled {
        /// The function.
        function: String,
        /// How many of its children may run at once.
        concurrency: u32,
    },
    /// The caller's time was up before the function answered; the invocation itself goes on.
    #[error("function `{function}` gave no answer within {limit:?}")]
    TimedOut {
        /// The function.
        function: String,
        /// How long the caller waited.
        limit: Duration,
    },
    /// Its children died again and again before they took the invocation, or the local stack is stopping.
    #[error("function `{function}` has no child that takes the invocation: {reason}")]
    Exited {
        /// The function.
        function: String,
        /// What was seen last.
        reason: String,
    },
    /// No child came to life: its binary is missing, or its initialisation failed.
    #[error("function `{function}` does not start: {reason}")]
    StartFailed {
        /// The function.
        function: String,
        /// What was seen: the init error, the exit status or the operating system's error.
        reason: String,
        /// The next start is tried after this; until then callers get this error at once.
        retry_after: Duration,
    },
}
