//! Lambda's Kafka events as AWS documents them, and any bytes at all.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use base64::prelude::*;
use bytes::Bytes;
use lambda_kit::kafka::{BatchResponse, KafkaEvent, KafkaRecord, PartitionBatch};
use proptest::prelude::*;
use serde_json::{Value, json};

fn record(offset: i64, timestamp: i64, key: Option<&str>, value: Option<&str>) -> KafkaRecord {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    KafkaRecord {
        offset,
        timestamp,
        key: key.map(bytes),
        value: value.map(bytes),
        headers: Vec::new(),
    }
}

fn batches(event: &str) -> Vec<PartitionBatch> {
    serde_json::from_str::<KafkaEvent>(event)
        .unwrap()
        .into_batches()
}

#[test]
fn an_event_of_msk_is_read_to_the_millisecond() {
    let mut expected = record(15, 1_545_084_650_987, None, Some("Hello, this is a test."));
    expected.headers = vec![("headerKey".to_owned(), Bytes::from_static(b"headerValue"))];
    // AWS's example of a key is base64 of these bytes, with bits to spare in its last character.
    expected.key = Some(Bytes::from_static(
        b"\x69\xb7\x03\x10\x58\x21\x88\x92\x8b\x9a\x7a\x0f\x41\x1b\x2d\xb9\x55\x97\xcb\x3d\x76\xdf",
    ));
    assert_eq!(
        batches(include_str!("data/msk.json")),
        [PartitionBatch {
            topic: "mytopic".into(),
            partition: 0,
            records: vec![expected]
        }]
    );
}

#[test]
fn an_event_of_a_self_managed_kafka_is_read() {
    let read = batches(include_str!("data/self_managed.json"));
    assert_eq!(read.len(), 1);
    assert_eq!((read[0].topic.as_str(), read[0].partition), ("mytopic", 0));
    assert_eq!(read[0].records[0].timestamp, 1_545_084_650_987);
    assert_eq!(
        read[0].records[0].value.as_deref(),
        Some(b"Hello, this is a test.".as_slice())
    );
}

#[test]
fn records_come_by_partition_in_the_order_of_offsets() {
    let raw = |topic: &str, partition: i32, offset: i64| {
        json!({
            "topic": topic, "partition": partition, "offset": offset, "timestamp": offset * 10,
            "timestampType": "CREATE_TIME", "key": null, "value": BASE64_STANDARD.encode(offset.to_string()),
        })
    };
    let event = json!({"eventSource": "aws:kafka", "records": {
        "b-1": [raw("b", 1, 8), raw("b", 1, 7)], "b-0": [raw("b", 0, 3)], "a-10": [raw("a", 10, 1)],
        "a-9": [raw("a", 9, 2)],
    }});
    let order: Vec<_> = batches(&event.to_string())
        .into_iter()
        .map(|batch| {
            (
                batch.topic,
                batch.partition,
                batch.records.iter().map(|r| r.offset).collect::<Vec<_>>(),
            )
        })
        .collect();
    assert_eq!(
        order,
        [
            ("a".into(), 9, vec![2]),
            ("a".into(), 10, vec![1]),
            ("b".into(), 0, vec![3]),
            ("b".to_owned(), 1, vec![7, 8])
        ]
    );
}

#[test]
fn keys_values_and_headers_may_be_absent_null_or_any_bytes() {
    let event = json!({"records": {"t-0": [
        {"topic": "t", "partition": 0, "offset": 0, "timestamp": 1},
        {"topic": "t", "partition": 0, "offset": 1, "timestamp": 1, "key": null, "value": null, "headers": []},
        {"topic": "t", "partition": 0, "offset": 2, "timestamp": 1, "key": "", "value": "/wA=",
         "headers": [{"a": [-1, 0, 127, 255]}, {"b": null}]},
    ]}});
    let read = batches(&event.to_string());
    let records = &read[0].records;
    assert_eq!(records[0], record(0, 1, None, None));
    assert_eq!(records[1], record(1, 1, None, None));
    assert_eq!(
        (records[2].key.as_deref(), records[2].value.as_deref()),
        (Some(&b""[..]), Some(&[0xff, 0][..]))
    );
    let headers = [
        ("a".to_owned(), Bytes::from_static(&[0xff, 0, 127, 255])),
        ("b".to_owned(), Bytes::new()),
    ];
    assert_eq!(records[2].headers, headers);
}

