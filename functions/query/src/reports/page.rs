//! `/reports`: a report as a page, each column's maximum highlighted.

use std::time::Instant;

use askama::Template;
use chrono::Utc;
use http::Response;
use lambda_http::Body;
use lambda_kit::Problem;
use sql::Limits;

use super::routes::named;
use super::{ALL, Report, titled};
use crate::catalogue::Grid;
use crate::context::Context;
use crate::{pages, respond};

/// The section of these pages.
const HERE: &str = "/reports";
/// Rows that a page shows; the CSV has them all.
const MOST_ROWS: usize = 1000;
/// Rows below those that are shown for a maximum which none of them has.
const MOST_BELOW: usize = 10;

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage {
    here: &'static str,
    title: String,
    report: &'static Report,
    grid: Grid,
}

#[derive(Template)]
#[template(path = "reports.html")]
struct ReportsPage {
    here: &'static str,
    reports: &'static [Report],
}

/// All reports.
pub(crate) fn pages() -> Result<Response<Body>, Problem> {
    pages::html(&ReportsPage {
        here: HERE,
        reports: ALL,
    })
}

/// One report.
pub(crate) async fn page(slug: &str, context: &Context) -> Result<Response<Body>, Problem> {
    let report = named(slug)?;
    let deadline = Instant::now() + Limits::default().timeout;
    pages::html(&ReportPage {
        here: HERE,
        title: titled(report.title, Utc::now()),
        report,
        grid: highlighted(report, MOST_ROWS, context, deadline).await?,
    })
}

/// The first rows of a report with the maxima over all of its rows told apart, all that are equal to one; where the
/// first rows lack a maximum, rows that have it come after them.
pub(super) async fn highlighted(
    report: &Report,
    most: usize,
    context: &Context,
    deadline: Instant,
) -> Result<Grid, Problem> {
    let ask = async |query: &str, rows: usize| {
        let limits = respond::until(deadline, rows)?;
        Grid::of(&respond::ask(context, query, limits).await?, rows)
    };
    let mut grid = ask(report.sql, most).await?;
    let maxima = report.figures.iter();
    let maxima: Vec<String> = maxima.map(|f| format!("MAX({f}) AS {f}")).collect();
    let query = format!("SELECT {} FROM ({}) AS r", maxima.join(", "), report.sql);
    let maxima = ask(&query, 1).await?;
    let highest = report.figures.iter();
    let highest: Vec<(&str, f64)> = highest
        .filter_map(|figure| Some((*figure, maxima.number(0, figure)?)))
        .collect();
    let missed: Vec<String> = highest
        .iter()
        .filter(|(figure, number)| {
            let mut rows = 0..grid.rows.len();
            grid.more && !rows.any(|row| grid.number(row, figure) == Some(*number))
        })
        .map(|(figure, number)| format!("{figure} = {number:.0}"))
        .collect();
    if !missed.is_empty() {
        let query = format!(
            "SELECT * FROM ({}) AS r WHERE {}",
            report.sql,
            missed.join(" OR ")
        );
        let rows = ask(&query, MOST_BELOW).await?.rows;
        grid.below = rows.len();
        grid.rows.extend(rows);
    }
    for (figure, number) in highest {
        if let Some(at) = grid.column(figure) {
            for row in &mut grid.rows {
                row[at].highest = row[at].number == Some(number);
            }
        }
    }
    Ok(grid)
}
