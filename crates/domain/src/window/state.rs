//! What is known after a prefix of the log, and how one more tick changes it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::holdings::{Holdings, HoldingsVersions, MissingHoldings};
use super::rule::WindowRule;
use super::valuation::{ClosedWindow, cents_of};
use crate::{PortfolioId, Tick, Ticker};

/// The state after a prefix of the log: small, and all that the ticks which follow need of those before.
///
/// It serialises to the same bytes whenever it is equal. Times are microseconds since 1970, money is in hundredths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowState {
    /// The latest price of each ticker, as far as windows are closed.
    pub prices: BTreeMap<Ticker, HeldPrice>,
    /// The windows that have ticks and are not closed, by their end.
    pub open: Vec<OpenWindow>,
    /// The newest event time seen, which decides what is closed.
    pub newest: Option<i64>,
    /// The NAV of each portfolio at its previous evaluation.
    pub navs: BTreeMap<PortfolioId, i128>,
    /// How many ticks came too late for their window, over the whole log.
    pub late: u64,
}

/// A price and where in the log it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(i128, i64, i64)", into = "(i128, i64, i64)")]
pub struct HeldPrice {
    /// The price in hundredths.
    pub cents: i128,
    /// Its event time.
    pub event_time: i64,
    /// Its offset; of two prices of one time the one with the higher offset is the latest.
    pub offset: i64,
}

/// A window that has ticks and is not closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenWindow {
    /// Where it begins.
    pub start: i64,
    /// Where it ends, exclusive.
    pub end: i64,
    /// The holdings that were current when its first tick came.
    pub holdings: HoldingsVersions,
    /// The latest price of each ticker in it.
    pub prices: BTreeMap<Ticker, HeldPrice>,
}

/// What one tick brought about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advance {
    /// The windows that it closed, in order; only ones into which ticks had fallen.
    pub closed: Vec<ClosedWindow>,
    /// Whether it came too late for its own window.
    pub late: bool,
}

impl WindowState {
    /// Takes the tick at `offset`, which must be above those taken before. Its price counts in whole hundredths;
    /// one that has fractions of them is none.
    ///
    /// After an error the state is what it was before.
    pub fn advance(
        &mut self,
        rule: &WindowRule,
        holdings: &Holdings,
        offset: i64,
        tick: &Tick,
    ) -> Result<Advance, MissingHoldings> {
        let time = tick.event_time.timestamp_micros();
        let newest = self.newest.map_or(time, |newest| newest.max(time));
        let closed = self.close(rule, holdings, newest)?;
        self.newest = Some(newest);

        let (start, end) = rule.window_of(time);
        let late = rule.closes(end, newest);
        if let Some(cents) = cents_of(tick.price) {
            let price = HeldPrice {
                cents,
                event_time: time,
                offset,
            };
            if late {
                take_if_latest(&mut self.prices, tick.ticker, price);
            } else {
                let prices = &mut self.open_window(start, end, holdings).prices;
                take_if_latest(prices, tick.ticker, price);
            }
        }
        self.late += u64::from(late);
        Ok(Advance { closed, late })
    }

    /// The versions of holdings that the open windows were opened with.
    pub fn holdings_in_use(&self) -> BTreeSet<(u32, u64)> {
        let versions = self.open.iter().flat_map(|window| &window.holdings);
        versions
            .map(|(investor, version)| (*investor, *version))
            .collect()
    }

    /// Carries the state over to a new log, whose offsets start anew: what was held keeps its place in time,
    /// and gives way to a tick of the new log at the same moment.
    pub fn on_new_log(mut self) -> Self {
        let held = self
            .prices
            .values_mut()
            .chain(self.open.iter_mut().flat_map(|w| w.prices.values_mut()));
        held.for_each(|price| price.offset = -1);
        self
    }

    /// Closes every window that `newest` closes; all or, on an error, none.
    fn close(
        &mut self,
        rule: &WindowRule,
        holdings: &Holdings,
        newest: i64,
    ) -> Result<Vec<ClosedWindow>, MissingHoldings> {
        let count = self
            .open
            .partition_point(|window| rule.closes(window.end, newest));
        for window in &self.open[..count] {
            for (investor, version) in &window.holdings {
                holdings.get(*investor, *version)?;
            }
        }
        let windows: Vec<OpenWindow> = self.open.drain(..count).collect();
        let close = |window: OpenWindow| {
            for (ticker, price) in &window.prices {
                take_if_latest(&mut self.prices, *ticker, *price);
            }
            ClosedWindow::evaluate(&window, &self.prices, holdings, &mut self.navs)
        };
        windows.into_iter().map(close).collect()
    }

    /// The window of that span; it is opened with the current holdings if this is its first tick.
    ///
    /// Windows are told apart by their whole span, so that ones of an earlier width are still closed at their own end.
    fn open_window(&mut self, start: i64, end: i64, holdings: &Holdings) -> &mut OpenWindow {
        let at = match self
            .open
            .binary_search_by_key(&(end, start), |window| (window.end, window.start))
        {
            Ok(at) => at,
            Err(at) => {
                let holdings = holdings.current().clone();
                self.open.insert(
                    at,
                    OpenWindow {
                        start,
                        end,
                        holdings,
                        prices: BTreeMap::new(),
                    },
                );
                at
            }
        };
        &mut self.open[at]
    }
}

impl HeldPrice {
    fn rank(&self) -> (i64, i64) {
        (self.event_time, self.offset)
    }
}

/// The latest price is the one with the latest event time, then the higher offset.
fn take_if_latest(prices: &mut BTreeMap<Ticker, HeldPrice>, ticker: Ticker, price: HeldPrice) {
    let held = prices.entry(ticker).or_insert(price);
    if held.rank() < price.rank() {
        *held = price;
    }
}

impl From<(i128, i64, i64)> for HeldPrice {
    fn from((cents, event_time, offset): (i128, i64, i64)) -> Self {
        Self {
            cents,
            event_time,
            offset,
        }
    }
}

impl From<HeldPrice> for (i128, i64, i64) {
    fn from(held: HeldPrice) -> Self {
        (held.cents, held.event_time, held.offset)
    }
}
