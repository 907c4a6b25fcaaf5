//! A stock's year: daily records and the figures drawn from them.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use thiserror::Error;

/// One day of a stock. A source may leave any of the prices out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DailyRecord {
    /// The day.
    pub date: NaiveDate,
    /// Its first price.
    pub open: Option<f64>,
    /// Its last price.
    pub close: Option<f64>,
    /// Its last price, adjusted for splits and dividends.
    pub adjclose: Option<f64>,
}

/// The figures of a year of adjusted closes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct YearlyFigures {
    /// (newest - oldest) / oldest, a fraction.
    pub yearly_return: f64,
    /// The mean.
    pub mean: f64,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
    /// The standard deviation of the population.
    pub std_dev: f64,
}

/// One of the figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// [`YearlyFigures::yearly_return`].
    YearlyReturn,
    /// [`YearlyFigures::mean`].
    MeanPrice,
    /// [`YearlyFigures::min`].
    MinimumPrice,
    /// [`YearlyFigures::max`].
    MaximumPrice,
    /// [`YearlyFigures::std_dev`].
    StandardDeviation,
}

/// Why there are no figures: not one usable adjusted close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the records hold no adjusted close from which a year's figures could be drawn")]
pub struct NoFigures;

impl YearlyFigures {
    /// Draws the figures from records in any order; those without an adjusted close are dropped,
    /// and so are closes that are not finite or not above zero: no stock trades at such a price.
    pub fn of(records: &[DailyRecord]) -> Result<Self, NoFigures> {
        let mut closes: Vec<(NaiveDate, f64)> = records
            .iter()
            .filter_map(|record| Some((record.date, record.adjclose?)))
            .filter(|(_, close)| close.is_finite() && *close > 0.0)
            .collect();
        closes.sort_by_key(|(date, _)| *date);
        let (Some((_, oldest)), Some((_, newest))) = (closes.first(), closes.last()) else {
            return Err(NoFigures);
        };
        let prices = || closes.iter().map(|(_, close)| *close);
        let count = closes.len() as f64;
        let mean = prices().sum::<f64>() / count;
        let variance = prices().map(|price| (price - mean).powi(2)).sum::<f64>() / count;
        Ok(Self {
            yearly_return: (newest - oldest) / oldest,
            mean,
            min: prices().fold(f64::INFINITY, f64::min),
            max: prices().fold(f64::NEG_INFINITY, f64::max),
            std_dev: variance.sqrt(),
        })
    }

    /// One of them.
    pub fn get(&self, metric: Metric) -> f64 {
        match metric {
            Metric::YearlyReturn => self.yearly_return,
            Metric::MeanPrice => self.mean,
            Metric::MinimumPrice => self.min,
            Metric::MaximumPrice => self.max,
            Metric::StandardDeviation => self.std_dev,
        }
    }
}

impl Metric {
    /// All five, in the order of the answer's keys.
    pub const ALL: [Self; 5] = [
        Self::YearlyReturn,
        Self::MeanPrice,
        Self::MinimumPrice,
        Self::MaximumPrice,
        Self::StandardDeviation,
    ];

    /// Its name in a path.
    pub fn slug(self) -> &'static str {
        match self {
            Self::YearlyReturn => "yearly-return",
            Self::MeanPrice => "mean-price",
            Self::MinimumPrice => "minimum-price",
            Self::MaximumPrice => "maximum-price",
            Self::StandardDeviation => "standard-deviation",
        }
    }

    /// Its key in an answer; two are spelled as the first version of the API spelled them.
    pub fn key(self) -> &'static str {
        match self {
            Self::YearlyReturn => "Yearly Return",
            Self::MeanPrice => "Mean Price",
            Self::MinimumPrice => "Minimun Price",
            Self::MaximumPrice => "Maximun Price",
            Self::StandardDeviation => "Standard Deviation",
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

/// A name that is no metric's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("unknown metric `{}`; there are {}", .0.escape_debug(), Metric::ALL.map(Metric::slug).join(", "))]
pub struct UnknownMetric(pub String);

impl FromStr for Metric {
    type Err = UnknownMetric;

    /// By slug or by key.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|metric| metric.slug() == text || metric.key() == text)
            .ok_or_else(|| UnknownMetric(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn day(day: u32, adjclose: Option<f64>) -> DailyRecord {
        DailyRecord {
            date: NaiveDate::from_ymd_opt(2026, 3, day).unwrap(),
            open: None,
            close: None,
            adjclose,
        }
    }

    #[test]
    fn figures_of_a_known_series() {
        // 2, 4, 4, 4, 5, 5, 7, 9 has mean 5 and population deviation 2; newest first, as sources send it.
        let closes = [9.0, 7.0, 5.0, 5.0, 4.0, 4.0, 4.0, 2.0];
        let mut records: Vec<DailyRecord> = closes
            .iter()
            .enumerate()
            .map(|(at, close)| day(20 - at as u32, Some(*close)))
            .collect();
        records.insert(3, day(30, None));
        records.insert(0, day(31, Some(f64::NAN)));
        let figures = YearlyFigures::of(&records).unwrap();
        let expected = YearlyFigures {
            yearly_return: 3.5,
            mean: 5.0,
            min: 2.0,
            max: 9.0,
            std_dev: 2.0,
        };
        assert_eq!(figures, expected);
        assert_eq!(figures.get(Metric::StandardDeviation), 2.0);
    }

    #[test]
    fn without_a_close_there_are_no_figures() {
        assert_eq!(YearlyFigures::of(&[]), Err(NoFigures));
        assert_eq!(
            YearlyFigures::of(&[day(1, None), day(2, Some(0.0))]),
            Err(NoFigures)
        );
    }

    #[test]
    fn metrics_are_read_by_slug_and_by_key() {
        for metric in Metric::ALL {
            assert_eq!(metric.slug().parse(), Ok(metric));
            assert_eq!(metric.key().parse(), Ok(metric));
        }
        assert!(
            "median"
                .parse::<Metric>()
                .unwrap_err()
                .to_string()
                .contains("mean-price")
        );
    }
}
