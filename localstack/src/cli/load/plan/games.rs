//! Players of the large game: nine kinds of events, of users with a userid and a Host of their own.

use std::fmt::Write as _;

use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rand::{RngExt as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha8Rng;

use super::{Burst, Call, Plan, chance};

/// How many endpoints there are to choose from.
pub(in super::super) const ENDPOINTS: usize = ALL.len();
/// The most that a batch sends.
const BATCH: u32 = 10;
const GUILDS: [&str; 3] = [
    "Knights of the Round Table",
    "Game of Thrones",
    "Castle of Rock",
];

/// What a call says beside who calls.
#[derive(Clone, Copy)]
enum Parameter {
    Nothing,
    /// `n`, from one up to this.
    UpTo(u32),
    Guild,
}

use Parameter::{Guild, Nothing, UpTo};

/// Path, event_type and parameter of each endpoint, in the order of their numbers.
const ALL: [(&str, &str, Parameter); 9] = [
    ("purchase_a_sword", "purchase_sword", UpTo(10)),
    ("purchase_a_shield", "purchase_shield", UpTo(5)),
    ("purchase_a_potion", "purchase_potion", UpTo(100)),
    ("find_treasure", "find_treasure", Nothing),
    ("enemy_attack", "enemy_attack", Nothing),
    ("defeat_enemy", "defeat_enemy", Nothing),
    ("take_potion", "take_potion", UpTo(3)),
    ("level_up", "level_up", Nothing),
    ("join_guild", "join_guild", Guild),
];

/// What a user asks of this plan.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Wish {
    /// Players, numbered from 1.
    pub(in super::super) users: u32,
    /// Of the endpoints, the first so many.
    pub(in super::super) endpoints: usize,
    /// Calls in all.
    pub(in super::super) requests: u64,
    /// Whether a player's call comes several times, one after another.
    pub(in super::super) batch: bool,
}

/// Exactly as many calls as wished.
pub(in super::super) fn plan(wish: Wish, seed: u64) -> Plan {
    Plan::with_total(
        wish.requests,
        Games {
            chance: chance(seed),
            wish,
        },
    )
}

#[derive(Clone)]
struct Games {
    chance: ChaCha8Rng,
    /// With the requests that are left.
    wish: Wish,
}

impl Iterator for Games {
    type Item = Burst;

    fn next(&mut self) -> Option<Burst> {
        if self.wish.requests == 0 {
            return None;
        }
        let endpoints = self.wish.endpoints.clamp(1, ENDPOINTS);
        let (path, event_type, parameter) =
            ALL[self.chance.random_range(0..endpoints as u32) as usize];
        let user = self.chance.random_range(1..=self.wish.users.max(1));
        let mut path = format!("/{path}/?userid={user}");
        match parameter {
            Nothing => {}
            UpTo(most) => {
                let n = self.chance.random_range(1..=most);
                // Writing to a String cannot fail.
                let _ = write!(path, "&n={n}");
            }
            Guild => {
                let guild = GUILDS.choose(&mut self.chance)?;
                path.push_str("&guild_name=");
                path.extend(utf8_percent_encode(guild, NON_ALPHANUMERIC));
            }
        }
        let times = if self.wish.batch {
            let left = u32::try_from(self.wish.requests).unwrap_or(u32::MAX);
            self.chance.random_range(1..=BATCH).min(left)
        } else {
            1
        };
        self.wish.requests -= u64::from(times);
        Some(Burst {
            call: Call {
                method: Method::GET,
                path,
                host: Some(format!("user-00{user}.comcast.com")),
                event_type: event_type.into(),
            },
            times,
            at_once: 1,
        })
    }
}
