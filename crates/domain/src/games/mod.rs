//! The two games: what players do, what it is worth, and what they are told.

mod large;
mod parameters;
mod small;

pub use large::{Gains, LargeGame, Move, Ware};
pub use parameters::{Amount, BadAmount, BadText, Text};
pub use small::SmallGame;
