//! `/csv/`: one growing file per portfolio, as app1 wrote them.

use std::collections::BTreeSet;

use domain::PortfolioId;
use http::{Response, StatusCode};
use lambda_http::{Body, Request};
use lambda_kit::Problem;
use lambda_kit::http::Parameters;
use serde_json::{Value, json};
use sql::{Format, Limits};

use crate::context::Context;
use crate::interval::Interval;
use crate::{evaluations, holdings, negotiate, pages, respond};

/// All portfolios, those without an evaluation yet and those that nobody holds any more included.
pub(crate) async fn list(request: &Request, context: &Context) -> Result<Response<Body>, Problem> {
    let page = negotiate::wants_page(request);
    if !page {
        negotiate::json_only(request)?;
    }
    let limits = Limits {
        rows: Limits::MOST_ROWS,
        ..Limits::default()
    };
    let evaluated = respond::ask(
        context,
        "SELECT DISTINCT portfolio FROM evaluations",
        limits,
    )
    .await?;
    let mut ids = BTreeSet::new();
    for batch in &evaluated.batches {
        let texts = sql::texts(batch.column(0).as_ref());
        ids.extend(
            texts
                .into_iter()
                .flatten()
                .filter_map(|id| id.parse::<PortfolioId>().ok()),
        );
    }
    for investor in holdings::latest(context).await? {
        ids.extend(investor.portfolios.iter().map(|p| p.id));
    }
    if page {
        let names: Vec<String> = ids.into_iter().map(file_name).collect();
        return pages::csv_files(&names);
    }
    let files: Vec<Value> = ids
        .into_iter()
        .map(|id| {
            let name = file_name(id);
            json!({"name": name, "portfolio": id.to_string(), "url": format!("/csv/{name}")})
        })
        .collect();
    respond::json(StatusCode::OK, &json!({"files": files}))
}

pub(crate) async fn one(
    file: &str,
    request: &Request,
    context: &Context,
) -> Result<Response<Body>, Problem> {
    let id = of_file_name(file).ok_or_else(|| {
        Problem::not_found(format!(
            "there is no file {file:?}; they are called INVESTOR_1_PORTFOLIO_2.csv, and GET /csv/ names them"
        ))
    })?;
    // The file is CSV whatever Accept says; another format has to be asked for by name.
    let format = match Parameters::of(request).get("format") {
        Some(_) => negotiate::format(request)?,
        None => Format::Csv,
    };
    let mut limits = respond::limits(request)?;
    let whole = Parameters::of(request).get("limit").is_none();
    if whole {
        limits.rows = Limits::MOST_ROWS;
    }
    let interval = Interval::of(request)?;
    evaluations::must_exist(id, context).await?;
    let query = format!(
        "SELECT portfolio AS \"PORTFOLIO\", to_char(window_end, '%Y-%m-%d %H:%M:%S') AS \"TIMESTAMP\", \
         nav AS \"NAV\", nav_change AS \"NAV_Change\", nav_change_pct AS \"NAV_Change_%\" \
         FROM evaluations WHERE {} AND {} ORDER BY window_end, _timestamp, _offset",
        evaluations::is(id),
        interval.condition()
    );
    let elapsed = respond::clock();
    let answer = respond::ask(context, &query, limits).await?;
    if answer.truncated && whole {
        return Err(Problem::unprocessable(format!(
            "the file has more than {} rows; ask for a part of it with from= and to=",
            Limits::MOST_ROWS
        )));
    }
    let mut response = respond::rows(&answer, format, elapsed())?;
    if format == Format::Csv {
        // Lines end as app1 ended them; no field of the file has a line break or a quote.
        if let Body::Text(text) = response.body_mut() {
            *text = text.replace("\r\n", "\n");
        }
    }
    Ok(response)
}

fn file_name(id: PortfolioId) -> String {
    format!("INVESTOR_{}_PORTFOLIO_{}.csv", id.investor, id.portfolio)
}

fn of_file_name(name: &str) -> Option<PortfolioId> {
    let numbers = name.strip_prefix("INVESTOR_")?.strip_suffix(".csv")?;
    let (investor, portfolio) = numbers.split_once("_PORTFOLIO_")?;
    let id: PortfolioId = format!("{investor}.{portfolio}").parse().ok()?;
    (file_name(id) == name).then_some(id)
}
