//! Customers of the Stocks API: checks by ticker, and what is bought and sold.

use lambda_kit::Problem;
use serde::{Deserialize, Deserializer};

use super::{Counted, bars};
use crate::charts;
use crate::context::Context;
use crate::figures;
use crate::pages::rows;

const CHECKS: &str = "SELECT stock_name AS name, COUNT(*) AS n FROM stock_call \
    WHERE event_type LIKE 'check_stock%' GROUP BY stock_name ORDER BY n DESC, name";

const TRADES: &str = "SELECT stock_name, \
    COALESCE(SUM(CASE WHEN event_type LIKE 'buy%' THEN quantity END), 0) AS bought, \
    COALESCE(SUM(CASE WHEN event_type LIKE 'buy%' THEN transaction_amount END), 0) AS bought_for, \
    COALESCE(SUM(CASE WHEN event_type LIKE 'sell%' THEN quantity END), 0) AS sold, \
    COALESCE(SUM(CASE WHEN event_type LIKE 'sell%' THEN transaction_amount END), 0) AS sold_for, \
    COUNT(*) AS n FROM stock_operation GROUP BY stock_name ORDER BY bought_for + sold_for DESC, stock_name";

pub(in crate::pages) struct Stocks {
    pub(in crate::pages) checks: String,
    pub(in crate::pages) operations: String,
    pub(in crate::pages) bought_for: String,
    pub(in crate::pages) sold_for: String,
    pub(in crate::pages) checks_chart: Option<String>,
    pub(in crate::pages) traded_chart: String,
    pub(in crate::pages) trades: Vec<Trade>,
}

pub(in crate::pages) struct Trade {
    pub(in crate::pages) ticker: String,
    pub(in crate::pages) bought: String,
    pub(in crate::pages) bought_at: String,
    pub(in crate::pages) bought_for: String,
    pub(in crate::pages) sold: String,
    pub(in crate::pages) sold_at: String,
    pub(in crate::pages) sold_for: String,
}

#[derive(Deserialize)]
struct Traded {
    stock_name: Option<String>,
    bought: i64,
    #[serde(deserialize_with = "sum")]
    bought_for: f64,
    sold: i64,
    #[serde(deserialize_with = "sum")]
    sold_for: f64,
    n: i64,
}

/// A sum of floats; past their range it has no JSON and comes as null.
fn sum<'de, D: Deserializer<'de>>(value: D) -> Result<f64, D::Error> {
    Option::<f64>::deserialize(value).map(|sum| sum.unwrap_or(f64::NAN))
}

pub(super) async fn read(context: &Context) -> Result<Stocks, Problem> {
    let (checks, traded) = tokio::try_join!(
        rows::read::<Counted>(context, CHECKS),
        rows::read::<Traded>(context, TRADES),
    )?;
    let amounts: Vec<(String, f64)> = traded
        .iter()
        .map(|t| (name(t), t.bought_for + t.sold_for))
        .collect();
    Ok(Stocks {
        checks: figures::count(checks.iter().map(|c| c.n).sum()),
        operations: figures::count(traded.iter().map(|t| t.n).sum()),
        bought_for: money(traded.iter().map(|t| t.bought_for).sum()),
        sold_for: money(traded.iter().map(|t| t.sold_for).sum()),
        checks_chart: (!checks.is_empty()).then(|| {
            charts::bars_half(
                "Which stocks customers check",
                "ticker",
                "calls",
                &bars(&checks),
            )
        }),
        traded_chart: charts::bars_half(
            "Which stocks most money goes through, bought and sold",
            "ticker",
            "USD",
            &amounts,
        ),
        trades: traded.iter().map(shown).collect(),
    })
}

fn name(traded: &Traded) -> String {
    traded
        .stock_name
        .clone()
        .unwrap_or_else(|| "(none)".to_owned())
}

/// An amount of money; a dash where there is none, or none that can be told.
fn money(usd: f64) -> String {
    if usd.is_finite() {
        figures::fixed(usd, 2)
    } else {
        "–".to_owned()
    }
}

fn shown(traded: &Traded) -> Trade {
    let price = |amount: f64, shares: i64| money(amount / shares as f64);
    Trade {
        ticker: name(traded),
        bought: figures::count(traded.bought),
        bought_at: price(traded.bought_for, traded.bought),
        bought_for: money(traded.bought_for),
        sold: figures::count(traded.sold),
        sold_at: price(traded.sold_for, traded.sold),
        sold_for: money(traded.sold_for),
    }
}
