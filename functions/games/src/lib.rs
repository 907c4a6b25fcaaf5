//! The Games API: both games, and an event of every move.
//!
//! - Trigger: HTTP (API Gateway's payload 2.0; 1.0 and Function URLs too).
//! - Input: the request; parameters from its query string and, for POST, from its form or JSON body.
//! - Output: the answer, and one record in `events` or `game_events`.
//! - Guarantee: an answer of success is given only after the broker has acknowledged its event. An answer of any other
//!   kind means that no event was made, but for 503: there the event may have been stored all the same.

mod answers;
mod body;
mod context;
mod handler;
mod parameters;
mod refusals;
mod route;

pub use context::{Config, ConnectError, Context};
pub use handler::{Error, handle};
