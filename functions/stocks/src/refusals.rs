//! What callers are told when a request cannot be granted.

use domain::Stock;
use domain::quotes::Metric;
use lambda_kit::Problem;
use serde_json::json;

use crate::answers::ROUTES;
use crate::operation::{ACTIONS, MAX_QUANTITY};

pub(crate) fn unknown_route(path: &str) -> Problem {
    Problem::not_found(format!("there is no route {path:?}")).with("routes", json!(ROUTES))
}

pub(crate) fn unknown_stock(symbol: &str) -> Problem {
    let stocks: Vec<_> = Stock::all().map(Stock::as_str).collect();
    Problem::not_found(format!(
        "there is no stock {symbol:?}; there are {}",
        stocks.join(", ")
    ))
    .with("stocks", json!(stocks))
}

pub(crate) fn unknown_metric(name: &str) -> Problem {
    let metrics = Metric::ALL.map(Metric::slug);
    Problem::not_found(format!(
        "there is no metric {name:?}; there are {}",
        metrics.join(", ")
    ))
    .with("metrics", json!(metrics))
}

pub(crate) fn unknown_action(name: &str) -> Problem {
    let actions = ACTIONS.map(wire::Action::as_str);
    Problem::not_found(format!(
        "there is no action {name:?}; there are {}",
        actions.join(" and ")
    ))
    .with("actions", json!(actions))
}

pub(crate) fn bad_quantity(quantity: &str) -> Problem {
    Problem::unprocessable(format!(
        "the quantity {quantity:?} is no integer from 1 to {MAX_QUANTITY}"
    ))
    .with("minimum", 1)
    .with("maximum", MAX_QUANTITY)
}

pub(crate) fn no_quotes(stock: Stock) -> Problem {
    Problem::bad_gateway(format!(
        "there are no usable quotes of {stock} at the moment"
    ))
}
