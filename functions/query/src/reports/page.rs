//! `/reports`: a report as a page, each column's maximum highlighted.

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
    pages::html(&ReportPage {
        here: HERE,
        title: titled(report.title, Utc::now()),
        report,
        grid: highlighted(report, MOST_ROWS, context).await?,
    })
}

/// The first rows of a report, with the maxima over all of its rows told apart: all that are equal to it.
pub(super) async fn highlighted(
    report: &Report,
    most: usize,
    context: &Context,
) -> Result<Grid, Problem> {
    let limits = Limits {
        rows: most,
        ..Limits::default()
    };
    let answer = respond::ask(context, report.sql, limits).await?;
    let mut grid = Grid::of(&answer, most)?;
    let maxima: Vec<String> = report
        .figures
        .iter()
        .map(|figure| format!("MAX({figure}) AS {figure}"))
        .collect();
    let query = format!("SELECT {} FROM ({}) AS r", maxima.join(", "), report.sql);
    let answer = respond::ask(context, &query, Limits::default()).await?;
    let maxima = Grid::of(&answer, 1)?;
    for figure in report.figures {
        let (Some(at), Some(highest)) = (grid.column(figure), maxima.number(0, figure)) else {
            continue;
        };
        for row in &mut grid.rows {
            row[at].highest = row[at].number == Some(highest);
        }
    }
    Ok(grid)
}
