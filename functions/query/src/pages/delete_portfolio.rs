//! `/portfolios/{id}/delete`: asks once more, then takes a portfolio away as the API's DELETE does.

use askama::Template;
use http::Response;
use lambda_http::{Body, Request};
use lambda_kit::Problem;

use super::holdings_form::{back_to, sent};
use super::{portfolio, shell};
use crate::context::Context;
use crate::{holdings, portfolios, refusal};

#[derive(Template)]
#[template(path = "delete_portfolio.html")]
struct DeletePage {
    here: &'static str,
    id: String,
    investor: String,
    tickers: String,
}

/// The question.
pub(crate) async fn page(id: &str, context: &Context) -> Result<Response<Body>, Problem> {
    let id = holdings::id(id)?;
    let held = portfolio::held(id, context).await?;
    let (investor, portfolio) = held.ok_or_else(|| portfolios::unknown(id))?;
    shell::html(&DeletePage {
        here: "/portfolios",
        id: id.to_string(),
        investor,
        tickers: match portfolio.holdings.len() {
            1 => "1 ticker".to_owned(),
            n => format!("{n} tickers"),
        },
    })
}

/// The answer yes.
pub(crate) async fn delete(
    id: &str,
    request: &Request,
    context: &Context,
) -> Result<Response<Body>, Problem> {
    let id = holdings::id(id)?;
    sent(request)?;
    let existed = lake::holdings::delete(context.store.as_ref(), id)
        .await
        .map_err(|refused| refusal::of_holdings(&refused))?;
    if !existed {
        return Err(portfolios::unknown(id));
    }
    Ok(back_to(&format!("/portfolios?deleted={id}")))
}
