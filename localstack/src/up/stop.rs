//! The stop, in the order in which nothing that was acknowledged is lost.

use std::time::{Duration, Instant};

use tokio::time::timeout;
use tracing::{error, warn};

use super::start::System;
use crate::{cli::announce, trigger::drain_all};

/// How long requests in flight may take.
const REQUESTS: Duration = Duration::from_secs(2);
/// When asynchronous invocations have to be done, counted from the beginning of the stop.
const ASYNCHRONOUS: Duration = Duration::from_millis(3500);
/// When the triggers have to be done, counted from the beginning of the stop; commits may take 4 s more.
const TRIGGERS: Duration = Duration::from_millis(5500);
/// When a broker that is a child has to be gone, counted from the beginning of the stop; it takes less than a second.
const BROKER: Duration = Duration::from_millis(9500);
/// How long a function may take to end after SIGTERM.
const GRACE: Duration = Duration::from_millis(300);

/// Sources first, then what they feed, so that every part finds those it needs still there.
pub(super) async fn stop(system: System) {
    let System {
        scheduler,
        stopping,
        mut servers,
        asynchronous,
        triggers,
        functions,
        template,
        published,
        broker,
        lake,
        ..
    } = system;
    let began = Instant::now();
    published.remove().await;
    if let Some(scheduler) = scheduler {
        scheduler.stop().await;
    }
    stopping.send_replace(true);
    let answered = async { while servers.join_next().await.is_some() {} };
    if timeout(REQUESTS, answered).await.is_err() {
        warn!("requests that took more than {REQUESTS:?} were cut off");
    }
    servers.shutdown().await;
    let patience = ASYNCHRONOUS.saturating_sub(began.elapsed());
    if timeout(patience, asynchronous.emptied()).await.is_err() {
        let left = asynchronous.taken();
        error!(left, "asynchronous invocations were not done");
        announce(&format!(
            "NOT DONE: {left} asynchronous invocations that were acknowledged; they are lost"
        ));
    }

    // Nothing writes to the broker any more but the functions that triggers start.
    let fed: Vec<&str> = template
        .functions
        .iter()
        .filter(|spec| spec.triggers.is_empty())
        .map(|spec| spec.name.as_str())
        .collect();
    functions.stop(&fed, GRACE).await;

    let limit = TRIGGERS.saturating_sub(began.elapsed());
    for (function, remaining) in drain_all(triggers, limit).await {
        for left in remaining {
            let records = left.records.map_or_else(
                || "an unknown number of".to_owned(),
                |records| records.to_string(),
            );
            let fate = if broker.forgets() {
                "they are lost with the embedded broker"
            } else {
                "they come with the next start"
            };
            error!(
                function,
                topic = left.topic,
                partition = left.partition,
                records,
                "records were not processed"
            );
            announce(&format!(
                "NOT PROCESSED: {records} records of {}-{} for function `{function}`; {fate}",
                left.topic, left.partition
            ));
        }
    }
    let all = functions.names();
    functions
        .stop(&all.iter().map(String::as_str).collect::<Vec<_>>(), GRACE)
        .await;
    broker.stop(BROKER.saturating_sub(began.elapsed())).await;
    // What is in the lake is on disk.
    lake.stop(GRACE).await;
}
