//! Topics, keys and JSON codecs of every event that goes through Kafka.
//!
//! Every value is one JSON object in UTF-8, without an envelope. [`commands`] alone go through Lambda's API.

pub mod commands;
mod evaluation;
mod event;
mod fields;
mod game_event;
mod headers;
mod stock_event;
mod tick;
pub mod topics;
mod undecodable;

pub use evaluation::encode_evaluation;
pub use event::Event;
pub use game_event::GameEvent;
pub use headers::{EventHeaders, event_headers};
pub use stock_event::{Action, StockEvent};
pub use tick::{decode_tick, encode_tick, parse_time};
pub use undecodable::{Undecodable, check_timestamp};
