//! The function over a store in memory: redeliveries, failures, garbage.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use archive::handle;
use lake::{Fault, MemoryStore, Operation, Store, Table};
use lambda_kit::kafka::{BatchResponse, KafkaRecord};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};
use proptest::prelude::*;
use support::{batch, bytes, context, event, good, longs, record, stored};

fn some(offsets: impl IntoIterator<Item = i64>) -> Vec<Option<i64>> {
    offsets.into_iter().map(Some).collect()
}

fn memory() -> (MemoryStore, Arc<dyn Store>) {
    let memory = MemoryStore::new();
    (memory.clone(), Arc::new(memory))
}

#[tokio::test]
async fn redeliveries_change_nothing() {
    let (_, store) = memory();
    let warm = context(store.clone());
    let mixed = |offsets: std::ops::Range<i64>| {
        let each = |at: i64| {
            if at % 4 == 1 {
                record(at, "garbage")
            } else {
                good(at)
            }
        };
        event([batch("stock_call", 1, offsets.map(each).collect())])
    };
    for offsets in [0..6, 0..6, 3..9, 1..4, 0..12, 12..13] {
        for context in [&warm, &context(store.clone())] {
            let answer = handle(mixed(offsets.clone()), context).await.unwrap();
            assert_eq!(answer, BatchResponse::default());
        }
    }
    let rows = stored(&store, Table::StockCall).await;
    assert_eq!(
        longs(&rows, "_offset"),
        some((0..13).filter(|at| at % 4 != 1))
    );
    let dead = stored(&store, Table::DeadLetter).await;
    assert_eq!(longs(&dead, "offset"), some([1, 5, 9]));
    assert_eq!(bytes(&dead, "value")[0].as_deref(), Some(&b"garbage"[..]));
}

/// Found by the simulation: the dead letters of the batch that is refused would hide those of the records before it.
#[tokio::test]
async fn a_batch_past_a_head_that_was_not_there_before_leaves_no_dead_letters() {
    let (memory, store) = memory();
    let of = |records: Vec<KafkaRecord>| event([batch("stock_call", 0, records)]);
    let early = context(store.clone());
    drop(memory.clone().with_faults(|operation, _| match operation {
        Operation::Create => Fault::Before,
        _ => Fault::None,
    }));
    let answer = handle(of(vec![good(0)]), &early).await.unwrap();
    assert_ne!(answer, BatchResponse::default());
    drop(memory.with_faults(|_, _| Fault::None));

    let other = context(store.clone());
    handle(of(vec![good(0), good(1)]), &other).await.unwrap();
    let ahead = of(vec![record(4, "garbage"), good(5)]);
    let answer = handle(ahead, &early).await.unwrap();
    assert_ne!(answer, BatchResponse::default());
    assert_eq!(stored(&store, Table::DeadLetter).await.num_rows(), 0);

    let rest = vec![good(2), record(3, "garbage"), record(4, "garbage"), good(5)];
    handle(of(rest), &early).await.unwrap();
    let dead = stored(&store, Table::DeadLetter).await;
    assert_eq!(longs(&dead, "offset"), some([3, 4]));
    let rows = stored(&store, Table::StockCall).await;
    assert_eq!(longs(&rows, "_offset"), some([0, 1, 2, 5]));
}

/// The dead letters, in order, and the rows of a table.
async fn outcome(store: &Arc<dyn Store>, table: Table) -> [Vec<Option<i64>>; 2] {
    let mut dead = longs(&stored(store, Table::DeadLetter).await, "offset");
    dead.sort_unstable();
    [dead, longs(&stored(store, table).await, "_offset")]
}

fn refuse_links_of(memory: MemoryStore, table: Table) {
    drop(memory.with_faults(move |operation, path| {
        let is_link = operation == Operation::Create && path.starts_with(table.name());
        if is_link { Fault::Before } else { Fault::None }
    }));
}

