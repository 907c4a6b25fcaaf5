//! What the way from JSON to a Parquet link costs, beside the cost of encoding the ready rows alone.
//!
//! Run by `cargo bench -p archive`; says nothing when it is run as a test.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints its measurements"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use archive::decode::{Decoded, decode};
use bytes::Bytes;
use chrono::TimeDelta;
use lake::{Table, parquet::encode};
use lambda_kit::kafka::KafkaRecord;

const RECORDS: i64 = 10_000;
const ROUNDS: usize = 30;

fn operation(offset: i64) -> KafkaRecord {
    let tickers = [
        "MSFT", "AAPL", "AMZN", "GOOG", "BABA", "INTC", "NVDA", "TSLA",
    ];
    let ticker = tickers[usize::try_from(offset * 7 % 8).unwrap()];
    let quantity = offset * 13 % 50 + 1;
    let price = f64::from(u16::try_from(offset * 31 % 30_000).unwrap()) / 100.0 + 20.0;
    let (amount, time) = (
        price * f64::from(u8::try_from(quantity).unwrap()),
        offset * 17,
    );
    let value = format!(
        r#"{{"Accept":"*/*","Content-Length":"0","Content-Type":"application/json","Host":"localhost:5000","User-Agent":"ApacheBench/2.3","Accept-Encoding":"gzip, deflate","event_type":"buy_{ticker}","stock_name":"{ticker}","quantity":{quantity},"price":{price:.2},"transaction_amount":{amount:.2},"transaction_timestamp":{}.0}}"#,
        1_700_000_000_000 + time
    );
    KafkaRecord {
        offset,
        timestamp: 1_700_000_000_000 + time,
        key: None,
        value: Some(Bytes::from(value)),
        headers: Vec::new(),
    }
}

fn tick(offset: i64) -> KafkaRecord {
    let tickers = ["IBM", "AAPL", "FB", "AMZN", "HPQ", "CSCO", "ZM", "EBAY"];
    let ticker = tickers[usize::try_from(offset * 5 % 8).unwrap()];
    let (whole, cents) = (offset * 31 % 3_000 + 1, offset * 17 % 100);
    let (second, micro) = (offset % 60, offset * 7_919 % 1_000_000);
    let value = format!(
        r#"{{"TICK":"{ticker}","PRICE":"{whole}.{cents:02}","TS":"2023-11-14 22:13:{second:02}.{micro:06}"}}"#
    );
    KafkaRecord {
        offset,
        timestamp: 1_700_000_000_000 + offset,
        key: None,
        value: Some(Bytes::from(value)),
        headers: Vec::new(),
    }
}

fn rows(table: Table, records: &[KafkaRecord]) -> Decoded {
    decode(table, "topic", 0, records, TimeDelta::hours(1)).unwrap()
}

fn measure(table: Table, record: fn(i64) -> KafkaRecord) {
    let records: Vec<_> = (0..RECORDS).map(record).collect();
    let ready = rows(table, &records).rows.batch;
    assert_eq!(
        i64::try_from(ready.num_rows()),
        Ok(RECORDS),
        "every record is good"
    );
    let metadata = lake::parquet::Metadata::new();
    let (mut whole, mut alone) = (Vec::new(), Vec::new());
    // In turns, so that both see the same noise; the first round warms up.
    for round in 0..=ROUNDS {
        let start = Instant::now();
        let decoded = rows(table, black_box(&records));
        black_box(encode(&decoded.rows.batch, &metadata).unwrap());
        let both = start.elapsed();
        let start = Instant::now();
        black_box(encode(black_box(&ready), &metadata).unwrap());
        if round > 0 {
            whole.push(both);
            alone.push(start.elapsed());
        }
    }
    let (whole, alone) = (median(whole), median(alone));
    println!(
        "{:16} {RECORDS} records: JSON to Parquet {:.2} ms, Parquet of the ready rows alone {:.2} ms, ratio {:.2}",
        table.name(),
        whole.as_secs_f64() * 1e3,
        alone.as_secs_f64() * 1e3,
        whole.as_secs_f64() / alone.as_secs_f64()
    );
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn main() {
    // `cargo bench` says `--bench`; `cargo test --benches` does not.
    if std::env::args().any(|argument| argument == "--bench") {
        measure(Table::StockOperation, operation);
        measure(Table::Ticks, tick);
    }
}
