//! Tables of the games' events, one for each game: what a column does not apply to is null there.

use super::events::{CALLER, REST};
use super::{Column, Kind};

const GAME: &[Column] = &[
    Column::optional(
        "userid",
        Kind::Text,
        "who played; null for the default event",
    ),
    Column::optional("description", Kind::Text, "what happened, in words"),
    Column::optional(
        "item_type",
        Kind::Text,
        "what was purchased: sword, shield or potion",
    ),
    Column::optional("amount_purchased", Kind::Int64, "how many were purchased"),
    Column::optional("price", Kind::Int64, "price of one"),
    Column::optional("level", Kind::Int64, "levels gained"),
    Column::optional("attack", Kind::Int64, "attack gained"),
    Column::optional("defense", Kind::Int64, "defense gained"),
    Column::optional("health", Kind::Int64, "health gained"),
    Column::optional("guild_name", Kind::Text, "guild that was joined"),
];

pub(super) const EVENTS: &[&[Column]] = &[CALLER, REST];
pub(super) const GAME_EVENTS: &[&[Column]] = &[CALLER, GAME, REST];