/// Found by the simulation: who brings later records to an empty chain leaves their dead letters, and then somebody who
/// still has the earlier ones begins the chain.
#[tokio::test]
async fn dead_letters_below_the_head_of_theirs_are_kept() {
    let (memory, store) = memory();
    let context = context(store.clone());
    let of = |offsets: std::ops::Range<i64>| {
        let each = |at: i64| match at {
            5 | 10 => record(at, "garbage"),
            _ => good(at),
        };
        event([batch("stock_call", 0, offsets.map(each).collect())])
    };
    refuse_links_of(memory.clone(), Table::StockCall);
    let answer = handle(of(8..13), &context).await.unwrap();
    assert_ne!(answer, BatchResponse::default());
    assert_eq!(outcome(&store, Table::StockCall).await[0], some([10]));

    // The earlier letter is kept, and then the link fails as well.
    let answer = handle(of(0..8), &context).await.unwrap();
    assert_ne!(answer, BatchResponse::default());
    assert_eq!(outcome(&store, Table::StockCall).await[0], some([5, 10]));

    drop(memory.with_faults(|_, _| Fault::None));
    for offsets in [0..8, 0..8, 8..13, 0..13] {
        let answer = handle(of(offsets), &context).await.unwrap();
        assert_eq!(answer, BatchResponse::default());
    }
    let rows = some((0..13).filter(|at| ![5, 10].contains(at)));
    assert_eq!(
        outcome(&store, Table::StockCall).await,
        [some([5, 10]), rows]
    );
}

/// Between the dead letters and the table's link comes another version of the function, which refuses more.
#[tokio::test]
async fn what_only_todays_code_refuses_is_kept_too() {
    let (memory, store) = memory();
    let tick = |at: i64, ahead: i64| {
        let time = chrono::DateTime::from_timestamp_millis(support::BORN + ahead * 1_000).unwrap();
        let time = time.format("%Y-%m-%d %H:%M:%S");
        let text = format!(r#"{{"TICK":"IBM","PRICE":"1.50","TS":"{time}"}}"#);
        record(at, text)
    };
    let ticks = || {
        let records = vec![tick(0, 0), tick(1, 600), tick(2, 0), record(3, "garbage")];
        event([batch("StockExchange", 0, records)])
    };
    refuse_links_of(memory.clone(), Table::Ticks);
    handle(ticks(), &context(store.clone())).await.unwrap();
    assert_eq!(outcome(&store, Table::Ticks).await, [some([3]), some([])]);

    drop(memory.with_faults(|_, _| Fault::None));
    let stricter = support::context_that_takes(chrono::TimeDelta::minutes(5), store.clone());
    let answer = handle(ticks(), &stricter).await.unwrap();
    assert_eq!(answer, BatchResponse::default());
    assert_eq!(
        outcome(&store, Table::Ticks).await,
        [some([1, 3]), some([0, 2])]
    );
}

/// What a scrape shows of the dead letters of `stock_call`.
fn counted(recorder: &PrometheusRecorder) -> Option<String> {
    let text = recorder.handle().render();
    let line = r#"archive_dead_letters_total{table="stock_call"} "#;
    text.lines()
        .find_map(|it| it.strip_prefix(line))
        .map(str::to_owned)
}

/// Two pollers bring the same records at once, and links fail and are tried again: a letter counts when it is put in.
#[tokio::test]
async fn a_dead_letter_is_counted_by_who_puts_it_in() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _here = metrics::set_default_local_recorder(&recorder);
    let (memory, store) = memory();
    let of = |offsets: std::ops::Range<i64>| {
        let each = |at: i64| match at % 3 {
            0 => record(at, "garbage"),
            _ => good(at),
        };
        event([batch("stock_call", 0, offsets.map(each).collect())])
    };
    let (one, other) = (context(store.clone()), context(store.clone()));
    let (a, b) = tokio::join!(handle(of(0..12), &one), handle(of(0..12), &other));
    let done = BatchResponse::default();
    assert_eq!((a.unwrap(), b.unwrap()), (done.clone(), done.clone()));
    assert_eq!(counted(&recorder).as_deref(), Some("4"));

    refuse_links_of(memory.clone(), Table::StockCall);
    assert_ne!(handle(of(12..15), &one).await.unwrap(), done);
    assert_eq!(counted(&recorder).as_deref(), Some("5"));
    drop(memory.with_faults(|_, _| Fault::None));
    assert_eq!(handle(of(12..15), &other).await.unwrap(), done);
    assert_eq!(counted(&recorder).as_deref(), Some("5"));
    assert_eq!(stored(&store, Table::DeadLetter).await.num_rows(), 5);
}

