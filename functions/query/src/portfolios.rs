//! `/api/portfolios`: what each holds, what it is worth, and changes of it.

use std::collections::BTreeMap;

use domain::PortfolioId;
use http::{Response, StatusCode};
use lambda_http::{Body, Request};
use lambda_kit::Problem;
use serde_json::{Value, json};
use sql::{Answer, Limits, json_text};

use crate::context::Context;
use crate::holdings::{self, Shown};
use crate::{questions, refusal, respond};

/// The newest evaluation of each portfolio, over all lives of the log.
const LAST: &str = "SELECT portfolio, nav, nav_change, nav_change_pct, window_start, window_end FROM (\
    SELECT *, ROW_NUMBER() OVER (PARTITION BY portfolio ORDER BY window_end DESC, _timestamp DESC, _offset DESC) AS age \
    FROM evaluations) AS e WHERE age = 1";

/// What an evaluation adds to a portfolio.
const FIGURES: [&str; 5] = [
    "nav",
    "nav_change",
    "nav_change_pct",
    "window_start",
    "window_end",
];

pub(crate) async fn list(context: &Context) -> Result<Response<Body>, Problem> {
    let investors = holdings::latest(context).await?;
    let limits = Limits {
        rows: Limits::MOST_ROWS,
        ..Limits::default()
    };
    let last = figures(&respond::ask(context, LAST, limits).await?)?;
    let mut portfolios = BTreeMap::new();
    for investor in &investors {
        for portfolio in &investor.portfolios {
            let mut shown = json!({
                "id": portfolio.id.to_string(),
                "investor": portfolio.id.investor,
                "investor_name": investor.name,
                "portfolio": portfolio.id.portfolio,
                "holdings": holdings::by_name(portfolio),
                "active": portfolio.active,
            });
            let figures = last.get(&portfolio.id.to_string());
            for (at, name) in FIGURES.iter().enumerate() {
                shown[*name] = figures.map_or(Value::Null, |figures| figures[at].clone());
            }
            portfolios.insert(portfolio.id, shown);
        }
    }
    let portfolios: Vec<Value> = portfolios.into_values().collect();
    respond::json(StatusCode::OK, &json!({"portfolios": portfolios}))
}

/// The figures of each row by its portfolio.
fn figures(answer: &Answer) -> Result<BTreeMap<String, [Value; 5]>, Problem> {
    let mut found = BTreeMap::new();
    for batch in &answer.batches {
        let ids = sql::texts(batch.column(0).as_ref());
        for (row, id) in ids.into_iter().enumerate() {
            let mut figures = [const { Value::Null }; 5];
            for (at, figure) in figures.iter_mut().enumerate() {
                let text = json_text(batch.column(at + 1).as_ref(), row);
                *figure = text
                    .ok()
                    .and_then(|text| serde_json::from_str(&text).ok())
                    .ok_or_else(Problem::internal)?;
            }
            found.insert(id.unwrap_or_default().to_owned(), figures);
        }
    }
    Ok(found)
}

pub(crate) async fn one(id: &str, context: &Context) -> Result<Response<Body>, Problem> {
    let id = holdings::id(id)?;
    for investor in holdings::latest(context).await? {
        if let Some(portfolio) = investor.portfolios.iter().find(|p| p.id == id) {
            return respond::json(StatusCode::OK, &Shown::of(portfolio));
        }
    }
    Err(unknown(id))
}

pub(crate) async fn put(
    id: &str,
    request: &Request,
    context: &Context,
) -> Result<Response<Body>, Problem> {
    let id = holdings::id(id)?;
    match questions::media_type(request).as_deref() {
        None | Some("application/json") => {}
        Some(other) => {
            return Err(Problem::unsupported_media_type(format!(
                "{other} is not understood here; send the holdings as application/json"
            )));
        }
    }
    let portfolio = holdings::read(id, request.body())?;
    let known = holdings::latest(context).await?;
    let is_new = known.iter().flat_map(|i| &i.portfolios).all(|p| p.id != id);
    lake::holdings::put(context.store.as_ref(), portfolio.clone())
        .await
        .map_err(|refused| refusal::of_holdings(&refused))?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    respond::json(status, &Shown::of(&portfolio))
}

pub(crate) async fn delete(id: &str, context: &Context) -> Result<Response<Body>, Problem> {
    let id = holdings::id(id)?;
    let existed = lake::holdings::delete(context.store.as_ref(), id)
        .await
        .map_err(|refused| refusal::of_holdings(&refused))?;
    if !existed {
        return Err(unknown(id));
    }
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

pub(crate) fn unknown(id: PortfolioId) -> Problem {
    Problem::not_found(format!(
        "there is no portfolio {id}; GET /api/portfolios names them"
    ))
}
