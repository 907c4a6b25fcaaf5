//! Whatever stands in a topic: each record is a row or a dead letter with its bytes, the same one every time.

use archive::decode::{Decoded, decode};
use bytes::Bytes;
use chrono::TimeDelta;
use lake::Table;
use lambda_kit::kafka::KafkaRecord;

/// Holds `data`, whole and by lines, against every table that a topic feeds.
pub(crate) fn hold(data: &[u8]) {
    let lines = (0..).zip(data.split(|byte| *byte == b'\n'));
    let lines: Vec<_> = lines.map(|(at, line)| record(at, line)).collect();
    let whole = [record(0, data)];
    let batches = if lines.len() == 1 {
        vec![&whole[..]]
    } else {
        vec![&whole[..], &lines]
    };
    let fed = Table::all()
        .into_iter()
        .filter(|table| table.topic().is_some());
    for table in fed {
        for batch in &batches {
            accounts_for_all(table, batch);
        }
    }
}

/// A record; timestamps of all kinds, none of them the reason for a crash.
fn record(offset: i64, value: &[u8]) -> KafkaRecord {
    let of_value = value
        .first_chunk()
        .map_or(-1, |first| i64::from_be_bytes(*first));
    KafkaRecord {
        offset,
        timestamp: if offset % 2 == 0 {
            1_700_000_000_000
        } else {
            of_value
        },
        key: None,
        value: (value != b"null").then(|| Bytes::copy_from_slice(value)),
        headers: Vec::new(),
    }
}

fn accounts_for_all(table: Table, records: &[KafkaRecord]) {
    let read =
        || decode(table, "topic", 0, records, TimeDelta::hours(1)).expect("columns of one length");
    let Decoded { rows, dead } = read();
    let mut offsets = [rows.offsets.as_slice(), &dead.offsets].concat();
    offsets.sort_unstable();
    assert!(
        offsets
            .iter()
            .eq(records.iter().map(|record| &record.offset)),
        "{table}: {offsets:?}"
    );
    assert_eq!(rows.batch.num_rows(), rows.offsets.len());
    assert_eq!(
        read(),
        Decoded { rows, dead },
        "{table}: not the same again"
    );
}