/// The broker drops records that it gave the trigger's neighbours of: the batch has the hole in its middle.
#[tokio::test]
async fn a_hole_inside_of_a_batch_is_a_gap() {
    let (_, store) = memory();
    let context = context(store.clone());
    let holed = || {
        let offsets = [3, 4, 9, 10, 12];
        event([batch("stock_call", 0, offsets.map(good).to_vec())])
    };
    let gap = concat!(
        r#"{"batchItemFailures":[{"itemIdentifier":{"partition":"stock_call-0","offset":9}}],"#,
        r#""gaps":[{"table":"stock_call","topic":"stock_call","partition":0,"first":5,"end":9}]}"#
    );
    for _ in 0..2 {
        let answer = handle(holed(), &context).await.unwrap();
        assert_eq!(serde_json::to_string(&answer).unwrap(), gap);
        assert_eq!(
            longs(&stored(&store, Table::StockCall).await, "_offset"),
            some([3, 4])
        );
    }
}

#[tokio::test]
async fn partitions_of_an_event_go_their_own_ways() {
    let (_, store) = memory();
    let context = context(store.clone());
    let first = event([
        batch("stock_call", 0, vec![good(0)]),
        batch("stock_call", 1, vec![good(7)]),
    ]);
    handle(first, &context).await.unwrap();
    let tick = br#"{"TICK":"IBM","PRICE":"123.20","TS":"2023-11-14 22:13:20.123456"}"#;
    let second = event([
        batch("stock_call", 0, vec![good(5), good(6)]),
        batch("stock_call", 1, vec![good(8)]),
        batch("StockExchange", 0, vec![record(0, &tick[..])]),
    ]);
    let answer = handle(second, &context).await.unwrap();
    let json = serde_json::to_string(&answer).unwrap();
    let gap = concat!(
        r#"{"batchItemFailures":[{"itemIdentifier":{"partition":"stock_call-0","offset":5}}],"#,
        r#""gaps":[{"table":"stock_call","topic":"stock_call","partition":0,"first":1,"end":5}]}"#
    );
    assert_eq!(json, gap);
    assert_eq!(
        longs(&stored(&store, Table::StockCall).await, "_offset"),
        some([0, 7, 8])
    );
    assert_eq!(stored(&store, Table::Ticks).await.num_rows(), 1);
}

#[tokio::test]
async fn a_topic_without_a_table_is_an_error_that_names_those_with_one() {
    let (memory, store) = memory();
    let unknown = event([
        batch("stock_call", 0, vec![good(0)]),
        batch("weather", 0, vec![good(0)]),
    ]);
    let error = handle(unknown, &context(store))
        .await
        .unwrap_err()
        .to_string();
    for name in [
        "weather",
        "default_call",
        "stock_call",
        "stock_operation",
        "StockExchange",
    ] {
        assert!(error.contains(name), "{error}");
    }
    assert!(memory.take_requests().is_empty());
}

#[tokio::test]
async fn a_log_made_anew_is_refused_before_anything_is_written() {
    let (memory, store) = memory();
    let first = event([batch("stock_call", 0, (0..5).map(good).collect())]);
    handle(first, &context(store.clone())).await.unwrap();
    let mut anew: Vec<KafkaRecord> = (0..9).map(|at| record(at, "garbage")).collect();
    anew.iter_mut().for_each(|record| record.timestamp += 1);
    memory.take_requests();
    let answer = handle(event([batch("stock_call", 0, anew)]), &context(store))
        .await
        .unwrap();
    assert_eq!(answer.batch_item_failures.len(), 1);
    assert!(!memory.take_requests().contains(&Operation::Create));
}

