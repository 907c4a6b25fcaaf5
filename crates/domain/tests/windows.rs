//! Windows as their users see them: what closes, what is evaluated with which prices and holdings, what is reported.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use domain::window::{
    Advance, ClosedWindow, Holdings, MissingHoldings, NotEvaluable, WindowRule, WindowState,
};
use domain::{Decimal, Exchange, Portfolio, PortfolioId, Tick, Ticker, initial_portfolios};

fn rule() -> WindowRule {
    WindowRule::new(TimeDelta::seconds(20), TimeDelta::seconds(2)).unwrap()
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn tick(ticker: &str, cents: i64, event_time: DateTime<Utc>) -> Tick {
    Tick {
        ticker: ticker.parse().unwrap(),
        price: Decimal::new(cents, 2),
        event_time,
    }
}

fn initial_holdings() -> Holdings {
    let mut holdings = Holdings::default();
    for investor in 1..=3 {
        let mut portfolios = initial_portfolios();
        portfolios.retain(|portfolio| portfolio.id.investor == investor);
        holdings.insert_current(investor, 1, portfolios);
    }
    holdings
}

fn one_portfolio(version: u64, quantities: &[(&str, u64)], active: bool) -> Holdings {
    let mut holdings = Holdings::default();
    holdings.insert_current(1, version, vec![portfolio(quantities, active)]);
    holdings
}

fn portfolio(quantities: &[(&str, u64)], active: bool) -> Portfolio {
    let holdings: BTreeMap<Ticker, u64> = quantities
        .iter()
        .map(|(t, q)| (t.parse().unwrap(), *q))
        .collect();
    Portfolio {
        id: PortfolioId {
            investor: 1,
            portfolio: 1,
        },
        holdings,
        active,
    }
}

fn advance(state: &mut WindowState, holdings: &Holdings, offset: i64, tick: &Tick) -> Advance {
    state.advance(&rule(), holdings, offset, tick).unwrap()
}

/// Takes ticks at offsets from 0 on and gives the windows they closed.
fn run(holdings: &Holdings, ticks: &[Tick]) -> (WindowState, Vec<ClosedWindow>) {
    let mut state = WindowState::default();
    let take = |(offset, tick)| advance(&mut state, holdings, offset, tick).closed;
    let closed = (0..).zip(ticks).flat_map(take).collect();
    (state, closed)
}

fn shown(window: &ClosedWindow) -> Vec<String> {
    let line = |e: &domain::Evaluation| {
        format!(
            "{} {} {} {}",
            e.portfolio, e.nav, e.nav_change, e.nav_change_pct
        )
    };
    window.evaluations.iter().map(line).collect()
}

#[test]
fn navs_at_start_prices_are_those_of_the_original() {
    let start = Exchange::ALL.into_iter().flat_map(Exchange::listings);
    let mut ticks: Vec<Tick> = start
        .map(|listing| Tick {
            ticker: listing.ticker,
            price: listing.start_price,
            event_time: at(3),
        })
        .collect();
    ticks.push(tick("IBM", 1, at(22)));
    let (_, closed) = run(&initial_holdings(), &ticks);
    assert_eq!(closed.len(), 1);
    assert_eq!((closed[0].start, closed[0].end), (at(0), at(20)));
    assert_eq!(
        shown(&closed[0]),
        [
            "1.1 10724420.00 0.00 0.00",
            "1.2 590240.00 0.00 0.00",
            "2.1 1187710.00 0.00 0.00",
            "2.2 1451870.00 0.00 0.00",
            "3.1 1286940.00 0.00 0.00",
            "3.2 834255.00 0.00 0.00",
        ]
    );
}

#[test]
fn a_window_closes_at_its_end_plus_the_lateness_and_counts_what_came_in_between() {
    let holdings = one_portfolio(1, &[("IBM", 2)], true);
    let before = [
        tick("IBM", 100, at(0)),
        tick("IBM", 999, at(21)),
        tick("IBM", 200, at(19)),
    ];
    let (mut state, closed) = run(&holdings, &before);
    assert_eq!(closed, []);
    let closed = advance(&mut state, &holdings, 3, &tick("AMD", 1, at(22))).closed;
    assert_eq!(
        closed.iter().map(shown).collect::<Vec<_>>(),
        [["1.1 4.00 0.00 0.00"]]
    );
    let closed = advance(&mut state, &holdings, 4, &tick("AMD", 1, at(42))).closed;
    assert_eq!(
        closed.iter().map(shown).collect::<Vec<_>>(),
        [["1.1 19.98 15.98 399.50"]]
    );
}

#[test]
fn a_late_tick_counts_for_the_next_window_if_it_is_newer_than_what_is_held() {
    let holdings = one_portfolio(1, &[("IBM", 1)], true);
    let (mut state, closed) = run(
        &holdings,
        &[tick("IBM", 100, at(10)), tick("AMD", 1, at(22))],
    );
    assert_eq!(closed.len(), 1);
    let older = advance(&mut state, &holdings, 2, &tick("IBM", 777, at(9)));
    let newer = advance(&mut state, &holdings, 3, &tick("IBM", 300, at(12)));
    assert!(older.late && newer.late && older.closed.is_empty() && newer.closed.is_empty());
    assert_eq!(state.late, 2);
    let closed = advance(&mut state, &holdings, 4, &tick("AMD", 1, at(42))).closed;
    assert_eq!(
        closed.iter().map(shown).collect::<Vec<_>>(),
        [["1.1 3.00 2.00 200.00"]]
    );
}

#[test]
fn of_two_prices_of_one_moment_the_one_further_on_in_the_log_counts() {
    let holdings = one_portfolio(1, &[("IBM", 1)], true);
    let ticks = [
        tick("IBM", 100, at(1)),
        tick("IBM", 200, at(1)),
        tick("AMD", 1, at(22)),
    ];
    assert_eq!(shown(&run(&holdings, &ticks).1[0]), ["1.1 2.00 0.00 0.00"]);
}

#[test]
fn quiet_windows_are_skipped_however_many_there_are() {
    let holdings = one_portfolio(1, &[("IBM", 1)], true);
    let far = DateTime::<Utc>::MAX_UTC;
    let times = [
        DateTime::UNIX_EPOCH,
        at(0),
        DateTime::UNIX_EPOCH,
        at(1_000_000),
        far,
        DateTime::<Utc>::MIN_UTC,
    ];
    let ticks: Vec<Tick> = times
        .into_iter()
        .map(|time| tick("IBM", 100, time))
        .collect();
    let (state, closed) = run(&holdings, &ticks);
    let starts: Vec<DateTime<Utc>> = closed.iter().map(|window| window.start).collect();
    assert_eq!(starts, [DateTime::UNIX_EPOCH, at(0), at(1_000_000)]);
    assert_eq!((state.late, state.open.len()), (2, 1));
}

#[test]
fn a_portfolio_waits_for_all_its_prices_and_says_which_are_missing() {
    let holdings = initial_holdings();
    let all_but_orkl =
        Ticker::all().filter(|ticker| ticker.as_str() != "ORKL" && ticker.as_str() != "LNKD");
    let mut ticks: Vec<Tick> = all_but_orkl
        .map(|ticker| tick(ticker.as_str(), 100, at(0)))
        .collect();
    ticks.push(tick("IBM", 100, at(22)));
    let (_, closed) = run(&holdings, &ticks);
    let evaluated: Vec<String> = closed[0]
        .evaluations
        .iter()
        .map(|e| e.portfolio.to_string())
        .collect();
    assert_eq!(evaluated, ["1.1", "2.1", "2.2", "3.1"]);
    let missing: Vec<String> = closed[0]
        .not_evaluated
        .iter()
        .map(|n| format!("{} {:?}", n.portfolio, n.reason))
        .collect();
    assert_eq!(
        missing,
        [
            "1.2 UnknownPrices([LNKD, ORKL])",
            "3.2 UnknownPrices([ORKL])"
        ]
    );
}

#[test]
fn a_change_of_holdings_holds_from_the_next_window_on() {
    let before = one_portfolio(1, &[("IBM", 1)], true);
    let mut after = before.clone();
    after.insert_current(1, 2, vec![portfolio(&[("IBM", 10)], true)]);
    let mut state = WindowState::default();
    advance(&mut state, &before, 0, &tick("IBM", 100, at(0)));
    advance(&mut state, &after, 1, &tick("IBM", 200, at(1)));
    let first = advance(&mut state, &after, 2, &tick("IBM", 300, at(22))).closed;
    let second = advance(&mut state, &after, 3, &tick("IBM", 300, at(42))).closed;
    assert_eq!(shown(&first[0]), ["1.1 2.00 0.00 0.00"]);
    assert_eq!(shown(&second[0]), ["1.1 30.00 28.00 1400.00"]);
}

#[test]
fn inactive_portfolios_rest_and_removed_ones_are_forgotten() {
    let mut state = WindowState::default();
    let versions = [
        one_portfolio(1, &[("IBM", 1)], true),
        one_portfolio(2, &[("IBM", 1)], false),
        one_portfolio(3, &[("IBM", 3)], true),
        {
            let mut none = Holdings::default();
            none.insert_current(1, 4, vec![]);
            none
        },
        one_portfolio(5, &[("IBM", 5)], true),
    ];
    let mut book = Holdings::default();
    let mut lines = Vec::new();
    for (n, version) in (0_i64..).zip(&versions) {
        let (investor, version_no) = version.current().iter().next().unwrap();
        let quantities = match n {
            3 => vec![],
            _ => vec![portfolio(&[("IBM", [1, 1, 3, 0, 5][n as usize])], n != 1)],
        };
        book.insert_current(*investor, *version_no, quantities);
        let closed = advance(&mut state, &book, n, &tick("IBM", 100, at(22 * n))).closed;
        lines.push(closed.iter().flat_map(shown).collect::<Vec<_>>());
    }
    let last = advance(&mut state, &book, 9, &tick("IBM", 100, at(22 * 6))).closed;
    lines.push(last.iter().flat_map(shown).collect());
    assert_eq!(lines[1], ["1.1 1.00 0.00 0.00"]);
    assert_eq!(lines[2], [""; 0]);
    assert_eq!(lines[3], ["1.1 3.00 2.00 200.00"]);
    assert_eq!(lines[4], [""; 0]);
    assert_eq!(lines[5], ["1.1 5.00 0.00 0.00"]);
}

#[test]
fn what_cannot_be_told_in_an_evaluation_is_reported_and_nothing_panics() {
    let holdings = one_portfolio(1, &[("IBM", u64::MAX), ("AMD", u64::MAX)], true);
    let huge = |ticker: &str, time| Tick {
        price: Decimal::MAX,
        ..tick(ticker, 1, time)
    };
    let ticks = [
        huge("IBM", at(0)),
        huge("AMD", at(0)),
        tick("IBM", 0, at(21)),
        tick("AMD", 0, at(22)),
        tick("IBM", 1, at(43)),
        tick("IBM", 1, at(64)),
    ];
    let (_, closed) = run(&holdings, &ticks);
    assert_eq!(closed[0].not_evaluated[0].reason, NotEvaluable::OutOfRange);
    assert_eq!(shown(&closed[1]), ["1.1 0.00 0.00 0.00"]);
    assert_eq!(
        shown(&closed[2]),
        ["1.1 184467440737095516.15 184467440737095516.15 0.00"]
    );
}

#[test]
fn without_the_holdings_of_an_open_window_nothing_changes() {
    let mut state = WindowState::default();
    advance(
        &mut state,
        &one_portfolio(1, &[("IBM", 1)], true),
        0,
        &tick("IBM", 100, at(0)),
    );
    let before = state.clone();
    let others = one_portfolio(2, &[("IBM", 1)], true);
    let error = state
        .advance(&rule(), &others, 1, &tick("IBM", 100, at(22)))
        .unwrap_err();
    assert_eq!(
        (error, state),
        (
            MissingHoldings {
                investor: 1,
                version: 1
            },
            before
        )
    );
}

#[test]
fn windows_of_an_earlier_width_close_at_their_own_end() {
    let holdings = one_portfolio(1, &[("IBM", 1)], true);
    let (mut state, _) = run(&holdings, &[tick("IBM", 100, at(0))]);
    let narrow = WindowRule::new(TimeDelta::seconds(5), TimeDelta::zero()).unwrap();
    let closed = state
        .advance(&narrow, &holdings, 1, &tick("IBM", 200, at(6)))
        .unwrap()
        .closed;
    assert_eq!(closed, []);
    let closed = state
        .advance(&narrow, &holdings, 2, &tick("IBM", 300, at(20)))
        .unwrap()
        .closed;
    let ends: Vec<DateTime<Utc>> = closed.iter().map(|window| window.end).collect();
    assert_eq!(ends, [at(10), at(20)]);
}

#[test]
fn on_a_new_log_its_ticks_win_over_older_ones_of_the_same_moment() {
    let holdings = one_portfolio(1, &[("IBM", 1)], true);
    let mut state = WindowState::default();
    advance(&mut state, &holdings, 900, &tick("IBM", 100, at(0)));
    let mut state = state.on_new_log();
    advance(&mut state, &holdings, 0, &tick("IBM", 200, at(0)));
    let closed = advance(&mut state, &holdings, 1, &tick("AMD", 1, at(22))).closed;
    assert_eq!(shown(&closed[0]), ["1.1 2.00 0.00 0.00"]);
}
