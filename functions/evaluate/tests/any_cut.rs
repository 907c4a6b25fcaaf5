//! Exactly once, whatever the trigger, the store and the broker do: the lake holds each evaluation once and in order,
//! the topic has each at least once, and nothing that differs from what one undisturbed delivery makes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    unreachable_pub
)]

mod log;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::DateTime;
use domain::{Decimal, Tick, Ticker};
use lake::{Fault, MemoryStore};
use lambda_kit::kafka::{BatchResponse, KafkaRecord};
use log::{Evaluator, START, log_from_the_start, settings};
use proptest::prelude::*;

/// One turn of the trigger: how many records it brings, how far it first steps back, whether the process is new,
/// whether the broker is away, and what becomes of the store's next requests.
#[derive(Clone, Debug)]
struct Turn {
    length: usize,
    back: usize,
    cold: bool,
    broker_away: bool,
    faults: Vec<u8>,
}

fn any_turn() -> impl Strategy<Value = Turn> {
    let rarely = || prop::bool::weighted(0.15);
    let back = prop_oneof![3 => Just(0_usize), 1 => 0..40_usize];
    let faults = prop_oneof![2 => Just(vec![]), 1 => prop::collection::vec(0..4_u8, 1..12)];
    (1..40_usize, back, rarely(), rarely(), faults).prop_map(
        |(length, back, cold, broker_away, faults)| Turn {
            length,
            back,
            cold,
            broker_away,
            faults,
        },
    )
}

fn any_log() -> impl Strategy<Value = Vec<KafkaRecord>> {
    let tick =
        (0..24_usize, 1..500_000_i64, 0..200_000_000_i64).prop_map(|(ticker, cents, micros)| {
            Tick {
                ticker: Ticker::all().nth(ticker).unwrap(),
                price: Decimal::new(cents, 2),
                event_time: DateTime::from_timestamp_micros(START * 1_000_000 + micros).unwrap(),
            }
        });
    let garbage = prop::collection::btree_set(0..100_usize, 0..4);
    (prop::collection::vec(tick, 1..70), garbage, any::<bool>()).prop_map(
        |(mut ticks, garbage, sorted)| {
            if sorted {
                ticks.sort_by_key(|tick| tick.event_time);
            }
            let mut log = log_from_the_start(ticks);
            for at in garbage {
                if let Some(record) = log.get_mut(at) {
                    record.value = Some("garbage".into());
                }
            }
            log
        },
    )
}

async fn undisturbed(log: &[KafkaRecord]) -> (Vec<String>, Vec<(String, String)>) {
    let evaluator = Evaluator::new().await;
    assert_eq!(evaluator.deliver(log).await, BatchResponse::default());
    (evaluator.rows().await, evaluator.published())
}

async fn disturbed(log: &[KafkaRecord], turns: Vec<Turn>) -> Evaluator {
    let plain = MemoryStore::new();
    let mut evaluator = Evaluator::on(plain.clone(), Arc::default(), settings(0, None)).await;
    let mut done = 0;
    for turn in turns {
        if turn.cold {
            evaluator = evaluator.restarted().await;
        }
        done -= turn.back.min(done);
        let end = log.len().min(done + turn.length);
        let mut faults = turn.faults.into_iter();
        drop(plain.clone().with_faults(move |_, _| match faults.next() {
            Some(1) => Fault::Before,
            Some(2) => Fault::After,
            _ => Fault::None,
        }));
        evaluator.publisher.set_failing(turn.broker_away);
        if evaluator.deliver(&log[done..end]).await == BatchResponse::default() {
            done = end;
        }
        drop(plain.clone().with_faults(|_, _| Fault::None));
    }
    evaluator.publisher.set_failing(false);
    assert_eq!(
        evaluator.deliver(&log[done..]).await,
        BatchResponse::default()
    );
    evaluator
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn any_cut_of_a_log_gives_the_same_evaluations(log in any_log(), turns in prop::collection::vec(any_turn(), 0..14)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (rows, published) = undisturbed(&log).await;
            let evaluator = disturbed(&log, turns).await;
            prop_assert_eq!(evaluator.rows().await, rows);
            let once: BTreeSet<_> = evaluator.published().into_iter().collect();
            let expected: BTreeSet<_> = published.iter().cloned().collect();
            prop_assert_eq!(expected.len(), published.len());
            prop_assert_eq!(once, expected);
            Ok(())
        })?;
    }
}
