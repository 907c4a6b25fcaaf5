//! `/portfolios/{id}`: one portfolio over an interval, and the form that edits what it holds.

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Portfolio, PortfolioId};
use http::{Response, StatusCode};
use lambda_http::{Body, Request};
use lambda_kit::Problem;
use lambda_kit::http::Parameters;
use serde::Deserialize;

use super::direction::Change;
use super::holdings_form::Form;
use super::positions::{self, Position};
use super::rows::{self, Moment};
use super::shell;
use crate::charts::{self, Series};
use crate::context::Context;
use crate::interval::Interval;
use crate::{evaluations, figures, holdings};

/// What is shown when no interval is chosen: this long before the newest evaluation.
const VIEW: TimeDelta = TimeDelta::minutes(60);
/// How many evaluations the page lists.
const LATEST: usize = 12;
/// More points than pixels say nothing.
const POINTS: usize = 700;

#[derive(Template)]
#[template(path = "portfolio.html")]
struct PortfolioPage {
    here: &'static str,
    id: String,
    file: String,
    investor: String,
    held: bool,
    /// Whether it follows the newest evaluation.
    live: bool,
    saved: bool,
    created: bool,
    from: String,
    to: String,
    interval_error: Option<String>,
    query: String,
    last: Option<Last>,
    statistics: Option<Statistics>,
    chart: String,
    positions: Vec<Position>,
    evaluations: Vec<Row>,
    form: Form,
}

struct Last {
    nav: String,
    change: Change,
    age: String,
}

struct Statistics {
    windows: String,
    average: String,
    deviation: String,
    spread: String,
    low: String,
    high: String,
}

struct Row {
    day: String,
    at: String,
    nav: String,
    change: Change,
}

#[derive(Deserialize)]
struct Evaluation {
    window_end: Moment,
    nav: String,
    nav_change: String,
    nav_change_pct: String,
}

#[derive(Deserialize, Default)]
struct Figures {
    n: i64,
    average: Option<String>,
    deviation: Option<String>,
    spread: Option<String>,
    low: Option<String>,
    high: Option<String>,
}

#[derive(Deserialize, Default)]
struct Newest {
    newest: Option<Moment>,
}

pub(crate) async fn page(
    id: &str,
    request: &Request,
    context: &Context,
    now: DateTime<Utc>,
) -> Result<Response<Body>, Problem> {
    let id = holdings::id(id)?;
    let form = Form::of(held(id, context).await?.as_ref().map(|(_, p)| p));
    show(id, request, context, now, form).await
}

/// The portfolio as it is held, with its investor's name.
pub(super) async fn held(
    id: PortfolioId,
    context: &Context,
) -> Result<Option<(String, Portfolio)>, Problem> {
    let investors = holdings::latest(context).await?;
    Ok(investors.into_iter().find_map(|investor| {
        let portfolio = investor.portfolios.into_iter().find(|p| p.id == id)?;
        Some((investor.name, portfolio))
    }))
}

/// The page around a form, which may have errors.
pub(super) async fn show(
    id: PortfolioId,
    request: &Request,
    context: &Context,
    now: DateTime<Utc>,
    form: Form,
) -> Result<Response<Body>, Problem> {
    let held = held(id, context).await?;
    if held.is_none() {
        evaluations::must_exist(id, context).await?;
    }
    let mine = evaluations::is(id);
    let newest = format!("SELECT MAX(window_end) AS newest FROM evaluations WHERE {mine}");
    let newest = rows::one::<Newest>(context, &newest).await?.newest;
    let (interval, interval_error) = match Interval::of(request) {
        Ok(given) => (given, None),
        Err(wrong) => (Interval::default(), Some(wrong.detail)),
    };
    let live = interval == Interval::default() && interval_error.is_none();
    let interval = match newest {
        Some(newest) if interval == Interval::default() => Interval {
            from: Some(newest.0 - VIEW),
            to: Some(newest.0),
        },
        _ => interval,
    };
    let found = within(&mine, interval, context).await?;
    let figures = statistics(&mine, interval, context).await?;
    let status = if form.is_refused() || interval_error.is_some() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::OK
    };
    let positions = match &held {
        Some((_, portfolio)) => positions::of(portfolio, context).await?,
        None => Vec::new(),
    };
    let parameters = Parameters::of(request);
    // What was wrong stays in its field, to be put right.
    let refused = interval_error.is_some();
    let field = |name: &str, at: Option<DateTime<Utc>>| match at {
        Some(at) if !refused => at.format("%Y-%m-%dT%H:%M:%S").to_string(),
        _ => parameters.get(name).unwrap_or_default().to_owned(),
    };
    let (from, to) = (field("from", interval.from), field("to", interval.to));
    let page = PortfolioPage {
        here: "/portfolios",
        id: id.to_string(),
        file: format!("INVESTOR_{}_PORTFOLIO_{}.csv", id.investor, id.portfolio),
        investor: held.as_ref().map_or_else(
            || format!("Investor {}", id.investor),
            |(name, _)| name.clone(),
        ),
        held: held.is_some(),
        live,
        saved: parameters.get("saved").is_some() && status == StatusCode::OK,
        created: parameters.get("created").is_some() && status == StatusCode::OK,
        query: interval_query(interval),
        from,
        to,
        interval_error,
        last: found.last().map(|e| Last {
            nav: figures::grouped(&e.nav),
            change: Change::told(&e.nav_change, &e.nav_change_pct),
            age: figures::ago(e.window_end.0, now),
        }),
        statistics: figures,
        chart: chart(id, &found),
        positions,
        evaluations: latest(&found),
        form,
    };
    shell::with_status(status, &page)
}

