//! `GET /metrics`: what the functions tell of themselves in CloudWatch's embedded format, and what only their host can
//! know, as Prometheus' text.

mod embedded;
mod fold;
mod freshness;
mod meanings;
pub(crate) mod names;
mod watched;
mod zeros;

use std::{fmt, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header::CONTENT_TYPE;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::sleep;

pub(crate) use watched::Watched;

use crate::template::Template;

/// Bounds of the histograms of seconds: from a quick answer to a batch that waited for its window.
const SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0,
];

/// How often what was told to histograms is added up.
const UPKEEP: Duration = Duration::from_secs(5);

/// What is known now; cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    prometheus: PrometheusHandle,
    watched: Arc<Watched>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// From now on what this process records is kept here; what the template's parts count begins at 0. Must be called in
    /// a runtime.
    pub fn install(template: &Template) -> Result<Self, BuildError> {
        let prometheus = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
            .install_recorder()?;
        meanings::describe();
        zeros::start(template);
        let upkeep = prometheus.clone();
        tokio::spawn(async move {
            // What histograms are told is kept until someone adds it up, and nobody need ever scrape.
            loop {
                sleep(UPKEEP).await;
                upkeep.run_upkeep();
            }
        });
        Ok(Self {
            prometheus,
            watched: Arc::default(),
        })
    }

    /// What is asked anew with each scrape.
    pub(crate) fn watched(&self) -> &Watched {
        &self.watched
    }
}

/// Answers a scrape.
pub(crate) async fn scrape(State(metrics): State<Metrics>) -> Response {
    metrics.watched.observe().await;
    let text = metrics.prometheus.render();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

/// Whether a line of a function's output is metrics and no log; what it tells is counted.
pub(crate) fn take(line: &[u8]) -> bool {
    match embedded::read(line) {
        Some(readings) => {
            fold::fold(&readings);
            true
        }
        None => false,
    }
}
