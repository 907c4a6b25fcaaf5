//! `/behaviour`: what customers check, buy and sell, and what players do.

mod games;
mod stocks;

use askama::Template;
use http::Response;
use lambda_http::Body;
use lambda_kit::Problem;

use super::shell;
use crate::context::{Context, Urls};

#[derive(Template)]
#[template(path = "behaviour.html")]
struct Behaviour {
    here: &'static str,
    urls: Urls,
    stocks: stocks::Stocks,
    games: games::Games,
}

pub(crate) async fn page(context: &Context) -> Result<Response<Body>, Problem> {
    let (stocks, games) = tokio::try_join!(stocks::read(context), games::read(context))?;
    shell::html(&Behaviour {
        here: "/behaviour",
        urls: context.urls.clone(),
        stocks,
        games,
    })
}

/// A name and its count, as charts take them.
#[derive(serde::Deserialize)]
struct Counted {
    name: Option<String>,
    n: i64,
}

fn bars(counted: &[Counted]) -> Vec<(String, f64)> {
    counted
        .iter()
        .map(|each| {
            let name = each.name.clone().unwrap_or_else(|| "(none)".to_owned());
            (name, each.n as f64)
        })
        .collect()
}
