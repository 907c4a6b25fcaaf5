//! The bodies of answers: help, figures, what was done.

use chrono::{DateTime, Utc};
use domain::Stock;
use domain::quotes::{Metric, YearlyFigures};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// The API's description of itself.
pub(crate) const OPENAPI: &str = include_str!("../openapi.json");

/// Every route.
pub(crate) const ROUTES: [&str; 6] = [
    "GET /",
    "GET /{stock}",
    "GET /{stock}/{metric}",
    "POST /{stock}/{buy or sell}/{quantity}",
    "GET /health",
    "GET /openapi.json",
];

/// The help text.
pub(crate) fn help() -> String {
    let stocks: Vec<_> = Stock::all().map(Stock::as_str).collect();
    let metrics = Metric::ALL.map(Metric::slug);
    format!(
        "Tidemill stock advice\n\
         \n\
         GET  /{{stock}}                           figures of the last year\n\
         GET  /{{stock}}/{{metric}}                  one of the figures\n\
         POST /{{stock}}/{{buy or sell}}/{{quantity}}  buy or sell shares\n\
         GET  /health                            whether this API answers\n\
         GET  /openapi.json                      all of this for machines\n\
         \n\
         stocks:   {}\n\
         metrics:  {}\n\
         quantity: 1 to {}\n",
        stocks.join(" "),
        metrics.join(" "),
        crate::operation::MAX_QUANTITY,
    )
}

/// Some or all figures of a stock, in the order in which they are given.
pub(crate) struct Figures<'a> {
    pub(crate) stock: Stock,
    pub(crate) at: DateTime<Utc>,
    pub(crate) figures: YearlyFigures,
    pub(crate) metrics: &'a [Metric],
}

impl Serialize for Figures<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2 + self.metrics.len()))?;
        map.serialize_entry("Stock", self.stock.as_str())?;
        map.serialize_entry(
            "Date of Query",
            &self.at.format("%d/%m/%Y %H:%M:%S").to_string(),
        )?;
        for metric in self.metrics {
            map.serialize_entry(metric.key(), &self.figures.get(*metric))?;
        }
        map.end()
    }
}
