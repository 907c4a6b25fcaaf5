//! Asynchronous invocations, seen through as Lambda does: nobody waits for them, so they are tried again.

use std::{future::Future, time::Duration};

use tracing::{error, warn};

use crate::{
    clock::Clock,
    functions::{InvokeError, Outcome},
};

/// What Lambda waits before it tries an asynchronous invocation again that failed in the function.
const FUNCTION_RETRIES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// How long Lambda keeps an asynchronous event that no child had time for.
const MOST_EVENT_AGE: Duration = Duration::from_secs(6 * 60 * 60);

/// Waits between tries of an event that no child had time for.
const FIRST_THROTTLE_WAIT: Duration = Duration::from_secs(1);
const MOST_THROTTLE_WAIT: Duration = Duration::from_secs(300);

/// One asynchronous invocation: a function that fails is tried twice more, one that has no room for as long as Lambda
/// would keep the event. `source` says in the log whose it is: a schedule, or a request by its id.
pub(crate) async fn see_through<F, Fut>(
    function: &str,
    source: &str,
    clock: &dyn Clock,
    mut invoke: F,
) where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Outcome, InvokeError>>,
{
    let queued = clock.elapsed();
    let mut retries = FUNCTION_RETRIES.into_iter();
    let mut throttle_wait = FIRST_THROTTLE_WAIT;
    loop {
        let wait = match invoke().await {
            Ok(Outcome::Success(_)) => return,
            Ok(Outcome::FunctionError { kind, payload }) => {
                let payload = String::from_utf8_lossy(&payload);
                warn!(function, source, kind, %payload, "asynchronous invocation failed");
                retries.next()
            }
            Err(reason @ InvokeError::Throttled { .. }) => {
                warn!(function, source, %reason, "asynchronous invocation waits for room");
                let wait = throttle_wait;
                throttle_wait = (throttle_wait * 2).min(MOST_THROTTLE_WAIT);
                Some(wait).filter(|wait| clock.elapsed() - queued + *wait <= MOST_EVENT_AGE)
            }
            Err(reason @ InvokeError::NoSuchFunction { .. }) => {
                error!(function, source, %reason, "asynchronous invocation is impossible");
                return;
            }
            Err(reason) => {
                warn!(function, source, %reason, "asynchronous invocation failed");
                retries.next()
            }
        };
        match wait {
            Some(wait) => clock.sleep(wait).await,
            None => {
                error!(function, source, "asynchronous invocation given up");
                return;
            }
        }
    }
}
