//! How an exchange comes to its prices.

use chrono::TimeDelta;
use domain::rust_decimal::RoundingStrategy::MidpointAwayFromZero;
use domain::{Decimal, Exchange, Listing, Ticker};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::Spread;

/// The endless sequence of an exchange's prices: start prices that are due, then random ones.
pub(crate) struct Market {
    listings: &'static [Listing],
    due: std::vec::IntoIter<Ticker>,
    spread: Spread,
    rng: ChaCha8Rng,
}

/// Random fractions have this many steps: prices are exact decimals, so their randomness is drawn as integers.
const STEPS: i64 = 1_000_000;

impl Market {
    /// The same seed gives the same sequence, on every machine and in every version.
    pub(crate) fn new(exchange: Exchange, due: Vec<Ticker>, spread: Spread, seed: u64) -> Self {
        let listings = exchange.listings();
        Self {
            listings,
            due: due.into_iter(),
            spread,
            rng: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// The next ticker and its price, with two decimals.
    pub(crate) fn next_price(&mut self) -> (Ticker, Decimal) {
        if let Some(ticker) = self.due.next()
            && let Some(listing) = self
                .listings
                .iter()
                .find(|listing| listing.ticker == ticker)
        {
            return (ticker, listing.start_price);
        }
        let at = self.rng.random_range(0..self.listings.len() as u32);
        let Listing {
            ticker,
            start_price,
        } = self.listings[at as usize];
        let factor = Decimal::ONE + self.deviation();
        (ticker, two_decimals(start_price * factor))
    }

    /// How long an exchange rests between two ticks: 2 to 5 s.
    pub(crate) fn rest(&mut self) -> TimeDelta {
        TimeDelta::milliseconds(self.rng.random_range(2_000..=5_000))
    }

    fn deviation(&mut self) -> Decimal {
        match self.spread {
            Spread::Around(spread) => {
                spread * Decimal::new(self.rng.random_range(-STEPS..=STEPS), 6)
            }
            Spread::Original => {
                Decimal::new(self.rng.random_range(0..=STEPS), 7) - Decimal::new(5, 1)
            }
        }
    }
}

/// Rounds as a price is written: halves away from zero.
fn two_decimals(price: Decimal) -> Decimal {
    let mut rounded = price.round_dp_with_strategy(2, MidpointAwayFromZero);
    rounded.rescale(2);
    rounded
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prices(
        exchange: Exchange,
        spread: Spread,
        seed: u64,
        count: usize,
    ) -> Vec<(Ticker, Decimal)> {
        let mut market = Market::new(exchange, Vec::new(), spread, seed);
        std::iter::repeat_with(|| market.next_price())
            .take(count)
            .collect()
    }

    fn start_price(ticker: Ticker) -> Decimal {
        let listing = ticker
            .exchange()
            .listings()
            .iter()
            .find(|listing| listing.ticker == ticker);
        listing.map_or(Decimal::ZERO, |listing| listing.start_price)
    }

    #[test]
    fn a_seed_means_the_same_prices_for_good() {
        let shown: Vec<String> = prices(Exchange::Se1, Spread::default(), 7, 3)
            .iter()
            .map(|(t, p)| format!("{t} {p}"))
            .collect();
        assert_eq!(shown, ["AAPL 121.36", "FB 269.70", "IBM 117.92"]);
    }

    proptest! {
        #[test]
        fn prices_stay_within_the_spread(seed: u64, hundredths in 0..=100_i64, se2: bool) {
            let exchange = if se2 { Exchange::Se2 } else { Exchange::Se1 };
            let spread = Decimal::new(hundredths, 2);
            for (ticker, price) in prices(exchange, Spread::Around(spread), seed, 50) {
                let start = start_price(ticker);
                prop_assert_eq!(ticker.exchange(), exchange);
                prop_assert_eq!(price.scale(), 2);
                prop_assert!((price - start).abs() <= start * spread + Decimal::new(5, 3), "{} {}", ticker, price);
            }
        }

        #[test]
        fn the_originals_prices_are_about_half_of_the_start(seed: u64) {
            for (ticker, price) in prices(Exchange::Se1, Spread::Original, seed, 50) {
                let share = price / start_price(ticker);
                prop_assert!(share >= Decimal::new(4999, 4) && share <= Decimal::new(6001, 4), "{}", share);
            }
        }
    }
}
