//! Which call a request is: paths and methods, checked in the order in which callers are told what is wrong.

use domain::Stock;
use domain::quotes::Metric;
use http::Method;
use lambda_kit::{Problem, http as requests};
use wire::Action;

use crate::{operation, refusals};

/// A call of the Stocks API.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Call {
    /// `GET /`
    Help,
    /// `GET /health`
    Health,
    /// `GET /openapi.json`
    OpenApi,
    /// `GET /{stock}`
    Figures(Stock),
    /// `GET /{stock}/{metric}`
    Figure(Stock, Metric),
    /// `POST /{stock}/{action}/{quantity}`
    Operation(Stock, Action, u32),
}

impl Call {
    fn reads(self) -> bool {
        !matches!(self, Call::Operation(..))
    }
}

/// The call that a method and a path make, or what is wrong with them: the ticker first, then the metric or action,
/// then the quantity, the method last.
pub(crate) fn route(method: &Method, path: &str) -> Result<Call, Problem> {
    let segments = requests::segments(path);
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let stock = |symbol: &str| {
        symbol
            .parse::<Stock>()
            .map_err(|_| refusals::unknown_stock(symbol))
    };
    let call = match segments[..] {
        [] => Call::Help,
        ["health"] => Call::Health,
        ["openapi.json"] => Call::OpenApi,
        [symbol] => Call::Figures(stock(symbol)?),
        [symbol, metric] => Call::Figure(
            stock(symbol)?,
            metric
                .parse()
                .map_err(|_| refusals::unknown_metric(metric))?,
        ),
        [symbol, action, quantity] => Call::Operation(
            stock(symbol)?,
            operation::action(action).ok_or_else(|| refusals::unknown_action(action))?,
            operation::quantity(quantity).ok_or_else(|| refusals::bad_quantity(quantity))?,
        ),
        _ => return Err(refusals::unknown_route(path)),
    };
    let allowed: &[Method] = if call.reads() {
        &[Method::GET, Method::HEAD]
    } else {
        &[Method::POST]
    };
    if allowed.contains(method) {
        Ok(call)
    } else {
        Err(Problem::method_not_allowed(allowed))
    }
}
