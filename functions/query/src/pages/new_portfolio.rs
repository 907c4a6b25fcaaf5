//! `/portfolios/new`: the form that makes a portfolio, by the rules of the API's PUT; one that is there is left alone.

use askama::Template;
use domain::PortfolioId;
use http::{Response, StatusCode};
use lambda_http::{Body, Request};
use lambda_kit::Problem;
use lambda_kit::http::Parameters;

use super::holdings_form::{Form, back_to, sent};
use super::shell;
use crate::context::Context;
use crate::{holdings, refusal};

#[derive(Template)]
#[template(path = "new_portfolio.html")]
struct NewPage {
    here: &'static str,
    numbers: [Number; 2],
    /// The portfolio that has these numbers already.
    taken: Option<PortfolioId>,
    form: Form,
}

/// A field for the investor's number or the portfolio's.
struct Number {
    name: &'static str,
    label: &'static str,
    value: String,
    error: Option<String>,
}

impl Number {
    fn empty(name: &'static str, label: &'static str) -> Self {
        Self {
            name,
            label,
            value: String::new(),
            error: None,
        }
    }

    /// Takes what was typed; none where it is no number that may be.
    fn read(&mut self, sent: &Parameters) -> Option<u32> {
        self.value = sent.get(self.name).unwrap_or_default().trim().to_owned();
        let read = holdings::number(self.name, self.value.parse().ok());
        self.error = read.as_ref().err().map(|refused| refused.detail.clone());
        read.ok()
    }
}

fn numbers() -> [Number; 2] {
    [
        Number::empty("investor", "Investor no."),
        Number::empty("portfolio", "Portfolio no."),
    ]
}

/// The empty form.
pub(crate) fn page() -> Result<Response<Body>, Problem> {
    show(StatusCode::OK, numbers(), None, Form::of(None))
}

/// Takes the form: the portfolio is made and shown, or the form comes back with what is wrong.
pub(crate) async fn create(
    request: &Request,
    context: &Context,
) -> Result<Response<Body>, Problem> {
    let sent = sent(request)?;
    let mut numbers = numbers();
    let [investor, portfolio] = numbers.each_mut().map(|number| number.read(&sent));
    let (mut form, shares) = Form::read(&sent);
    let mut taken = None;
    if let (Some(investor), Some(portfolio), 0) = (investor, portfolio, form.wrong()) {
        let id = PortfolioId {
            investor,
            portfolio,
        };
        match holdings::portfolio(id, shares, form.active) {
            Ok(portfolio) => {
                let added = lake::holdings::add(context.store.as_ref(), portfolio)
                    .await
                    .map_err(|refused| refusal::of_holdings(&refused))?;
                if added {
                    return Ok(back_to(&format!("/portfolios/{id}?created=portfolio")));
                }
                taken = Some(id);
            }
            Err(refused) => form.error = Some(refused.detail),
        }
    }
    show(StatusCode::UNPROCESSABLE_ENTITY, numbers, taken, form)
}

fn show(
    status: StatusCode,
    numbers: [Number; 2],
    taken: Option<PortfolioId>,
    form: Form,
) -> Result<Response<Body>, Problem> {
    let page = NewPage {
        here: "/portfolios",
        numbers,
        taken,
        form,
    };
    shell::with_status(status, &page)
}
