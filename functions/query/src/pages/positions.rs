//! What a portfolio holds, each ticker at its last price, with its part of the whole.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use domain::Portfolio;
use lambda_kit::Problem;
use serde::Deserialize;

use super::rows::{self, Moment};
use crate::context::Context;
use crate::figures;

/// How far back from the newest tick a last price is looked for.
const VIEW: TimeDelta = TimeDelta::minutes(60);

/// One ticker of a portfolio.
pub(super) struct Position {
    pub(super) ticker: &'static str,
    pub(super) shares: String,
    pub(super) price: String,
    pub(super) value: String,
    /// Its part of the whole, with `%`; a dash where a price is missing.
    pub(super) part: String,
    /// The same as plain digits from 0 to 100, to draw.
    pub(super) width: String,
}

#[derive(Deserialize, Default)]
struct Newest {
    newest: Option<Moment>,
}

#[derive(Deserialize)]
struct Last {
    tick: String,
    price: String,
}

/// The positions, the largest first.
pub(super) async fn of(portfolio: &Portfolio, context: &Context) -> Result<Vec<Position>, Problem> {
    let prices = last_prices(context).await?;
    let mut held: Vec<(&'static str, u64, Option<f64>)> = portfolio
        .holdings
        .iter()
        .map(|(ticker, shares)| {
            let ticker = ticker.as_str();
            (ticker, *shares, prices.get(ticker).copied())
        })
        .collect();
    let value = |shares: u64, price: f64| shares as f64 * price;
    held.sort_by(|a, b| {
        let worth =
            |(_, shares, price): &(_, u64, Option<f64>)| value(*shares, price.unwrap_or(0.0));
        worth(b).total_cmp(&worth(a))
    });
    // Without one price there is no whole to be a part of.
    let whole: Option<f64> = held
        .iter()
        .map(|(_, shares, price)| price.map(|price| value(*shares, price)))
        .sum();
    let none = || "–".to_owned();
    let shown = held.into_iter().map(|(ticker, shares, price)| {
        let worth = price.map(|price| value(shares, price));
        let part = match (worth, whole) {
            (Some(worth), Some(whole)) if whole > 0.0 => Some(100.0 * worth / whole),
            _ => None,
        };
        Position {
            ticker,
            shares: figures::grouped(&shares.to_string()),
            price: price.map_or_else(none, |price| figures::fixed(price, 2)),
            value: worth.map_or_else(none, |worth| figures::fixed(worth, 2)),
            part: part.map_or_else(none, |part| format!("{part:.1}%")),
            width: format!("{:.1}", part.unwrap_or(0.0)),
        }
    });
    Ok(shown.collect())
}

async fn last_prices(context: &Context) -> Result<BTreeMap<String, f64>, Problem> {
    let newest: Newest = rows::one(context, "SELECT MAX(ts) AS newest FROM ticks").await?;
    let Some(newest) = newest.newest else {
        return Ok(BTreeMap::new());
    };
    let query = format!(
        "SELECT tick, LAST_VALUE(price ORDER BY ts, _timestamp, _offset) AS price FROM ticks \
         WHERE ts >= {} GROUP BY tick",
        rows::literal(newest.0 - VIEW)
    );
    let prices = rows::read::<Last>(context, &query).await?;
    Ok(prices
        .into_iter()
        .map(|last| (last.tick, rows::number(&last.price)))
        .collect())
}
