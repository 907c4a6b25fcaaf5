//! `/api/portfolios/{id}/evaluations`: the evaluations of one portfolio.

use domain::PortfolioId;
use http::Response;
use lambda_http::{Body, Request};
use lambda_kit::Problem;
use sql::Limits;

use crate::context::Context;
use crate::interval::Interval;
use crate::{holdings, negotiate, portfolios, respond};

pub(crate) async fn of(
    id: &str,
    request: &Request,
    context: &Context,
) -> Result<Response<Body>, Problem> {
    let id = holdings::id(id)?;
    let format = negotiate::format(request)?;
    let limits = respond::limits(request)?;
    let interval = Interval::of(request)?;
    must_exist(id, context).await?;
    let query = format!(
        "SELECT portfolio, investor, portfolio_no, window_start, window_end, nav, nav_change, nav_change_pct \
         FROM evaluations WHERE {} AND {} ORDER BY window_end, _timestamp, _offset",
        is(id),
        interval.condition()
    );
    let elapsed = respond::clock();
    let answer = respond::ask(context, &query, limits).await?;
    respond::rows(&answer, format, elapsed())
}

/// The condition that rows are of this portfolio; its numbers need no quotes.
pub(crate) fn is(id: PortfolioId) -> String {
    format!("portfolio = '{id}'")
}

/// A portfolio exists while somebody holds it, and as long as there are evaluations of it.
pub(crate) async fn must_exist(id: PortfolioId, context: &Context) -> Result<(), Problem> {
    let investors = holdings::latest(context).await?;
    if investors
        .iter()
        .flat_map(|i| &i.portfolios)
        .any(|p| p.id == id)
    {
        return Ok(());
    }
    let query = format!("SELECT 1 FROM evaluations WHERE {} LIMIT 1", is(id));
    let answer = respond::ask(context, &query, Limits::default()).await?;
    if answer.row_count() == 0 {
        return Err(portfolios::unknown(id));
    }
    Ok(())
}
