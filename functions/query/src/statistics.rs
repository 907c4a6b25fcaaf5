//! `/api/portfolios/statistics`: average, deviation and spread of every portfolio, with its investor.

use http::Response;
use lambda_http::{Body, Request};
use lambda_kit::Problem;

use crate::context::Context;
use crate::interval::Interval;
use crate::{holdings, negotiate, respond};

pub(crate) async fn all(request: &Request, context: &Context) -> Result<Response<Body>, Problem> {
    let format = negotiate::format(request)?;
    let limits = respond::limits(request)?;
    let interval = Interval::of(request)?;
    let elapsed = respond::clock();
    let investors = holdings::latest(context).await?;
    let names: Vec<String> = investors
        .iter()
        .map(|i| format!("({}, {})", i.investor, text(&i.name)))
        .collect();
    // With nobody in it the list still has its types.
    let names = if names.is_empty() {
        "(NULL, '')".to_owned()
    } else {
        names.join(", ")
    };
    let query = format!(
        "WITH names (investor, name) AS (VALUES {names}), \
         figures AS (SELECT portfolio, investor, portfolio_no, AVG(nav) AS average, \
             STDDEV_SAMP(CAST(nav AS DOUBLE)) AS deviation, MAX(nav) - MIN(nav) AS spread \
             FROM evaluations WHERE {} GROUP BY portfolio, investor, portfolio_no) \
         SELECT f.portfolio, f.investor, COALESCE(n.name, 'Investor ' || f.investor) AS investor_name, \
             CAST(f.average AS DECIMAL(38,2)) AS \"Average_Valuation\", \
             CAST(ROUND(f.deviation, 2) AS DECIMAL(38,2)) AS \"Std_Dev\", \
             CAST(ROUND(CAST(f.spread AS DOUBLE) / NULLIF(CAST(f.average AS DOUBLE), 0), 2) AS DECIMAL(18,2)) AS \"Biggest_Spread\" \
         FROM figures f LEFT JOIN names n ON f.investor = n.investor \
         ORDER BY f.investor, f.portfolio_no",
        interval.condition()
    );
    let answer = respond::ask(context, &query, limits).await?;
    respond::rows(&answer, format, elapsed())
}

fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}
