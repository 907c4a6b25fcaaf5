//! Ticks of the exchanges as columns.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow::error::ArrowError;
use chrono::TimeDelta;
use lambda_kit::kafka::KafkaRecord;
use wire::{Undecodable, decode_tick};

use super::Decoder;

pub(super) struct Ticks {
    max_ahead: TimeDelta,
    ticker: StringBuilder,
    price: Decimal128Builder,
    time: TimestampMicrosecondBuilder,
    exchange: StringBuilder,
}

impl Ticks {
    pub(super) fn new(max_ahead: TimeDelta, rows: usize) -> Self {
        Self {
            max_ahead,
            ticker: StringBuilder::with_capacity(rows, rows * 4),
            price: Decimal128Builder::with_capacity(rows),
            time: TimestampMicrosecondBuilder::with_capacity(rows),
            exchange: StringBuilder::with_capacity(rows, rows * 3),
        }
    }
}

impl<'a> Decoder<'a> for Ticks {
    fn append(&mut self, record: &'a KafkaRecord) -> Result<(), Undecodable> {
        let tick = decode_tick(record.value.as_deref(), record.timestamp, self.max_ahead)?;
        let mut price = tick.price;
        price.rescale(2);
        self.ticker.append_value(tick.ticker.as_str());
        self.price.append_value(price.mantissa());
        self.time.append_value(tick.event_time.timestamp_micros());
        self.exchange.append_value(tick.ticker.exchange().as_str());
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        Ok(vec![
            Arc::new(self.ticker.finish()),
            Arc::new(self.price.finish().with_precision_and_scale(18, 2)?),
            Arc::new(self.time.finish().with_timezone("UTC")),
            Arc::new(self.exchange.finish()),
        ])
    }
}
