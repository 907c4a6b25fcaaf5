//! Players of the small game: purchases and guilds, most often a few at a time and seldom many.

use http::Method;
use rand::{RngExt as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha8Rng;

use super::{Burst, Call, Plan, chance};

const ITEMS: [&str; 5] = ["sword", "shield", "helmet", "knife", "gauntlet"];
const PROVIDERS: [&str; 6] = ["comcast", "att", "google", "frontier", "cox", "earthlink"];

/// `runs` bursts, each of one call of one player.
pub(in super::super) fn plan(runs: u32, seed: u64) -> Plan {
    Plan::new(Purchases {
        chance: chance(seed),
        left: runs,
    })
}

#[derive(Clone)]
struct Purchases {
    chance: ChaCha8Rng,
    left: u32,
}

impl Iterator for Purchases {
    type Item = Burst;

    fn next(&mut self) -> Option<Burst> {
        self.left = self.left.checked_sub(1)?;
        let joins = self.chance.random_bool(0.5);
        let item = ITEMS.choose(&mut self.chance)?;
        let times = size(self.chance.random_range(1..=99));
        let at_once = self.chance.random_range(1..=times);
        let user = self.chance.random_range(1..=99_u32);
        let provider = PROVIDERS.choose(&mut self.chance)?;
        let (path, event_type) = if joins {
            ("/join_a_guild".to_owned(), "join_guild".into())
        } else {
            (
                format!("/purchase/{item}"),
                format!("{item} purchased").into(),
            )
        };
        Some(Burst {
            call: Call {
                method: Method::GET,
                path,
                host: Some(format!("user{user}.{provider}.com")),
                event_type,
            },
            times,
            at_once,
        })
    }
}

/// The inverse-logarithmic size of a burst: 100 / r rounded up, so 2 half of the time and 100 once in 99.
fn size(r: u32) -> u32 {
    100_u32.div_ceil(r)
}
