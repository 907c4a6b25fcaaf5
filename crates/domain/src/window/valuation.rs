//! What portfolios are worth at the end of a window, in whole hundredths, so that nothing is ever rounded but percents.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::holdings::{Holdings, MissingHoldings};
use super::rule::moment;
use super::state::{HeldPrice, OpenWindow};
use crate::{Evaluation, Portfolio, PortfolioId, Ticker};

/// A window that has closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedWindow {
    /// Where it began.
    pub start: DateTime<Utc>,
    /// Where it ended, exclusive.
    pub end: DateTime<Utc>,
    /// The evaluations of the active portfolios, ordered by portfolio.
    pub evaluations: Vec<Evaluation>,
    /// The active portfolios that could not be evaluated, ordered by portfolio.
    pub not_evaluated: Vec<NotEvaluated>,
}

/// An active portfolio that could not be evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotEvaluated {
    /// Which one.
    pub portfolio: PortfolioId,
    /// Why not.
    pub reason: NotEvaluable,
}

/// Why a portfolio cannot be evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotEvaluable {
    /// These of its tickers have no price yet.
    UnknownPrices(Vec<Ticker>),
    /// Its NAV, or the change of it in percent, is larger than an evaluation can carry.
    OutOfRange,
}

/// A percentage is stored with 18 digits, two of them decimals.
const MAX_PCT_HUNDREDTHS: i128 = 10_i128.pow(18) - 1;

impl ClosedWindow {
    /// Evaluates every active portfolio of the window's holdings at `prices`, and notes the new NAVs in `navs`.
    ///
    /// Portfolios that the holdings no longer have are forgotten in `navs`: made again, they start anew.
    pub(super) fn evaluate(
        window: &OpenWindow,
        prices: &BTreeMap<Ticker, HeldPrice>,
        holdings: &Holdings,
        navs: &mut BTreeMap<PortfolioId, i128>,
    ) -> Result<Self, MissingHoldings> {
        let (start, end) = (moment(window.start), moment(window.end));
        let mut closed = Self {
            start,
            end,
            evaluations: Vec::new(),
            not_evaluated: Vec::new(),
        };
        for (investor, version) in &window.holdings {
            let portfolios = holdings.get(*investor, *version)?;
            navs.retain(|id, _| id.investor != *investor || portfolios.iter().any(|p| p.id == *id));
            for portfolio in portfolios.iter().filter(|portfolio| portfolio.active) {
                let id = portfolio.id;
                let evaluated = nav(portfolio, prices).and_then(|nav| {
                    let previous = navs.insert(id, nav);
                    evaluation(id, (start, end), nav, previous).ok_or(NotEvaluable::OutOfRange)
                });
                match evaluated {
                    Ok(evaluation) => closed.evaluations.push(evaluation),
                    Err(reason) => closed.not_evaluated.push(NotEvaluated {
                        portfolio: id,
                        reason,
                    }),
                }
            }
        }
        Ok(closed)
    }
}

/// A price in hundredths; `None` for one that has no whole number of them.
pub(super) fn cents_of(price: Decimal) -> Option<i128> {
    let price = price.normalize();
    let places = 2_u32.checked_sub(price.scale())?;
    price.mantissa().checked_mul(10_i128.pow(places))
}

fn nav(portfolio: &Portfolio, prices: &BTreeMap<Ticker, HeldPrice>) -> Result<i128, NotEvaluable> {
    let tickers = portfolio.holdings.keys();
    let unknown: Vec<Ticker> = tickers
        .filter(|ticker| !prices.contains_key(ticker))
        .copied()
        .collect();
    if !unknown.is_empty() {
        return Err(NotEvaluable::UnknownPrices(unknown));
    }
    let amounts = portfolio
        .holdings
        .iter()
        .filter_map(|(ticker, quantity)| Some((prices.get(ticker)?, quantity)));
    let total = amounts
        .into_iter()
        .try_fold(0_i128, |total, (price, quantity)| {
            total.checked_add(price.cents.checked_mul(i128::from(*quantity))?)
        });
    total
        .filter(|nav| money(*nav).is_some())
        .ok_or(NotEvaluable::OutOfRange)
}

fn evaluation(
    portfolio: PortfolioId,
    (window_start, window_end): (DateTime<Utc>, DateTime<Utc>),
    nav: i128,
    previous: Option<i128>,
) -> Option<Evaluation> {
    let change = nav.checked_sub(previous.unwrap_or(nav))?;
    let pct = match previous {
        None | Some(0) => 0,
        Some(previous) => percent_hundredths(change, previous)?,
    };
    Some(Evaluation {
        portfolio,
        window_start,
        window_end,
        nav: money(nav)?,
        nav_change: money(change)?,
        nav_change_pct: money(pct)?,
    })
}

/// 100 x change / previous in hundredths, halves away from zero; `previous` is not 0.
fn percent_hundredths(change: i128, previous: i128) -> Option<i128> {
    let doubled = change.checked_mul(2 * 100 * 100)?;
    let away = if (doubled < 0) == (previous < 0) {
        previous
    } else {
        -previous
    };
    let pct = doubled.checked_add(away)? / previous.checked_mul(2)?;
    (pct.abs() <= MAX_PCT_HUNDREDTHS).then_some(pct)
}

fn money(cents: i128) -> Option<Decimal> {
    Decimal::try_from_i128_with_scale(cents, 2).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn percents_round_halves_away_from_zero() {
        // 100 x 1 / 800 = 0.125 %, and its mirror; 100 x 1 / 3 = 33.333… %.
        for (change, previous, pct) in [
            (1, 800, 13),
            (-1, 800, -13),
            (1, 3, 3333),
            (-1, 3, -3333),
            (2, 3, 6667),
            (0, 5, 0),
        ] {
            assert_eq!(
                percent_hundredths(change, previous),
                Some(pct),
                "{change} of {previous}"
            );
        }
        assert_eq!(percent_hundredths(10_i128.pow(20), 1), None);
    }

    #[test]
    fn the_first_evaluation_and_one_after_nothing_change_by_nothing() {
        let id = PortfolioId {
            investor: 1,
            portfolio: 1,
        };
        let span = (moment(0), moment(1));
        let shown = |nav, previous| {
            let evaluation = evaluation(id, span, nav, previous).unwrap();
            format!(
                "{} {} {}",
                evaluation.nav, evaluation.nav_change, evaluation.nav_change_pct
            )
        };
        assert_eq!(shown(123, None), "1.23 0.00 0.00");
        assert_eq!(shown(123, Some(0)), "1.23 1.23 0.00");
        assert_eq!(shown(90, Some(100)), "0.90 -0.10 -10.00");
    }

    #[test]
    fn a_price_of_fractions_of_hundredths_has_no_hundredths() {
        assert_eq!(cents_of(Decimal::new(12_345, 3)), None);
        assert_eq!(cents_of(Decimal::new(12_340, 3)), Some(1234));
        assert_eq!(cents_of(Decimal::new(12, 0)), Some(1200));
    }
}
