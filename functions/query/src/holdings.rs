//! Who holds what, as the lake has it and as a PUT may say it.

use std::collections::BTreeMap;

use domain::{Portfolio, PortfolioId, Ticker};
use lake::holdings::InvestorHoldings;
use lambda_kit::Problem;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::refusal;

/// The most shares of one ticker in a portfolio.
const MOST_SHARES: u64 = 1_000_000_000;
/// Columns of the lake hold the numbers as 32-bit integers.
const LAST_NUMBER: u32 = i32::MAX.unsigned_abs();

/// A portfolio's holdings as they are shown.
#[derive(Serialize)]
pub(crate) struct Shown<'a> {
    investor: u32,
    portfolio: u32,
    holdings: BTreeMap<&'a str, u64>,
    active: bool,
}

impl<'a> Shown<'a> {
    pub(crate) fn of(portfolio: &'a Portfolio) -> Self {
        Self {
            investor: portfolio.id.investor,
            portfolio: portfolio.id.portfolio,
            holdings: by_name(portfolio),
            active: portfolio.active,
        }
    }
}

pub(crate) fn by_name(portfolio: &Portfolio) -> BTreeMap<&str, u64> {
    let holdings = portfolio.holdings.iter();
    holdings
        .map(|(ticker, shares)| (ticker.as_str(), *shares))
        .collect()
}

/// The last holdings of every investor.
pub(crate) async fn latest(context: &Context) -> Result<Vec<InvestorHoldings>, Problem> {
    lake::holdings::latest(context.store.as_ref())
        .await
        .map_err(|refused| refusal::of_holdings(&refused))
}

/// A portfolio's id, or 404.
pub(crate) fn id(text: &str) -> Result<PortfolioId, Problem> {
    text.parse()
        .map_err(|bad: domain::InvalidPortfolioId| Problem::not_found(bad.to_string()))
}

/// The body of a PUT. The numbers may be left out; they are those of the path.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    investor: Option<u32>,
    portfolio: Option<u32>,
    holdings: BTreeMap<String, u64>,
    #[serde(default = "active")]
    active: bool,
}

fn active() -> bool {
    true
}

/// Reads the body of a PUT to `id`.
pub(crate) fn read(id: PortfolioId, body: &[u8]) -> Result<Portfolio, Problem> {
    let given: Given = serde_json::from_slice(body).map_err(|bad| {
        Problem::unprocessable(format!(
            r#"the body is not {{"investor":1,"portfolio":2,"holdings":{{"IBM":1000}},"active":true}}: {bad}"#
        ))
    })?;
    for (name, number, told) in [
        ("investor", id.investor, given.investor),
        ("portfolio", id.portfolio, given.portfolio),
    ] {
        if told.is_some_and(|told| told != number) {
            return Err(Problem::unprocessable(format!(
                "{name} in the body is not that of the path, {number}"
            )));
        }
    }
    portfolio(id, given.holdings, given.active)
}

/// A portfolio that may be stored: its numbers fit, and it holds something.
pub(crate) fn portfolio(
    id: PortfolioId,
    shares: BTreeMap<String, u64>,
    active: bool,
) -> Result<Portfolio, Problem> {
    number("investor", Some(id.investor))?;
    number("portfolio", Some(id.portfolio))?;
    if shares.is_empty() {
        return Err(Problem::unprocessable(
            "a portfolio holds at least one ticker; DELETE takes it away",
        ));
    }
    let holdings = shares
        .into_iter()
        .map(|(name, shares)| holding(&name, shares))
        .collect::<Result<_, _>>()?;
    Ok(Portfolio {
        id,
        holdings,
        active,
    })
}

/// The number of an investor or of a portfolio; `None` is what could not be read as one.
pub(crate) fn number(name: &str, number: Option<u32>) -> Result<u32, Problem> {
    number
        .filter(|number| (1..=LAST_NUMBER).contains(number))
        .ok_or_else(|| {
            Problem::unprocessable(format!(
                "the number of the {name} is from 1 to {LAST_NUMBER}"
            ))
        })
}

/// One ticker and how many shares of it may be held.
pub(crate) fn holding(name: &str, shares: u64) -> Result<(Ticker, u64), Problem> {
    let ticker: Ticker = name.parse().map_err(|_| unknown_ticker(name))?;
    if !(1..=MOST_SHARES).contains(&shares) {
        return Err(Problem::unprocessable(format!(
            "the quantity of {name} is from 1 to {MOST_SHARES}, not {shares}"
        )));
    }
    Ok((ticker, shares))
}

fn unknown_ticker(name: &str) -> Problem {
    let tickers: Vec<&str> = Ticker::all().map(Ticker::as_str).collect();
    Problem::unprocessable(format!("there is no ticker {name:?}")).with("tickers", tickers)
}
