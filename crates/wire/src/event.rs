//! What events of HTTP calls have in common.

use crate::EventHeaders;

/// An event of an HTTP call: where it goes and what it says, with the headers of the call that made it.
pub trait Event {
    /// The topic that it goes to.
    fn topic(&self) -> &'static str;

    /// Its record's key.
    fn key<'a>(&'a self, headers: &'a EventHeaders) -> &'a str;

    /// Its record's value: the event's own fields, then the headers; a header of a field's name is left out.
    fn encode(&self, headers: &EventHeaders) -> Vec<u8>;
}