#[test]
fn what_is_no_kafka_event_is_refused() {
    let of = |field: &str, value: Value| {
        let mut record = json!({"topic": "t", "partition": 0, "offset": 0, "timestamp": 1});
        record[field] = value;
        json!({"records": {"t-0": [record]}})
    };
    for event in [
        json!({}),
        json!({"Records": []}),
        of("value", json!("not base64!")),
        of("offset", json!("x")),
        of("timestamp", json!(1.5)),
        of("partition", json!(1_u64 << 40)),
        of("headers", json!([{"h": [256]}])),
    ] {
        assert!(
            serde_json::from_value::<KafkaEvent>(event.clone()).is_err(),
            "{event}"
        );
    }
}

#[test]
fn failures_are_answered_as_lambda_reads_them() {
    let mut response = BatchResponse::default();
    assert_eq!(
        serde_json::to_string(&response).unwrap(),
        r#"{"batchItemFailures":[]}"#
    );
    response.fail("topic", 0, 100);
    assert_eq!(
        serde_json::to_string(&response).unwrap(),
        r#"{"batchItemFailures":[{"itemIdentifier":{"partition":"topic-0","offset":100}}]}"#
    );
}

fn any_batches() -> impl Strategy<Value = Vec<PartitionBatch>> {
    let bytes =
        || prop::option::of(prop::collection::vec(any::<u8>(), 0..20).prop_map(Bytes::from));
    let headers = prop::collection::vec(
        ("[a-z]{1,5}", prop::collection::vec(any::<u8>(), 0..5)),
        0..3,
    );
    let records =
        prop::collection::btree_map(0..1000_i64, (any::<i64>(), bytes(), bytes(), headers), 1..6);
    prop::collection::btree_map(("[a-z]{1,4}", 0..4_i32), records, 0..5).prop_map(|partitions| {
        let batch =
            |((topic, partition), records): ((String, i32), std::collections::BTreeMap<_, _>)| {
                let records =
                    records
                        .into_iter()
                        .map(|(offset, (timestamp, key, value, headers))| {
                            let headers: Vec<(String, Vec<u8>)> = headers;
                            let headers = headers
                                .into_iter()
                                .map(|(name, value)| (name, value.into()))
                                .collect();
                            KafkaRecord {
                                offset,
                                timestamp,
                                key,
                                value,
                                headers,
                            }
                        });
                PartitionBatch {
                    topic,
                    partition,
                    records: records.collect(),
                }
            };
        partitions.into_iter().map(batch).collect()
    })
}

/// The event that Lambda would make of batches, with the records of each partition turned round.
fn payload(batches: &[PartitionBatch]) -> String {
    let encode = |bytes: &Option<Bytes>| bytes.as_ref().map(|bytes| BASE64_STANDARD.encode(bytes));
    let mut records = serde_json::Map::new();
    for batch in batches {
        let raw = batch.records.iter().rev().map(|r| {
            let signed = |bytes: &Bytes| bytes.iter().map(|byte| byte.cast_signed()).collect::<Vec<_>>();
            let headers: Vec<_> = r.headers.iter().map(|(name, value)| json!({name: signed(value)})).collect();
            json!({"topic": batch.topic, "partition": batch.partition, "offset": r.offset, "timestamp": r.timestamp,
                   "timestampType": "CREATE_TIME", "key": encode(&r.key), "value": encode(&r.value),
                   "headers": headers})
        });
        records.insert(
            format!("{}-{}", batch.topic, batch.partition),
            raw.collect(),
        );
    }
    json!({"eventSource": "aws:kafka", "eventSourceArn": "arn:aws:kafka", "records": records})
        .to_string()
}

proptest! {
    #[test]
    fn any_records_are_read_as_they_were_written(given in any_batches()) {
        prop_assert_eq!(batches(&payload(&given)), given.clone());
        prop_assert_eq!(KafkaEvent::from_batches(given.clone()).into_batches(), given);
    }

    #[test]
    fn no_bytes_at_all_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = serde_json::from_slice::<KafkaEvent>(&bytes);
    }

    #[test]
    fn no_damage_to_an_event_makes_it_panic(given in any_batches(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = payload(&given).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(event) = serde_json::from_slice::<KafkaEvent>(&bytes) {
            event.into_batches();
        }
    }
}
