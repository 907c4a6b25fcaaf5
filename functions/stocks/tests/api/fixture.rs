//! The API over known quotes, a fixed clock and a log in memory.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use domain::Stock;
use domain::quotes::DailyRecord;
use http::Response;
use lambda_http::{Body, Request};
use serde_json::Value;
use stocks::quotes::{Quotes, QuotesError};
use stocks::{Context, handle};
use stream::MemoryPublisher;

/// Three days: the newest without an open, adjusted closes of 30, 10 and 20 from new to old.
pub(crate) struct Known;

#[async_trait]
impl Quotes for Known {
    async fn year(&self, _: Stock, _: DateTime<Utc>) -> Result<Vec<DailyRecord>, QuotesError> {
        let day = |day, open, close, adjclose| DailyRecord {
            date: NaiveDate::from_ymd_opt(2026, 11, day).unwrap(),
            open,
            close,
            adjclose,
        };
        Ok(vec![
            day(5, None, Some(30.5), Some(30.0)),
            day(4, Some(11.25), Some(10.5), Some(10.0)),
            day(3, Some(1.0), None, None),
            day(2, Some(2.0), Some(20.5), Some(20.0)),
        ])
    }
}

pub(crate) struct Api {
    pub(crate) context: Context,
    pub(crate) log: Arc<MemoryPublisher>,
}

impl Api {
    pub(crate) fn new(quotes: impl Quotes + 'static) -> Self {
        let log = Arc::new(MemoryPublisher::new());
        let clock = Arc::new(|| "2026-11-05T09:08:07.250Z".parse().unwrap());
        Self {
            context: Context::new(log.clone(), Arc::new(quotes), clock),
            log,
        }
    }

    pub(crate) fn known() -> Self {
        Self::new(Known)
    }

    pub(crate) async fn call(&self, method: &str, path: &str) -> Response<Body> {
        self.send(
            http::Request::builder()
                .method(method)
                .uri(path)
                .body(Body::Empty)
                .unwrap(),
        )
        .await
    }

    pub(crate) async fn send(&self, request: Request) -> Response<Body> {
        handle(request, &self.context).await.unwrap()
    }

    pub(crate) fn events(&self) -> Vec<(String, String, Value)> {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let records = self.log.records().into_iter();
        records
            .map(|r| {
                (
                    r.topic,
                    text(r.key),
                    serde_json::from_slice(&r.value).unwrap(),
                )
            })
            .collect()
    }
}

pub(crate) fn body(response: &Response<Body>) -> &str {
    std::str::from_utf8(response.body().as_ref()).unwrap()
}

pub(crate) fn members(response: &Response<Body>) -> Value {
    serde_json::from_str(body(response)).unwrap()
}