/// Dead letters stand before the table's link does, and a repeat between the two finds them.
#[tokio::test]
async fn dead_letters_are_neither_lost_nor_doubled_when_the_table_fails() {
    let down = Arc::new(AtomicBool::new(true));
    let faults = {
        let down = down.clone();
        move |operation, path: &str| match operation {
            Operation::Create if path.starts_with("stock_call") && down.load(Ordering::SeqCst) => {
                Fault::Before
            }
            _ => Fault::None,
        }
    };
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new().with_faults(faults));
    let records = vec![
        good(0),
        record(1, "bad"),
        good(2),
        record(3, "bad"),
        good(4),
    ];
    let context = context(store.clone());
    for cut in [2, 4, 5] {
        let part = event([batch("stock_call", 0, records[..cut].to_vec())]);
        assert_eq!(
            handle(part, &context)
                .await
                .unwrap()
                .batch_item_failures
                .len(),
            1
        );
    }
    down.store(false, Ordering::SeqCst);
    handle(event([batch("stock_call", 0, records)]), &context)
        .await
        .unwrap();
    assert_eq!(
        longs(&stored(&store, Table::DeadLetter).await, "offset"),
        some([1, 3])
    );
    assert_eq!(
        longs(&stored(&store, Table::StockCall).await, "_offset"),
        some([0, 2, 4])
    );
}

#[tokio::test]
async fn a_warm_partition_costs_one_request_for_a_batch() {
    let (memory, store) = memory();
    let context = context(store);
    for offset in 0..3 {
        memory.take_requests();
        handle(
            event([batch("stock_call", 0, vec![good(offset)])]),
            &context,
        )
        .await
        .unwrap();
    }
    assert_eq!(memory.take_requests(), [Operation::Create]);
}

/// What a record holds: good events, anything at all, and what looks almost like an event.
fn value() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop_oneof![
        4 => Just(None),
        2 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Some),
        2 => r#"\{("(event_type|Host|price|X)":(1|"e"|-0.5e1|null|\[\]|"\\u00[0-9]{2}"),?){0,4}\}?"#
            .prop_map(|text| Some(text.into_bytes())),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// Good records among garbage, cut at random, delivered twice, with a store that fails.
    #[test]
    fn every_record_is_a_row_or_a_dead_letter_once(
        values in prop::collection::vec(value(), 1..40),
        cuts in prop::collection::vec((0..40_usize, 1..20_usize), 0..8),
        faults in prop::collection::vec(0..6_u8, 0..30),
    ) {
        let records: Vec<KafkaRecord> = (0..)
            .zip(&values)
            .map(|(at, value)| match value {
                None => good(at),
                Some(bytes) => record(at, bytes.clone()),
            })
            .collect();
        let mut faults = faults.into_iter();
        let memory = MemoryStore::new().with_faults(move |_, _| {
            match faults.next() {
                Some(0) => Fault::Before,
                Some(1) => Fault::After,
                _ => Fault::None,
            }
        });
        let store: Arc<dyn Store> = Arc::new(memory.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (rows, dead) = runtime.block_on(async {
            let context = context(store.clone());
            let mut next = 0;
            // Repeats and out-of-date batches first, but never above what is known to be in.
            for (start, size) in cuts {
                let start = start.min(next);
                let end = (start + size).min(records.len());
                if start < end {
                    let part = batch("stock_operation", 0, records[start..end].to_vec());
                    if handle(event([part]), &context).await.unwrap() == BatchResponse::default() {
                        next = next.max(end);
                    }
                }
            }
            // Until it is all in; the faults come to an end.
            for _ in 0..100 {
                let whole = batch("stock_operation", 0, records[next..].to_vec());
                if handle(event([whole]), &context).await.unwrap() == BatchResponse::default() {
                    break;
                }
            }
            memory.with_faults(|_, _| Fault::None);
            (stored(&store, Table::StockOperation).await, stored(&store, Table::DeadLetter).await)
        });
        let mut found = BTreeMap::new();
        for (offset, value) in longs(&dead, "offset").into_iter().zip(bytes(&dead, "value")) {
            let at = usize::try_from(offset.unwrap()).unwrap();
            prop_assert_eq!(&value, &values[at], "the bytes are kept, and no good record is dead");
            prop_assert_eq!(found.insert(offset, "dead"), None);
        }
        let offsets = longs(&rows, "_offset");
        prop_assert!(offsets.is_sorted());
        for offset in offsets {
            prop_assert_eq!(found.insert(offset, "row"), None);
        }
        let all: Vec<_> = found.into_keys().collect();
        prop_assert_eq!(all, some((0..).take(values.len())));
    }
}
