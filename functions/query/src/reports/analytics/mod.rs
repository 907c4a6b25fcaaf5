//! `/reports/analytics`: what the business is handed: the pipeline, the data, every answer, findings, what to do.
//!
//! One file that needs nothing else: style and pictures are in it, and no script. It answers also for an empty lake,
//! and where a question fails it says so in the place of its answer.

mod answers;
mod data;
mod findings;

use std::time::{Duration, Instant};

use askama::Template;
use chrono::{DateTime, Utc};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use http::{Response, StatusCode};
use lambda_http::Body;
use lambda_kit::{Problem, http as answers_of, run};
use tracing::error;

use super::page::highlighted;
use super::{ALL, Report, titled};
use crate::catalogue::{Grid, Set};
use crate::context::Context;
use crate::figures;
use answers::{Answered, Answers};
use data::Stored;
use findings::Findings;

/// When no further question is asked: what is there by then is sent before the gateway gives up.
const PATIENCE: Duration = Duration::from_secs(22);
/// Rows of a report that are shown.
const REPORT_ROWS: usize = 15;
/// Nothing is loaded from anywhere; style is in the file, so that it stays whole when it is passed on.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "analytics.html")]
struct AnalyticsPage {
    title: String,
    /// Day and time of the report.
    as_of: String,
    stored: Vec<Stored>,
    /// All rows of tables, views not counted again.
    total: String,
    findings: Vec<Findings>,
    sets: Vec<(Set, Vec<Answered>)>,
    reports: Vec<(&'static Report, Result<Grid, String>)>,
}

/// The report, as it is now.
pub(crate) async fn page(context: &Context) -> Result<Response<Body>, Problem> {
    let html = render(context, Utc::now(), Instant::now() + PATIENCE).await?;
    let mut response = answers_of::content(StatusCode::OK, "text/html; charset=utf-8", html);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn render(
    context: &Context,
    now: DateTime<Utc>,
    deadline: Instant,
) -> Result<String, Problem> {
    let stored = data::stored(context).await?;
    let answers = Answers::all(context, deadline).await;
    let mut reports = Vec::new();
    for report in ALL {
        let grid = highlighted(report, REPORT_ROWS, context, deadline).await;
        reports.push((report, grid.map_err(|problem| problem.detail)));
    }
    let rows = stored.iter().filter(|s| !s.view).map(|s| s.rows).sum();
    let template = AnalyticsPage {
        title: titled("Tidemill Analytics", now),
        as_of: figures::time(now),
        total: figures::count(rows),
        findings: findings::all(&answers, &stored),
        sets: answers.by_set(),
        reports,
        stored,
    };
    template.render().map_err(|failed| {
        error!(error = run::chain(&failed), "report could not be rendered");
        Problem::internal()
    })
}
