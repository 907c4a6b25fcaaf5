//! `/portfolios`: every portfolio with its value, how it moved, and its course.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use domain::PortfolioId;
use http::Response;
use lambda_http::{Body, Request};
use lambda_kit::Problem;
use lambda_kit::http::Parameters;
use serde::Deserialize;

use super::direction::Change;
use super::rows::{self, Moment};
use super::shell;
use crate::charts;
use crate::context::{Context, Urls};
use crate::{figures, holdings};

/// How far back from the newest evaluation the courses go.
const VIEW: TimeDelta = TimeDelta::minutes(60);
/// More would make a page nobody reads; the API has them all.
const MOST: usize = 200;

#[derive(Template)]
#[template(path = "portfolios.html")]
struct Portfolios {
    here: &'static str,
    urls: Urls,
    /// The portfolio that has just been deleted.
    deleted: Option<PortfolioId>,
    minutes: i64,
    newest: Option<String>,
    total: String,
    rows: Vec<Row>,
    left_out: usize,
}

struct Row {
    id: String,
    investor: String,
    tickers: usize,
    active: bool,
    nav: String,
    change: Change,
    spark: String,
    age: String,
}

#[derive(Deserialize)]
struct Evaluation {
    portfolio: String,
    window_end: Moment,
    nav: String,
    nav_change: String,
    nav_change_pct: String,
}

#[derive(Deserialize, Default)]
struct Newest {
    newest: Option<Moment>,
}

pub(crate) async fn page(
    request: &Request,
    context: &Context,
    now: DateTime<Utc>,
) -> Result<Response<Body>, Problem> {
    let investors = holdings::latest(context).await?;
    let newest: Newest =
        rows::one(context, "SELECT MAX(window_end) AS newest FROM evaluations").await?;
    let evaluations: Vec<Evaluation> = match newest.newest {
        Some(newest) => {
            let query = format!(
                "SELECT portfolio, window_end, nav, nav_change, nav_change_pct FROM evaluations \
                 WHERE window_end >= {}",
                rows::literal(newest.0 - VIEW)
            );
            rows::by_time(context, &query, "window_end").await?
        }
        None => Vec::new(),
    };
    let mut courses = BTreeMap::<&str, Vec<&Evaluation>>::new();
    for each in &evaluations {
        courses.entry(&each.portfolio).or_default().push(each);
    }
    let held = || {
        investors
            .iter()
            .flat_map(|i| i.portfolios.iter().map(move |p| (i, p)))
    };
    let total: f64 = held()
        .filter_map(|(_, p)| courses.get(p.id.to_string().as_str())?.last())
        .map(|last| rows::number(&last.nav))
        .sum();
    let rows = held().take(MOST).map(|(investor, portfolio)| {
        let id = portfolio.id.to_string();
        let course = courses.get(id.as_str()).map_or(&[][..], Vec::as_slice);
        let last = course.last();
        let navs: Vec<f64> = course.iter().map(|e| rows::number(&e.nav)).collect();
        Row {
            investor: investor.name.clone(),
            tickers: portfolio.holdings.len(),
            active: portfolio.active,
            nav: last.map_or("–".to_owned(), |e| figures::grouped(&e.nav)),
            change: last.map_or_else(Change::none, |e| {
                Change::told(&e.nav_change, &e.nav_change_pct)
            }),
            spark: charts::sparkline(&navs),
            age: last.map_or("–".to_owned(), |e| figures::ago(e.window_end.0, now)),
            id,
        }
    });
    shell::html(&Portfolios {
        here: "/portfolios",
        urls: context.urls.clone(),
        deleted: Parameters::of(request)
            .get("deleted")
            .and_then(|id| id.parse().ok())
            .filter(|id| held().all(|(_, portfolio)| portfolio.id != *id)),
        minutes: VIEW.num_minutes(),
        newest: newest.newest.map(|at| figures::time(at.0)),
        total: figures::fixed(total, 2),
        rows: rows.collect(),
        left_out: held().count().saturating_sub(MOST),
    })
}
