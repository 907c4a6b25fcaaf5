//! Simulated quotes: made up from a seed, the same for a stock and a day every time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc, Weekday};
use domain::Stock;
use domain::quotes::DailyRecord;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Quotes, QuotesError};

/// About one day in this many has no prices at all, and as many lack one of them.
const DAYS_PER_NULL: u32 = 40;

/// A source that makes quotes up: waves and noise around a level of each stock, on every weekday.
///
/// What was made up for a stock is kept for the day.
#[derive(Debug)]
pub struct Simulated {
    seed: u64,
    kept: Mutex<HashMap<Stock, (NaiveDate, Vec<DailyRecord>)>>,
}

impl Default for Simulated {
    fn default() -> Self {
        Self::new(1)
    }
}

impl Simulated {
    /// A source of its own for each seed.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            kept: Mutex::default(),
        }
    }

    /// Random numbers that depend on the seed, the stock and the stream alone.
    fn numbers(&self, stock: Stock, stream: u64) -> ChaCha8Rng {
        let symbol = stock
            .as_str()
            .bytes()
            .fold(0_u64, |number, byte| number << 8 | u64::from(byte));
        let mut numbers = ChaCha8Rng::seed_from_u64(self.seed ^ symbol << 16);
        numbers.set_stream(stream);
        numbers
    }

    /// The price at the end of a day, as if there had been trade on it.
    fn close(&self, stock: Stock, date: NaiveDate) -> f64 {
        let mut shape = self.numbers(stock, u64::MAX);
        let day = f64::from(date.num_days_from_ce());
        let mut wave = |period: std::ops::Range<f64>, height: f64| {
            let (period, phase) = (
                shape.random_range(period),
                shape.random_range(0.0..std::f64::consts::TAU),
            );
            height * (day / period * std::f64::consts::TAU + phase).sin()
        };
        let waves = wave(500.0..900.0, 0.20) + wave(90.0..180.0, 0.07) + wave(15.0..40.0, 0.03);
        let noise = self
            .numbers(stock, day_number(date))
            .random_range(-0.012..0.012);
        level(stock) * (1.0 + waves + noise)
    }

    /// The record of a weekday.
    fn record(&self, stock: Stock, date: NaiveDate) -> DailyRecord {
        let mut numbers = self.numbers(stock, day_number(date) | 1 << 40);
        let close = self.close(stock, date);
        let before = date.pred_opt().map_or(close, |eve| self.close(stock, eve));
        let open = before * (1.0 + numbers.random_range(-0.004..0.004));
        let [mut open, mut close] = [open, close].map(|price| Some(in_cents(price)));
        let mut adjclose = close;
        match numbers.random_range(0..DAYS_PER_NULL) {
            0 => (open, close, adjclose) = (None, None, None),
            1 => *[&mut open, &mut close, &mut adjclose][numbers.random_range(0..3)] = None,
            _ => {}
        }
        DailyRecord {
            date,
            open,
            close,
            adjclose,
        }
    }

    /// The records of the year that ends with `today`, newest first.
    fn records(&self, stock: Stock, today: NaiveDate) -> Vec<DailyRecord> {
        let oldest = today
            .checked_sub_months(Months::new(12))
            .unwrap_or(NaiveDate::MIN);
        let days = (0..)
            .map_while(|back| today.checked_sub_days(Days::new(back)))
            .take_while(|date| *date > oldest);
        let weekdays = days.filter(|date| !matches!(date.weekday(), Weekday::Sat | Weekday::Sun));
        weekdays.map(|date| self.record(stock, date)).collect()
    }
}

#[async_trait]
impl Quotes for Simulated {
    async fn year(
        &self,
        stock: Stock,
        now: DateTime<Utc>,
    ) -> Result<Vec<DailyRecord>, QuotesError> {
        let today = now.date_naive();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (day, records) = kept
            .entry(stock)
            .or_insert_with(|| (today, self.records(stock, today)));
        if *day != today {
            (*day, *records) = (today, self.records(stock, today));
        }
        Ok(records.clone())
    }

    fn label(&self) -> Option<&'static str> {
        Some("simulated")
    }
}

fn day_number(date: NaiveDate) -> u64 {
    u64::from(date.num_days_from_ce().unsigned_abs())
}

fn in_cents(price: f64) -> f64 {
    (price * 100.0).round() / 100.0
}

/// About what a share cost in the years of the original.
fn level(stock: Stock) -> f64 {
    match stock.as_str() {
        "AMZN" => 3200.0,
        "GOOG" => 1750.0,
        "TSLA" => 640.0,
        "NVDA" => 530.0,
        "FB" => 270.0,
        "BABA" => 260.0,
        "PYPL" => 235.0,
        "CRM" => 225.0,
        "MSFT" => 220.0,
        "AAPL" => 125.0,
        "AMD" => 90.0,
        _ => 50.0,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn now(day: u32) -> DateTime<Utc> {
        format!("2026-11-{day:02}T12:00:00Z").parse().unwrap()
    }

    #[tokio::test]
    async fn the_same_day_has_the_same_prices_whenever_it_is_asked_for() {
        let stock = "GOOG".parse().unwrap();
        let quotes = Simulated::new(7);
        let earlier = quotes.year(stock, now(20)).await.unwrap();
        let later = quotes.year(stock, now(23)).await.unwrap();
        assert_eq!(later[0].date, now(23).date_naive());
        assert_eq!(later[1..10], earlier[..9]);
        assert_eq!(later, Simulated::new(7).year(stock, now(23)).await.unwrap());
        assert_ne!(
            earlier,
            Simulated::new(8).year(stock, now(20)).await.unwrap()
        );
    }

    #[tokio::test]
    async fn a_year_has_weekdays_plausible_prices_and_nulls() {
        for stock in Stock::all() {
            let year = Simulated::default().year(stock, now(23)).await.unwrap();
            assert!((255..=265).contains(&year.len()), "{stock}: {}", year.len());
            assert!(
                year.iter().any(|record| record.adjclose.is_none()),
                "{stock}"
            );
            assert!(
                year.iter()
                    .all(|record| record.date.weekday().number_from_monday() <= 5)
            );
            for pair in year.windows(2) {
                let [Some(newer), Some(older)] = [pair[0].close, pair[1].close] else {
                    continue;
                };
                assert!(
                    (newer / older - 1.0).abs() < 0.12,
                    "{stock} {}: {older} {newer}",
                    pair[0].date
                );
                assert!((level(stock) * 0.6..level(stock) * 1.4).contains(&newer));
            }
        }
    }
}
