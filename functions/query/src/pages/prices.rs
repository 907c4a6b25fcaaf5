//! `/prices`: the twenty-four tickers at a glance, and each one's page.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use domain::{Exchange, Listing, Ticker};
use http::Response;
use lambda_http::Body;
use lambda_kit::Problem;
use serde::Deserialize;

use super::direction::Change;
use super::rows::{self, Moment};
use super::shell;
use crate::charts::{self, Series};
use crate::context::{Context, Urls};
use crate::{figures, holdings};

/// How far back from the newest tick prices are shown.
const VIEW: TimeDelta = TimeDelta::minutes(60);
/// How many ticks a ticker's page lists.
const LATEST: usize = 30;

#[derive(Template)]
#[template(path = "prices.html")]
struct Prices {
    here: &'static str,
    urls: Urls,
    newest: Option<String>,
    /// How far the newest tick is ahead of the clock.
    ahead: Option<String>,
    minutes: i64,
    exchanges: Vec<Board>,
}

struct Board {
    name: &'static str,
    rows: Vec<Quote>,
}

struct Quote {
    ticker: &'static str,
    spark: String,
    last: String,
    change: Change,
    range: String,
    age: String,
}

#[derive(Template)]
#[template(path = "ticker.html")]
struct TickerPage {
    here: &'static str,
    urls: Urls,
    ticker: &'static str,
    exchange: &'static str,
    minutes: i64,
    start: String,
    quote: Quote,
    count: String,
    chart: String,
    ticks: Vec<Row>,
    holders: Vec<Holder>,
}

struct Row {
    day: String,
    at: String,
    price: String,
    change: Change,
}

struct Holder {
    id: String,
    investor: String,
    shares: String,
    value: String,
}

#[derive(Deserialize)]
struct Tick {
    tick: String,
    price: String,
    ts: Moment,
}

#[derive(Deserialize, Default)]
struct Newest {
    newest: Option<Moment>,
}

/// The board of both exchanges.
pub(crate) async fn page(context: &Context, now: DateTime<Utc>) -> Result<Response<Body>, Problem> {
    let (ticks, newest) = in_view(context, None).await?;
    let mut by_ticker = BTreeMap::<&str, Vec<&Tick>>::new();
    for tick in &ticks {
        by_ticker.entry(&tick.tick).or_default().push(tick);
    }
    let quotes = |exchange: Exchange| {
        let listings = exchange.listings().iter();
        listings
            .map(|listing| {
                let ticks = by_ticker.get(listing.ticker.as_str());
                quote(listing, ticks.map_or(&[], Vec::as_slice), now)
            })
            .collect()
    };
    shell::html(&Prices {
        here: "/prices",
        urls: context.urls.clone(),
        newest: newest.map(|at| figures::time(at.0)),
        ahead: newest
            .filter(|at| figures::is_ahead(at.0, now))
            .map(|at| figures::ago(at.0, now)),
        minutes: VIEW.num_minutes(),
        exchanges: Exchange::ALL
            .into_iter()
            .map(|exchange| Board {
                name: exchange.as_str(),
                rows: quotes(exchange),
            })
            .collect(),
    })
}

