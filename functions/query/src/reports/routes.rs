//! `/api/reports`: a report's rows.

use chrono::{SecondsFormat, Utc};
use http::{Response, StatusCode};
use lambda_http::{Body, Request};
use lambda_kit::Problem;
use lambda_kit::http::Parameters;
use serde_json::{Value, json};
use sql::{Format, Limits};

use super::{ALL, Report, titled};
use crate::context::Context;
use crate::{negotiate, respond};

/// Every report.
pub(crate) fn list() -> Result<Response<Body>, Problem> {
    let reports: Vec<Value> = ALL
        .iter()
        .map(|report| {
            json!({
                "slug": report.slug, "title": report.title, "sentence": report.sentence, "sql": report.sql,
                "url": format!("/api/reports/{}", report.slug), "page": format!("/reports/{}", report.slug),
            })
        })
        .collect();
    respond::json(StatusCode::OK, &json!({"reports": reports}))
}

/// One report, whole unless `limit=` says otherwise; the formats but JSON are its rows alone.
pub(crate) async fn one(
    slug: &str,
    request: &Request,
    context: &Context,
) -> Result<Response<Body>, Problem> {
    let report = named(slug)?;
    let format = negotiate::format(request)?;
    let mut limits = respond::limits(request)?;
    if Parameters::of(request).get("limit").is_none() {
        limits.rows = Limits::MOST_ROWS;
    }
    let now = Utc::now();
    let elapsed = respond::clock();
    let answer = respond::ask(context, report.sql, limits).await?;
    let response = respond::rows(&answer, format, elapsed())?;
    if format == Format::Json {
        let told = json!({
            "slug": report.slug,
            "title": titled(report.title, now),
            "as_of": now.to_rfc3339_opts(SecondsFormat::Secs, true),
            "sql": report.sql,
        });
        return respond::with(response, &told);
    }
    Ok(response)
}

/// The report of this name, or 404 with all names.
pub(super) fn named(slug: &str) -> Result<&'static Report, Problem> {
    ALL.iter().find(|r| r.slug == slug).ok_or_else(|| {
        let slugs: Vec<&str> = ALL.iter().map(|report| report.slug).collect();
        Problem::not_found(format!("there is no report {slug:?}")).with("reports", slugs)
    })
}
