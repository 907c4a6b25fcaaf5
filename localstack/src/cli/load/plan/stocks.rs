//! Customers of the Stocks API: random tickers checked, bought and sold.

use domain::Stock;
use http::Method;
use rand::{RngExt as _, seq::IteratorRandom as _};
use rand_chacha::ChaCha8Rng;

use super::{Burst, Call, Plan, chance};

/// `runs` bursts of one to ten equal calls.
pub(in super::super) fn plan(runs: u32, seed: u64) -> Plan {
    Plan::new(Stocks {
        chance: chance(seed),
        left: runs,
    })
}

#[derive(Clone)]
struct Stocks {
    chance: ChaCha8Rng,
    left: u32,
}

impl Iterator for Stocks {
    type Item = Burst;

    fn next(&mut self) -> Option<Burst> {
        self.left = self.left.checked_sub(1)?;
        let stock = Stock::all().choose(&mut self.chance)?;
        let action = self.chance.random_range(0..3);
        let quantity = self.chance.random_range(1..=50_u32);
        let (method, path, event_type) = match action {
            0 => (
                Method::GET,
                format!("/{stock}"),
                format!("check_stock_{stock}"),
            ),
            1 => (
                Method::POST,
                format!("/{stock}/buy/{quantity}"),
                format!("buy_{stock}"),
            ),
            _ => (
                Method::POST,
                format!("/{stock}/sell/{quantity}"),
                format!("sell_{stock}"),
            ),
        };
        Some(Burst {
            call: Call {
                method,
                path,
                host: None,
                event_type: event_type.into(),
            },
            times: self.chance.random_range(1..=10),
            at_once: 1,
        })
    }
}
