//! Quotes of a chart API of Yahoo's form: `GET {base}/{ticker}?range=1y&interval=1d`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use domain::Stock;
use domain::quotes::DailyRecord;
use reqwest::{Client, Url};
use serde::Deserialize;

use super::{Quotes, QuotesError};

/// How long an answer is waited for, its body included.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer is used again.
const FRESH: TimeDelta = TimeDelta::minutes(1);
/// A year of daily quotes is some 30 kB.
const BODY_LIMIT: usize = 4 << 20;

/// An answer and when it came.
type Kept = (DateTime<Utc>, Vec<DailyRecord>);

/// A chart API. Its answers are kept for a minute.
#[derive(Debug)]
pub struct Chart {
    base: Url,
    client: Client,
    kept: Mutex<HashMap<Stock, Kept>>,
}

impl Chart {
    /// A client of the API under `base`. Waits for no connection.
    pub fn connect(base: Url) -> Result<Self, reqwest::Error> {
        // Another client of this process may have chosen a provider before; either serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(TIMEOUT)
            .user_agent(concat!("tidemill/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            base,
            client,
            kept: Mutex::default(),
        })
    }

    fn url(&self, stock: Stock) -> Url {
        let mut url = self.base.clone();
        // Only URLs that cannot be a base, like `data:`, have no segments; the configuration takes http(s) alone.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(stock.as_str());
        }
        url.query_pairs_mut()
            .append_pair("range", "1y")
            .append_pair("interval", "1d");
        url
    }

    fn kept(&self, stock: Stock, now: DateTime<Utc>) -> Option<Vec<DailyRecord>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&stock)
            .filter(|(since, _)| now - since < FRESH)
            .map(|(_, records)| records.clone())
    }

    async fn ask(&self, stock: Stock) -> Result<Vec<u8>, QuotesError> {
        // The address may carry a key, so it stays out of logs.
        let unreachable = |error: reqwest::Error| QuotesError::Unreachable {
            stock,
            source: error.without_url(),
        };
        let mut response = self
            .client
            .get(self.url(stock))
            .send()
            .await
            .map_err(unreachable)?;
        let status = response.status();
        if !status.is_success() {
            return Err(QuotesError::Refused { stock, status });
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > BODY_LIMIT {
                return Err(QuotesError::TooLong {
                    stock,
                    limit: BODY_LIMIT,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

#[async_trait]
impl Quotes for Chart {
    async fn year(
        &self,
        stock: Stock,
        now: DateTime<Utc>,
    ) -> Result<Vec<DailyRecord>, QuotesError> {
        if let Some(records) = self.kept(stock, now) {
            return Ok(records);
        }
        let records = parse(stock, &self.ask(stock).await?)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(stock, (now, records.clone()));
        Ok(records)
    }
}

#[derive(Deserialize)]
struct Answer {
    chart: Charts,
}

#[derive(Deserialize)]
struct Charts {
    result: Option<Vec<Series>>,
}

#[derive(Deserialize)]
struct Series {
    timestamp: Vec<i64>,
    indicators: Indicators,
}

#[derive(Deserialize)]
struct Indicators {
    quote: Vec<Prices>,
    adjclose: Vec<Adjusted>,
}

#[derive(Deserialize)]
struct Prices {
    open: Vec<Option<f64>>,
    close: Vec<Option<f64>>,
}

#[derive(Deserialize)]
struct Adjusted {
    adjclose: Vec<Option<f64>>,
}

/// The records in the body of an answer, newest first.
pub fn parse(stock: Stock, body: &[u8]) -> Result<Vec<DailyRecord>, QuotesError> {
    let unusable = |reason| QuotesError::Unusable { stock, reason };
    let answer: Answer =
        serde_json::from_slice(body).map_err(|source| QuotesError::Malformed { stock, source })?;
    let series = answer
        .chart
        .result
        .into_iter()
        .flatten()
        .next()
        .ok_or(unusable("has no result"))?;
    let prices = series
        .indicators
        .quote
        .first()
        .ok_or(unusable("has no prices"))?;
    let adjusted = series
        .indicators
        .adjclose
        .first()
        .ok_or(unusable("has no adjusted closes"))?;
    let days = series.timestamp.len();
    if [
        prices.open.len(),
        prices.close.len(),
        adjusted.adjclose.len(),
    ] != [days; 3]
    {
        return Err(unusable("does not have a price of each kind for every day"));
    }
    let mut records = Vec::with_capacity(days);
    for (at, seconds) in series.timestamp.iter().enumerate() {
        let date = DateTime::from_timestamp(*seconds, 0)
            .ok_or(unusable("has a time that is none"))?
            .date_naive();
        records.push(DailyRecord {
            date,
            open: prices.open[at],
            close: prices.close[at],
            adjclose: adjusted.adjclose[at],
        });
    }
    records.sort_by_key(|record| std::cmp::Reverse(record.date));
    Ok(records)
}
