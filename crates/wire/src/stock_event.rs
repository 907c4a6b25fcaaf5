//! Events of the Stocks API: which topic, which key, which fields.

use chrono::{DateTime, Utc};
use domain::Stock;

use crate::fields::{Field, encode};
use crate::{Event, EventHeaders, topics};

/// What a caller did with a stock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Bought.
    Buy,
    /// Sold.
    Sell,
}

impl Action {
    /// Its name in paths and event types.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

/// What happened on the Stocks API.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StockEvent {
    /// The help text was read.
    Default,
    /// The figures of a stock were.
    Check {
        /// Of which stock.
        stock: Stock,
        /// When.
        at: DateTime<Utc>,
    },
    /// A stock was bought or sold.
    Operation {
        /// Which of both.
        action: Action,
        /// What.
        stock: Stock,
        /// How many.
        quantity: u32,
        /// For how much each.
        price: f64,
        /// When.
        at: DateTime<Utc>,
    },
}

impl Event for StockEvent {
    fn topic(&self) -> &'static str {
        match self {
            Self::Default => topics::DEFAULT_CALL,
            Self::Check { .. } => topics::STOCK_CALL,
            Self::Operation { .. } => topics::STOCK_OPERATION,
        }
    }

    /// The ticker; the help text has none and is keyed `default`.
    fn key<'a>(&'a self, _headers: &'a EventHeaders) -> &'a str {
        match self {
            Self::Default => "default",
            Self::Check { stock, .. } | Self::Operation { stock, .. } => stock.as_str(),
        }
    }

    fn encode(&self, headers: &EventHeaders) -> Vec<u8> {
        encode(&self.fields(), headers)
    }
}

impl StockEvent {
    fn fields(&self) -> Vec<(&'static str, Field<'static>)> {
        match *self {
            Self::Default => vec![("event_type", Field::Text("default instructions".into()))],
            Self::Check { stock, at } => vec![
                (
                    "event_type",
                    Field::Text(format!("check_stock_{stock}").into()),
                ),
                ("stock_name", Field::Text(stock.as_str().into())),
                ("query_timestamp", Field::Float(epoch_ms(at))),
            ],
            Self::Operation {
                action,
                stock,
                quantity,
                price,
                at,
            } => vec![
                (
                    "event_type",
                    Field::Text(format!("{}_{stock}", action.as_str()).into()),
                ),
                ("stock_name", Field::Text(stock.as_str().into())),
                ("quantity", Field::Integer(quantity)),
                ("price", Field::Float(price)),
                (
                    "transaction_amount",
                    Field::Float(price * f64::from(quantity)),
                ),
                ("transaction_timestamp", Field::Float(epoch_ms(at))),
            ],
        }
    }
}

/// Milliseconds since 1970, with microseconds as their fraction.
fn epoch_ms(at: DateTime<Utc>) -> f64 {
    at.timestamp_micros() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::event_headers;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn at() -> DateTime<Utc> {
        DateTime::from_timestamp_micros(1_647_790_681_123_456).unwrap()
    }

    fn decoded(event: StockEvent, headers: &[(&str, &str)]) -> Value {
        serde_json::from_slice(&event.encode(&event_headers(headers.iter().copied()))).unwrap()
    }

    #[test]
    fn events_have_the_fields_of_the_originals() {
        let stock = "amzn".parse().unwrap();
        assert_eq!(
            decoded(StockEvent::Default, &[]),
            json!({"event_type": "default instructions"})
        );
        assert_eq!(
            decoded(
                StockEvent::Check { stock, at: at() },
                &[("host", "localhost:5000"), ("user-agent", "ab")]
            ),
            json!({"event_type": "check_stock_AMZN", "stock_name": "AMZN", "query_timestamp": 1_647_790_681_123.456,
                "Host": "localhost:5000", "User-Agent": "ab"})
        );
        let operation = StockEvent::Operation {
            action: Action::Sell,
            stock,
            quantity: 4,
            price: 2.5,
            at: at(),
        };
        assert_eq!(
            decoded(operation, &[]),
            json!({"event_type": "sell_AMZN", "stock_name": "AMZN", "quantity": 4, "price": 2.5,
                "transaction_amount": 10.0, "transaction_timestamp": 1_647_790_681_123.456})
        );
        assert_eq!(
            (operation.topic(), operation.key(&EventHeaders::default())),
            ("stock_operation", "AMZN")
        );
        assert_eq!(
            (
                StockEvent::Default.topic(),
                StockEvent::Default.key(&EventHeaders::default())
            ),
            ("default_call", "default")
        );
    }

    #[test]
    fn an_events_own_field_wins_over_a_header_and_times_are_floats() {
        let at = DateTime::from_timestamp(1_647_790_681, 0).unwrap();
        let event = StockEvent::Check {
            stock: "FB".parse().unwrap(),
            at,
        };
        let headers = event_headers([("stock_name", "EVIL"), ("Event_Type", "evil")].into_iter());
        let text = String::from_utf8(event.encode(&headers)).unwrap();
        assert_eq!(
            text,
            r#"{"event_type":"check_stock_FB","stock_name":"FB","query_timestamp":1647790681000.0}"#
        );
    }

    proptest! {
        #[test]
        fn any_headers_make_an_object_that_keeps_its_fields(headers in prop::collection::vec((".*", ".*"), 0..8)) {
            let event = StockEvent::Check { stock: "FB".parse().unwrap(), at: at() };
            let headers = event_headers(headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            let value: Value = serde_json::from_slice(&event.encode(&headers)).unwrap();
            prop_assert_eq!(&value["stock_name"], "FB");
            prop_assert!(value.get("Authorization").is_none() && value.get("Cookie").is_none());
        }
    }
}