/// One ticker, by its symbol in any case.
pub(crate) async fn one(
    symbol: &str,
    context: &Context,
    now: DateTime<Utc>,
) -> Result<Response<Body>, Problem> {
    let ticker: Ticker = symbol.to_ascii_uppercase().parse().map_err(|_| {
        let tickers: Vec<&str> = Ticker::all().map(Ticker::as_str).collect();
        Problem::not_found(format!("there is no ticker {symbol:?}")).with("tickers", tickers)
    })?;
    let listings = ticker.exchange().listings();
    let listing = listings
        .iter()
        .find(|listing| listing.ticker == ticker)
        .ok_or_else(Problem::internal)?;
    let (ticks, _) = in_view(context, Some(ticker)).await?;
    let ticks: Vec<&Tick> = ticks.iter().collect();
    let points = ticks.iter().map(|t| (t.ts.0, rows::number(&t.price)));
    let series = Series {
        name: ticker.as_str().to_owned(),
        points: points.collect(),
    };
    let title = format!("{ticker}: price of one share, tick by tick");
    let last = ticks.last().map(|t| rows::number(&t.price));
    shell::html(&TickerPage {
        here: "/prices",
        urls: context.urls.clone(),
        ticker: ticker.as_str(),
        exchange: ticker.exchange().as_str(),
        minutes: VIEW.num_minutes(),
        start: figures::grouped(&listing.start_price.to_string()),
        quote: quote(listing, &ticks, now),
        count: figures::count(ticks.len() as i64),
        chart: charts::lines_figure(&title, "price, USD", &[series]),
        ticks: latest(&ticks),
        holders: holders(ticker, last, context).await?,
    })
}

/// The ticks of the last [`VIEW`] before the newest one, in the order of their times.
async fn in_view(
    context: &Context,
    ticker: Option<Ticker>,
) -> Result<(Vec<Tick>, Option<Moment>), Problem> {
    let newest: Newest = rows::one(context, "SELECT MAX(ts) AS newest FROM ticks").await?;
    let Some(newest) = newest.newest else {
        return Ok((Vec::new(), None));
    };
    let from = rows::literal(newest.0 - VIEW);
    let only = ticker.map_or(String::new(), |t| format!(" AND tick = '{}'", t.as_str()));
    let query = format!("SELECT tick, price, ts FROM ticks WHERE ts >= {from}{only}");
    Ok((rows::by_time(context, &query, "ts").await?, Some(newest)))
}

fn quote(listing: &Listing, ticks: &[&Tick], now: DateTime<Utc>) -> Quote {
    let prices: Vec<f64> = ticks.iter().map(|t| rows::number(&t.price)).collect();
    let low = prices.iter().copied().fold(f64::INFINITY, f64::min);
    let high = prices.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let none = || "–".to_owned();
    Quote {
        ticker: listing.ticker.as_str(),
        spark: charts::sparkline(&prices),
        last: ticks
            .last()
            .map_or_else(none, |t| figures::grouped(&t.price)),
        change: match (prices.first(), prices.last()) {
            (Some(first), Some(last)) => Change::between(*first, *last),
            _ => Change::none(),
        },
        range: if prices.is_empty() {
            none()
        } else {
            format!("{} to {}", figures::fixed(low, 2), figures::fixed(high, 2))
        },
        age: ticks
            .last()
            .map_or_else(none, |t| figures::ago(t.ts.0, now)),
    }
}

/// The newest ticks first, each with its change from the one before.
fn latest(ticks: &[&Tick]) -> Vec<Row> {
    let rows = ticks.iter().enumerate().rev().take(LATEST);
    rows.map(|(at, tick)| Row {
        day: tick.ts.0.format("%Y-%m-%d").to_string(),
        at: tick.ts.0.format("%H:%M:%S%.3f").to_string(),
        price: figures::grouped(&tick.price),
        change: match at.checked_sub(1).and_then(|before| ticks.get(before)) {
            Some(before) => Change::between(rows::number(&before.price), rows::number(&tick.price)),
            None => Change::none(),
        },
    })
    .collect()
}

async fn holders(
    ticker: Ticker,
    last: Option<f64>,
    context: &Context,
) -> Result<Vec<Holder>, Problem> {
    let mut found = Vec::new();
    for investor in holdings::latest(context).await? {
        for portfolio in &investor.portfolios {
            if let Some(shares) = portfolio.holdings.get(&ticker) {
                found.push(Holder {
                    id: portfolio.id.to_string(),
                    investor: investor.name.clone(),
                    shares: figures::grouped(&shares.to_string()),
                    value: last.map_or("–".to_owned(), |price| {
                        figures::fixed(price * *shares as f64, 2)
                    }),
                });
            }
        }
    }
    Ok(found)
}
