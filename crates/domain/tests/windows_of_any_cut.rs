//! The property on which exactly-once rests: however a log is cut into batches, its evaluations are the same, and they
//! are those that a reading of the whole log gives.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta};
use domain::window::{ClosedWindow, Holdings, WindowRule, WindowState};
use domain::{Decimal, PortfolioId, Tick, Ticker, initial_portfolios};
use proptest::prelude::*;

const SECOND: i64 = 1_000_000;

fn rule(width: i64, lateness: i64) -> WindowRule {
    WindowRule::new(TimeDelta::seconds(width), TimeDelta::seconds(lateness)).unwrap()
}

fn holdings() -> Holdings {
    let mut holdings = Holdings::default();
    for investor in 1..=3 {
        let of_investor = initial_portfolios()
            .into_iter()
            .filter(|portfolio| portfolio.id.investor == investor);
        holdings.insert_current(investor, 1, of_investor.collect());
    }
    holdings
}

/// Mostly a stream that moves on with some disorder; now and then a moment of 1970, of before, or of far ahead.
fn any_time() -> impl Strategy<Value = i64> {
    let base = 1_800_000_000 * SECOND;
    prop_oneof![
        60 => (0..300 * SECOND).prop_map(move |micros| base + micros),
        20 => (0..15_i64).prop_map(move |window| base + window * 20 * SECOND),
        2 => -100 * SECOND..100 * SECOND,
        1 => Just(-62_167_219_200 * SECOND),
        1 => Just(253_402_300_799 * SECOND),
    ]
}

fn any_ticks() -> impl Strategy<Value = Vec<Tick>> {
    let tick =
        (0..24_usize, 0..1_000_000_i64, any_time()).prop_map(|(ticker, cents, micros)| Tick {
            ticker: Ticker::all().nth(ticker).unwrap(),
            price: Decimal::new(cents, 2),
            event_time: DateTime::from_timestamp_micros(micros).unwrap(),
        });
    let start = any_time().prop_map(|micros| {
        let event_time = DateTime::from_timestamp_micros(micros).unwrap();
        Ticker::all()
            .map(|ticker| Tick {
                ticker,
                price: Decimal::new(5000, 2),
                event_time,
            })
            .collect::<Vec<_>>()
    });
    (
        start,
        prop::collection::vec(tick, 0..120),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(start, ticks, starts, sorted)| {
            let mut log = if starts {
                [start, ticks].concat()
            } else {
                ticks
            };
            if sorted {
                log.sort_by_key(|tick| tick.event_time);
            }
            log
        })
}

/// Takes a log in batches that end where `cuts` say; between batches only the state's text lives on.
fn in_batches(
    rule: &WindowRule,
    ticks: &[Tick],
    cuts: &BTreeSet<usize>,
) -> (String, Vec<(i64, ClosedWindow)>) {
    let holdings = holdings();
    let mut kept = serde_json::to_string(&WindowState::default()).unwrap();
    let mut closed = Vec::new();
    let ends = cuts
        .iter()
        .copied()
        .filter(|cut| *cut < ticks.len())
        .chain([ticks.len()]);
    let mut from = 0;
    for to in ends {
        let mut state: WindowState = serde_json::from_str(&kept).unwrap();
        for (offset, tick) in (from as i64..).zip(&ticks[from..to]) {
            let advance = state.advance(rule, &holdings, offset, tick).unwrap();
            closed.extend(advance.closed.into_iter().map(|window| (offset, window)));
        }
        kept = serde_json::to_string(&state).unwrap();
        from = to;
    }
    (kept, closed)
}

/// What a window that closed at a tick must say, read from the whole log: the latest price of each ticker among all
/// ticks before the closing one and before the window's end.
fn navs_of_the_log(
    ticks: &[Tick],
    closed_by: i64,
    window: &ClosedWindow,
) -> BTreeMap<PortfolioId, Decimal> {
    let mut prices = BTreeMap::new();
    for tick in &ticks[..closed_by as usize] {
        let held = prices
            .get(&tick.ticker)
            .is_some_and(|(time, _)| *time > tick.event_time);
        if tick.event_time < window.end && !held {
            prices.insert(tick.ticker, (tick.event_time, tick.price));
        }
    }
    let nav = |portfolio: &domain::Portfolio| {
        portfolio
            .holdings
            .iter()
            .map(|(t, q)| Some(prices.get(t)?.1 * Decimal::from(*q)))
            .sum::<Option<Decimal>>()
    };
    initial_portfolios()
        .iter()
        .filter_map(|portfolio| Some((portfolio.id, nav(portfolio)?)))
        .collect()
}

/// Which windows must close at which tick, read from the whole log.
fn closings_of_the_log(ticks: &[Tick], width: i64, lateness: i64) -> Vec<(i64, i64)> {
    let (width, lateness) = (width * SECOND, lateness * SECOND);
    let mut newest = i64::MIN;
    let (mut open, mut closings) = (BTreeSet::new(), Vec::new());
    for (offset, tick) in (0..).zip(ticks) {
        let time = tick.event_time.timestamp_micros();
        newest = newest.max(time);
        let closed: Vec<i64> = open
            .iter()
            .copied()
            .filter(|end| end + lateness <= newest)
            .collect();
        closings.extend(closed.iter().map(|end| (offset, *end)));
        open.retain(|end| !closed.contains(end));
        let end = time.div_euclid(width) * width + width;
        if end + lateness > newest {
            open.insert(end);
        }
    }
    closings
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_gives_the_same_evaluations(
        ticks in any_ticks(),
        cuts in prop::collection::btree_set(0..150_usize, 0..40),
        width in 1..40_i64,
        lateness in 0..50_i64,
    ) {
        let rule = rule(width, lateness);
        let whole = in_batches(&rule, &ticks, &BTreeSet::new());
        prop_assert_eq!(&in_batches(&rule, &ticks, &cuts), &whole);
        let each = (0..ticks.len()).collect();
        prop_assert_eq!(&in_batches(&rule, &ticks, &each), &whole);
    }

    #[test]
    fn evaluations_are_those_of_the_whole_log(ticks in any_ticks(), width in 1..40_i64, lateness in 0..50_i64) {
        let (_, closed) = in_batches(&rule(width, lateness), &ticks, &BTreeSet::new());
        let closings: Vec<(i64, i64)> =
            closed.iter().map(|(offset, window)| (*offset, window.end.timestamp_micros())).collect();
        prop_assert_eq!(closings, closings_of_the_log(&ticks, width, lateness));
        let mut previous = BTreeMap::new();
        for (closed_by, window) in &closed {
            let expected = navs_of_the_log(&ticks, *closed_by, window);
            let navs: BTreeMap<PortfolioId, Decimal> =
                window.evaluations.iter().map(|evaluation| (evaluation.portfolio, evaluation.nav)).collect();
            prop_assert_eq!(&navs, &expected);
            prop_assert_eq!(window.evaluations.len() + window.not_evaluated.len(), 6);
            for evaluation in &window.evaluations {
                let before = previous.insert(evaluation.portfolio, evaluation.nav).unwrap_or(evaluation.nav);
                prop_assert_eq!(evaluation.nav_change, evaluation.nav - before);
            }
        }
    }
}
