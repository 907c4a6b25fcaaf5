//! The form of holdings: a field for every ticker, refused field by field, by the rules of the API's PUT; and the one
//! that edits a portfolio.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use domain::{Portfolio, Ticker};
use http::header::{HeaderValue, LOCATION};
use http::{Response, StatusCode};
use lambda_http::{Body, Request};
use lambda_kit::Problem;
use lambda_kit::http::Parameters;

use super::{portfolio, same_origin};
use crate::context::Context;
use crate::{evaluations, holdings, questions, refusal};

/// Prefix of the names of the fields, before the ticker.
const FIELD: &str = "shares.";

/// What the form shows.
pub(super) struct Form {
    pub(super) fields: Vec<Field>,
    pub(super) active: bool,
    /// What is wrong with the whole.
    pub(super) error: Option<String>,
}

pub(super) struct Field {
    pub(super) ticker: &'static str,
    pub(super) value: String,
    pub(super) error: Option<String>,
}

impl Form {
    /// The form of a portfolio as it is held; of none, an empty one.
    pub(super) fn of(portfolio: Option<&Portfolio>) -> Self {
        let value = |ticker: Ticker| {
            let shares = portfolio.and_then(|p| p.holdings.get(&ticker));
            shares.map(u64::to_string).unwrap_or_default()
        };
        Self {
            fields: Ticker::all()
                .map(|ticker| Field {
                    ticker: ticker.as_str(),
                    value: value(ticker),
                    error: None,
                })
                .collect(),
            active: portfolio.is_none_or(|p| p.active),
            error: None,
        }
    }

    pub(super) fn is_refused(&self) -> bool {
        self.error.is_some() || self.wrong() > 0
    }

    /// How many fields are wrong.
    pub(super) fn wrong(&self) -> usize {
        self.fields.iter().filter(|f| f.error.is_some()).count()
    }

    /// Reads what was sent: the form as it was filled in, and the shares by ticker where every field is right.
    pub(super) fn read(sent: &Parameters) -> (Self, BTreeMap<String, u64>) {
        let mut shares = BTreeMap::new();
        let fields = Ticker::all().map(|ticker| {
            let ticker = ticker.as_str();
            let value = sent.get(&format!("{FIELD}{ticker}")).unwrap_or_default();
            let value = value.trim().to_owned();
            let error = match quantity(&value) {
                Ok(None) => None,
                Ok(Some(number)) => match holdings::holding(ticker, number) {
                    Ok(_) => {
                        shares.insert(ticker.to_owned(), number);
                        None
                    }
                    Err(refused) => Some(refused.detail),
                },
                Err(wrong) => Some(wrong),
            };
            Field {
                ticker,
                value,
                error,
            }
        });
        let form = Self {
            fields: fields.collect(),
            active: sent.get("active").is_some(),
            error: None,
        };
        (form, shares)
    }
}

/// Nothing and 0 both mean that a ticker is not held; separators of thousands are fine.
fn quantity(text: &str) -> Result<Option<u64>, String> {
    let digits: String = text
        .chars()
        .filter(|c| !matches!(c, ',' | ' ' | '\u{a0}' | '\u{202f}'))
        .collect();
    if digits.is_empty() {
        return Ok(None);
    }
    match digits.parse() {
        Ok(0) => Ok(None),
        Ok(number) => Ok(Some(number)),
        Err(_) => Err(format!("{text:?} is not a whole number of shares")),
    }
}

/// The fields of a form that one of our own pages sent.
pub(super) fn sent(request: &Request) -> Result<Parameters, Problem> {
    same_origin::require(request)?;
    match questions::media_type(request).as_deref() {
        None | Some("application/x-www-form-urlencoded") => {
            Ok(Parameters::parse(&String::from_utf8_lossy(request.body())))
        }
        Some(other) => Err(Problem::unsupported_media_type(format!(
            "{other} is not understood here; this takes a form, and /api/portfolios takes JSON"
        ))),
    }
}

/// Takes a form that was sent: holdings are changed and the page is shown anew, or the form comes back with errors.
pub(crate) async fn save(
    id: &str,
    request: &Request,
    context: &Context,
    now: DateTime<Utc>,
) -> Result<Response<Body>, Problem> {
    let id = holdings::id(id)?;
    let sent = sent(request)?;
    evaluations::must_exist(id, context).await?;
    let (mut form, shares) = Form::read(&sent);
    if form.wrong() == 0 {
        match holdings::portfolio(id, shares, form.active) {
            Ok(portfolio) => {
                lake::holdings::put(context.store.as_ref(), portfolio)
                    .await
                    .map_err(|refused| refusal::of_holdings(&refused))?;
                return Ok(back_to(&format!("/portfolios/{id}?saved=holdings")));
            }
            Err(refused) => form.error = Some(refused.detail),
        }
    }
    portfolio::show(id, request, context, now, form).await
}

/// 303: the browser asks for the page, so that a reload does not send the form again.
pub(super) fn back_to(path: &str) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::SEE_OTHER;
    // Numbers and a fixed text are always a header's value.
    if let Ok(path) = HeaderValue::from_str(path) {
        response.headers_mut().insert(LOCATION, path);
    }
    response
}
