//! EventBridge's part: starts functions on their schedules, asynchronously, with Lambda's retries.

mod expression;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::task::JoinSet;
use tracing::info;

use crate::{asynchronous, clock::Clock, template::Template, trigger::Invoke};

pub use expression::{Expression, ExpressionError};

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
        running.spawn(fire(
            Arc::clone(&firing),
            Arc::clone(&invoke),
            Arc::clone(&clock),
        ));
    }
    while running.join_next().await.is_some() {}
}

/// One firing is one asynchronous invocation.
async fn fire(firing: Arc<Firing>, invoke: Arc<dyn Invoke>, clock: Arc<dyn Clock>) {
    let Firing {
        function,
        schedule,
        input,
        ..
    } = &*firing;
    asynchronous::see_through(function, schedule, &*clock, || {
        invoke.invoke(function, input.clone())
    })
    .await;
}

#[cfg(test)]
mod tests;