async fn within(
    mine: &str,
    interval: Interval,
    context: &Context,
) -> Result<Vec<Evaluation>, Problem> {
    let query = format!(
        "SELECT window_end, nav, nav_change, nav_change_pct FROM evaluations \
         WHERE {mine} AND {}",
        interval.condition()
    );
    rows::by_time(context, &query, "window_end").await
}

async fn statistics(
    mine: &str,
    interval: Interval,
    context: &Context,
) -> Result<Option<Statistics>, Problem> {
    let query = format!(
        "SELECT COUNT(*) AS n, CAST(AVG(nav) AS DECIMAL(38,2)) AS average, \
         CAST(ROUND(STDDEV_SAMP(CAST(nav AS DOUBLE)), 2) AS DECIMAL(38,2)) AS deviation, \
         CAST(ROUND(CAST(MAX(nav) - MIN(nav) AS DOUBLE) / NULLIF(CAST(AVG(nav) AS DOUBLE), 0), 4) AS DECIMAL(18,4)) AS spread, \
         MIN(nav) AS low, MAX(nav) AS high FROM evaluations WHERE {mine} AND {}",
        interval.condition()
    );
    let figures: Figures = rows::one(context, &query).await?;
    if figures.n == 0 {
        return Ok(None);
    }
    let told = |digits: Option<String>| digits.map_or("–".to_owned(), |d| figures::grouped(&d));
    Ok(Some(Statistics {
        windows: match figures.n {
            1 => "1 window".to_owned(),
            n => format!("{} windows", figures::count(n)),
        },
        average: told(figures.average),
        deviation: told(figures.deviation),
        spread: told(figures.spread),
        low: told(figures.low),
        high: told(figures.high),
    }))
}

fn interval_query(interval: Interval) -> String {
    let end = |name: &str, at: Option<DateTime<Utc>>| {
        at.map(|at| format!("{name}={}", at.format("%Y-%m-%dT%H:%M:%S%.fZ")))
    };
    let ends: Vec<String> = [end("from", interval.from), end("to", interval.to)]
        .into_iter()
        .flatten()
        .collect();
    ends.join("&")
}

fn chart(id: PortfolioId, found: &[Evaluation]) -> String {
    let step = found.len().div_ceil(POINTS).max(1);
    let chosen = found
        .iter()
        .enumerate()
        .filter(|(at, _)| at % step == 0 || *at + 1 == found.len());
    let series = Series {
        name: format!("portfolio {id}"),
        points: chosen
            .map(|(_, e)| (e.window_end.0, rows::number(&e.nav)))
            .collect(),
    };
    let title = format!("Portfolio {id}: net asset value, window by window");
    charts::lines_figure(&title, "NAV, USD", &[series])
}

fn latest(found: &[Evaluation]) -> Vec<Row> {
    let rows = found.iter().rev().take(LATEST);
    rows.map(|e| Row {
        day: e.window_end.0.format("%Y-%m-%d").to_string(),
        at: e.window_end.0.format("%H:%M:%S").to_string(),
        nav: figures::grouped(&e.nav),
        change: Change::told(&e.nav_change, &e.nav_change_pct),
    })
    .collect()
}
