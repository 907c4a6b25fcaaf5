//! The broker's log: partitions, and the records that come in.

use std::ops::Range;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use domain::{Decimal, Portfolio, PortfolioId, Tick};
use lake::Table;
use lambda_kit::kafka::{KafkaRecord, PartitionBatch};

use crate::dice::Dice;
use crate::plan::Plan;
use crate::process::Function;

/// The tickers that prices come of; few, so that short logs have all.
const TICKERS: [&str; 3] = ["IBM", "AAPL", "FB"];

/// When a simulation begins, in milliseconds.
pub(crate) const BEGINNING: i64 = 1_800_000_000_000;

/// Values that are neither events nor ticks.
const GARBAGE: [&[u8]; 5] = [
    b"garbage",
    b"",
    b"{\"event_type\":",
    b"\xff\xfe",
    br#"{"TICK":"IBM","PRICE":"1.00","TS":"2099-01-01 00:00:00"}"#,
];

/// How far ahead a tick is, in milliseconds, that only the stricter one of two versions refuses.
const DOUBTFUL: i64 = 1_800_000;

/// One partition of a topic.
#[derive(Debug)]
pub(crate) struct Partition {
    pub(crate) table: Table,
    pub(crate) topic: &'static str,
    pub(crate) number: i32,
    pub(crate) functions: Vec<Function>,
    /// Where the log began.
    pub(crate) start: i64,
    /// The first record that the broker still has.
    pub(crate) kept_from: i64,
    pub(crate) records: Vec<KafkaRecord>,
    /// How many records are still to come in.
    pub(crate) to_come: usize,
}

impl Partition {
    pub(crate) fn end(&self) -> i64 {
        self.start + self.records.len() as i64
    }

    pub(crate) fn slice(&self, range: &Range<i64>) -> &[KafkaRecord] {
        let at = |offset: i64| (offset - self.start) as usize;
        &self.records[at(range.start)..at(range.end)]
    }

    /// The records of `range` but for those of `hole`.
    pub(crate) fn batch(&self, range: &Range<i64>, hole: Option<&Range<i64>>) -> PartitionBatch {
        let mut records = self.slice(range).to_vec();
        records.retain(|record| hole.is_none_or(|hole| !hole.contains(&record.offset)));
        PartitionBatch {
            topic: self.topic.to_owned(),
            partition: self.number,
            records,
        }
    }

    /// Takes in a record at `clock`, in milliseconds.
    pub(crate) fn append(&mut self, clock: i64, plan: &Plan, dice: &mut Dice) {
        let offset = self.end();
        let value = if dice.chance(plan.garbage) {
            let at = dice.below(GARBAGE.len() + 1);
            GARBAGE.get(at).map(|value| Bytes::from_static(value))
        } else if self.table == Table::Ticks {
            let is_doubtful = plan.strict.is_some() && dice.chance(300);
            let ahead = if is_doubtful { DOUBTFUL } else { 0 };
            Some(tick(clock + ahead, dice))
        } else {
            let text = format!(r#"{{"event_type":"default instructions","n":{offset}}}"#);
            Some(text.into())
        };
        self.records.push(KafkaRecord {
            offset,
            timestamp: clock,
            key: None,
            value,
            headers: Vec::new(),
        });
        self.to_come -= 1;
    }
}

/// A tick of about now; some come late, some are encoded twice.
fn tick(clock: i64, dice: &mut Dice) -> Bytes {
    let late = if dice.chance(100) { 60_000 } else { 4_000 };
    let tick = Tick {
        ticker: parsed(dice.pick(&TICKERS)),
        price: Decimal::new(dice.between(1, 99_999), 2),
        event_time: moment(clock - dice.between(0, late)),
    };
    let value = wire::encode_tick(&tick);
    match dice.chance(100) {
        true => Bytes::from(format!("{:?}", String::from_utf8_lossy(&value))),
        false => value.into(),
    }
}

pub(crate) fn moment(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or_default()
}

fn parsed(ticker: &str) -> domain::Ticker {
    ticker
        .parse()
        .unwrap_or_else(|unknown| unreachable!("{unknown}"))
}

/// Any portfolio of few tickers.
pub(crate) fn portfolio(id: PortfolioId, dice: &mut Dice) -> Portfolio {
    let first = dice.below(TICKERS.len());
    let holdings = TICKERS[first..]
        .iter()
        .map(|ticker| (parsed(ticker), dice.between(1, 1_000) as u64));
    Portfolio {
        id,
        holdings: holdings.collect(),
        active: dice.chance(850),
    }
}
