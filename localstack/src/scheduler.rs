//! EventBridge's part: starts functions on their schedules, asynchronously, with Lambda's retries.

mod expression;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::{
    clock::Clock,
    functions::{InvokeError, Outcome},
    template::Template,
    trigger::Invoke,
};

pub use expression::{Expression, ExpressionError};

/// What Lambda waits before it tries an asynchronous invocation again that failed in the function.
const FUNCTION_RETRIES: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(120)];

/// How long Lambda keeps an asynchronous event that no child had time for.
const MOST_EVENT_AGE: Duration = Duration::from_secs(6 * 60 * 60);

/// Waits between tries of an event that no child had time for.
const FIRST_THROTTLE_WAIT: Duration = Duration::from_secs(1);
const MOST_THROTTLE_WAIT: Duration = Duration::from_secs(300);

/// How long a cron schedule sleeps before it looks at the time of day again.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// One schedule of one function.
#[derive(Debug, Clone)]
struct Firing {
    function: String,
    schedule: String,
    expression: Expression,
    input: Bytes,
}

/// The schedules at work. Dropping it stops them; invocations that run go on in their functions.
#[derive(Debug)]
pub struct Scheduler {
    tasks: JoinSet<()>,
}

impl Scheduler {
    /// Starts every schedule of the template. A rate fires at once and then on its period, counted from now;
    /// a cron expression fires when its time comes.
    pub fn start(
        template: &Template,
        invoke: Arc<dyn Invoke>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ExpressionError> {
        let mut tasks = JoinSet::new();
        for function in &template.functions {
            for schedule in &function.schedules {
                let firing = Firing {
                    function: function.name.clone(),
                    schedule: schedule.id.clone(),
                    expression: schedule.expression.parse()?,
                    input: Bytes::from(schedule.input.clone()),
                };
                tasks.spawn(keep(firing, Arc::clone(&invoke), Arc::clone(&clock)));
            }
        }
        Ok(Self { tasks })
    }

    /// Fires nothing any more, and gives up retries that wait.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

/// Fires one schedule for as long as it has next times. Invocations belong to this task and end with it.
async fn keep(firing: Firing, invoke: Arc<dyn Invoke>, clock: Arc<dyn Clock>) {
    let firing = Arc::new(firing);
    let mut running = JoinSet::new();
    let mut due = clock.elapsed();
    loop {
        match &firing.expression {
            Expression::Rate(period) => {
                clock.sleep_until(due).await;
                // A laptop that slept through firings does not make up for them.
                while due <= clock.elapsed() {
                    due += *period;
                }
            }
            Expression::Cron(_) => {
                let Some(next) = firing.expression.next_after(clock.utc()) else {
                    info!(
                        function = firing.function,
                        schedule = firing.schedule,
                        "schedule has no next time"
                    );
                    break;
                };
                // The time of day may be set while this waits.
                while let Some(wait) = (next - clock.utc())
                    .to_std()
                    .ok()
                    .filter(|wait| !wait.is_zero())
                {
                    clock.sleep(wait.min(LONGEST_SLEEP)).await;
                }
            }
        }
        while running.try_join_next().is_some() {}
        running.spawn(invoke_asynchronously(
            Arc::clone(&firing),
            Arc::clone(&invoke),
            Arc::clone(&clock),
        ));
    }
    while running.join_next().await.is_some() {}
}

/// One asynchronous invocation: a function that fails is tried twice more, one that has no room for as long as Lambda
/// would keep the event.
async fn invoke_asynchronously(
    firing: Arc<Firing>,
    invoke: Arc<dyn Invoke>,
    clock: Arc<dyn Clock>,
) {
    let Firing {
        function,
        schedule,
        input,
        ..
    } = &*firing;
    let queued = clock.elapsed();
    let mut retries = FUNCTION_RETRIES.into_iter();
    let mut throttle_wait = FIRST_THROTTLE_WAIT;
    loop {
        let wait = match invoke.invoke(function, input.clone()).await {
            Ok(Outcome::Success(_)) => return,
            Ok(Outcome::FunctionError { kind, payload }) => {
                let payload = String::from_utf8_lossy(&payload);
                warn!(function, schedule, kind, %payload, "scheduled invocation failed");
                retries.next()
            }
            Err(reason @ InvokeError::Throttled { .. }) => {
                warn!(function, schedule, %reason, "scheduled invocation waits for room");
                let wait = throttle_wait;
                throttle_wait = (throttle_wait * 2).min(MOST_THROTTLE_WAIT);
                Some(wait).filter(|wait| clock.elapsed() - queued + *wait <= MOST_EVENT_AGE)
            }
            Err(reason @ InvokeError::NoSuchFunction { .. }) => {
                error!(function, schedule, %reason, "scheduled invocation is impossible");
                return;
            }
            Err(reason) => {
                warn!(function, schedule, %reason, "scheduled invocation failed");
                retries.next()
            }
        };
        match wait {
            Some(wait) => clock.sleep(wait).await,
            None => {
                error!(function, schedule, "scheduled invocation given up");
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
