//! What is evaluated and published, batch by batch.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    unreachable_pub
)]

mod log;

use std::sync::Arc;
use std::time::SystemTime;

use domain::{Portfolio, PortfolioId};
use evaluate::Error;
use lake::{Epoch, MemoryStore, Operation};
use lambda_kit::kafka::BatchResponse;
use log::{
    Evaluator, at, log_from_the_start, log_of, navs, record, rows_of, settings, start_prices, tick,
};
use serde_json::json;
use stream::MemoryPublisher;
use telemetry::Emf;

const START_NAVS: [&str; 6] = [
    "1.1 10724420.00",
    "1.2 590240.00",
    "2.1 1187710.00",
    "2.2 1451870.00",
    "3.1 1286940.00",
    "3.2 834255.00",
];

fn failed_at(offset: i64) -> BatchResponse {
    let mut response = BatchResponse::default();
    response.fail("StockExchange", 0, offset);
    response
}

#[tokio::test]
async fn the_first_window_has_the_navs_of_the_start_prices() {
    let evaluator = Evaluator::new().await;
    let log = log_from_the_start([tick("IBM", 12_420, at(22)), tick("IBM", 12_420, at(44))]);
    assert_eq!(evaluator.deliver(&log).await, BatchResponse::default());
    let published = evaluator.published();
    assert_eq!(navs(&published[..6]), START_NAVS);
    assert_eq!(
        published[0].1,
        r#"{"PORTFOLIO":"1.1","TIMESTAMP":"2027-01-15 08:00:20","NAV":10724420.00,"NAV_Change":0.00,"NAV_Change_%":0.00}"#
    );
    assert_eq!(
        published[6].1,
        r#"{"PORTFOLIO":"1.1","TIMESTAMP":"2027-01-15 08:00:40","NAV":10725420.00,"NAV_Change":1000.00,"NAV_Change_%":0.01}"#
    );
    assert_eq!(evaluator.rows().await.len(), 12);
}

#[tokio::test]
async fn a_redelivery_however_cut_repeats_the_same_bytes_and_adds_no_row() {
    let evaluator = Evaluator::new().await;
    let log = log_from_the_start((1..30).map(|n| tick("AMD", 8_000 + n, at(n * 7))));
    evaluator.deliver(&log).await;
    let (published, rows) = (evaluator.published(), evaluator.rows().await);
    assert_eq!(published.len(), rows.len());
    let cold = evaluator.restarted().await;
    for cut in [&log[..30], &log[30..], &log[3..40], &log[..]] {
        assert_eq!(cold.deliver(cut).await, BatchResponse::default());
    }
    let mut all = published.clone();
    for _ in 0..4 {
        all.extend(published.clone());
    }
    assert_eq!(cold.published(), all);
    assert_eq!(cold.rows().await, rows);
}

#[tokio::test]
async fn a_link_whose_records_come_no_more_is_published_with_what_is_around_it() {
    let evaluator = Evaluator::new().await;
    let log = log_from_the_start([tick("IBM", 12_420, at(23)), tick("IBM", 12_520, at(24))]);
    let closing = log.len() - 2;
    evaluator.deliver(&log[..closing]).await;
    evaluator.publisher.set_failing(true);
    evaluator.deliver(&log[closing..=closing]).await;
    let around = [&log[..closing], &log[closing + 1..]].concat();
    let before = i64::try_from(closing).unwrap() - 1;
    assert_eq!(evaluator.deliver(&around).await, failed_at(before));
    evaluator.publisher.set_failing(false);
    let again = &around[closing - 1..];
    assert_eq!(evaluator.deliver(again).await, BatchResponse::default());
    assert_eq!(navs(&evaluator.published()), START_NAVS);
}

/// The tests' functions are polled on the thread of their test alone.
#[tokio::test]
async fn what_is_committed_counts_at_once_and_the_delay_of_a_window_once_it_is_published() {
    let emf = Emf::new("evaluate");
    let _told = metrics::set_default_local_recorder(&emf);
    let told = || {
        let mut out = Vec::new();
        emf.write(SystemTime::now(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        ["evaluate_windows_total", "evaluate_window_delay_seconds"].map(|it| text.contains(it))
    };
    let evaluator = Evaluator::new().await;
    let log = log_from_the_start([tick("IBM", 12_420, at(23))]);
    evaluator.publisher.set_failing(true);
    assert_eq!(evaluator.deliver(&log).await, failed_at(0));
    assert_eq!(told(), [true, false]);
    evaluator.publisher.set_failing(false);
    assert_eq!(evaluator.deliver(&log).await, BatchResponse::default());
    assert_eq!(told(), [false, true], "late, but told");
    assert_eq!(evaluator.deliver(&log).await, BatchResponse::default());
    assert_eq!(told(), [false, false]);
}

#[tokio::test]
async fn a_crash_between_link_and_publication_is_mended_by_the_redelivery() {
    let evaluator = Evaluator::new().await;
    let log = log_from_the_start([tick("IBM", 12_420, at(22)), tick("IBM", 12_520, at(23))]);
    evaluator.publisher.set_failing(true);
    assert_eq!(evaluator.deliver(&log).await, failed_at(0));
    assert_eq!(
        (evaluator.rows().await.len(), evaluator.published().len()),
        (6, 0)
    );
    let mended = evaluator.restarted().await;
    mended.publisher.set_failing(false);
    assert_eq!(mended.deliver(&log[..24]).await, BatchResponse::default());
    assert_eq!(navs(&mended.published()), START_NAVS);
    assert_eq!(mended.rows().await.len(), 6);
}

#[tokio::test]
async fn a_gap_is_refused_and_nothing_is_published() {
    let evaluator = Evaluator::new().await;
    let log = log_from_the_start([tick("IBM", 1, at(22)), tick("IBM", 1, at(44))]);
    evaluator.deliver(&log[..20]).await;
    let refused = evaluator.deliver(&log[21..]).await;
    assert_eq!(
        refused.batch_item_failures,
        failed_at(21).batch_item_failures
    );
    assert_eq!(refused.gaps.len(), 1);
    // Nor is one passed over in the middle of a batch.
    let holed = [&log[18..20], &log[21..]].concat();
    assert_eq!(evaluator.deliver(&holed).await, refused);
    assert_eq!(evaluator.published(), []);
    assert_eq!(
        evaluator.deliver(&log[20..]).await,
        BatchResponse::default()
    );
    assert_eq!(evaluator.published().len(), 12);
}

#[tokio::test]
async fn an_accepted_gap_keeps_prices_and_open_windows() {
    let evaluator = Evaluator::new().await;
    let log = log_from_the_start([tick("IBM", 1, at(3)), tick("IBM", 12_420, at(22))]);
    evaluator.deliver(&log[..24]).await;
    let command = |name: &str, fields| serde_json::from_value(json!({ name: fields })).unwrap();
    let chains = evaluator
        .command(command("chains", json!({})))
        .await
        .unwrap();
    assert_eq!(chains["chains"][0]["head"], 24);
    // The tick at offset 24 is lost, and the one after it closes the window that was open before.
    let refused = evaluator.deliver(&log[25..]).await;
    assert_eq!((refused.gaps[0].first, refused.gaps[0].end), (24, 25));
    let gap = json!({"topic": "StockExchange", "partition": 0, "first": 24, "end": 25, "reason": "a test"});
    for _ in 0..2 {
        let answer = evaluator.command(command("accept-gap", gap.clone())).await;
        assert_eq!(answer.unwrap(), json!({"accepted": true, "head": 25}));
    }
    assert_eq!(
        evaluator.deliver(&log[25..]).await,
        BatchResponse::default()
    );
    assert_eq!(navs(&evaluator.published()), START_NAVS);
    // What is lost stays lost, also when it comes after all.
    assert_eq!(
        evaluator.deliver(&log[24..]).await,
        BatchResponse::default()
    );
    assert_eq!(evaluator.rows().await.len(), 6);
    let other = command("replay-dead-letter", json!({}));
    let refused = evaluator.command(other).await.unwrap_err().to_string();
    assert!(refused.contains("never made again"), "{refused}");
}

#[tokio::test]
async fn what_is_no_tick_is_passed_over() {
    let evaluator = Evaluator::new().await;
    let mut log = vec![
        record(0, "garbage"),
        record(
            1,
            r#"{"TICK":"IBM","PRICE":"9","TS":"9999-01-01 00:00:00"}"#,
        ),
    ];
    let mut none = record(2, "");
    none.value = None;
    log.push(none);
    // As archive does: no calendar shows the time of this record, and every bound lies below it.
    let ahead = tick("IBM", 1, at(40_000));
    let mut timeless = record(3, wire::encode_tick(&ahead));
    timeless.timestamp = 253_402_300_800_000;
    log.push(timeless);
    let mut ticks = start_prices(0);
    ticks.push(tick("IBM", 1, at(22)));
    log.extend(
        (4..)
            .zip(&ticks)
            .map(|(offset, tick)| record(offset, wire::encode_tick(tick))),
    );
    assert_eq!(evaluator.deliver(&log).await, BatchResponse::default());
    assert_eq!(navs(&evaluator.published()), START_NAVS);
}

#[tokio::test]
async fn a_portfolio_waits_for_its_prices() {
    let evaluator = Evaluator::new().await;
    let mut ticks = start_prices(0);
    ticks.retain(|tick| tick.ticker.as_str() != "ORKL");
    ticks.extend([
        tick("IBM", 12_320, at(22)),
        tick("ORKL", 6_470, at(23)),
        tick("IBM", 1, at(44)),
    ]);
    evaluator.deliver(&log_of(&ticks)).await;
    let shown = navs(&evaluator.published());
    assert_eq!(
        shown[..4],
        [START_NAVS[0], START_NAVS[2], START_NAVS[3], START_NAVS[4]]
    );
    assert_eq!(shown[4..], START_NAVS);
}

#[tokio::test]
async fn changed_holdings_hold_from_the_next_window_on_even_over_a_cold_start() {
    let evaluator = Evaluator::new().await;
    let log = log_from_the_start([tick("IBM", 12_320, at(22)), tick("IBM", 12_320, at(44))]);
    evaluator.deliver(&log[..10]).await;
    let id = PortfolioId {
        investor: 1,
        portfolio: 2,
    };
    let holdings = [("IBM".parse().unwrap(), 10)].into();
    lake::holdings::put(
        &evaluator.store,
        Portfolio {
            id,
            holdings,
            active: true,
        },
    )
    .await
    .unwrap();
    let cold = evaluator.restarted().await;
    cold.deliver(&log[10..]).await;
    let shown = navs(&cold.published());
    assert_eq!(shown[..6], START_NAVS);
    assert_eq!(shown[7], "1.2 1232.00");
}

/// Found by the simulation: an evaluator that meets another head than it knew looks the holdings up again.
#[tokio::test]
async fn a_window_never_goes_back_to_older_holdings() {
    let first = Evaluator::new().await;
    let log = log_from_the_start((1..5).map(|window| tick("IBM", 12_320, at(window * 22))));
    first.deliver(&log[..24]).await;

    let (slow, other) = (first.restarted().await, first.restarted().await);
    let mut late = std::pin::pin!(slow.deliver(&log[24..]));
    // Up to its last reading of holdings, after which it creates its link.
    first.store.take_requests();
    let mut reads = 0;
    while reads < 4 {
        assert!(futures::poll!(&mut late).is_pending());
        let requests = first.store.take_requests().into_iter();
        reads += requests.filter(|&each| each == Operation::Read).count();
    }
    let portfolio = Portfolio {
        id: PortfolioId {
            investor: 1,
            portfolio: 2,
        },
        holdings: [("IBM".parse().unwrap(), 10)].into(),
        active: true,
    };
    lake::holdings::put(&first.store, portfolio).await.unwrap();
    assert_eq!(other.deliver(&log[24..26]).await, BatchResponse::default());
    assert_eq!(late.await, BatchResponse::default());
    let mut shown = navs(&first.published());
    shown.retain(|nav| nav.starts_with("1.2 "));
    let (before, after) = (START_NAVS[1], "1.2 1232.00");
    assert_eq!(shown, [before, after, before, after, after, after]);
}

#[tokio::test]
async fn prices_and_navs_outlive_a_log() {
    let first = Evaluator::new().await;
    let log = log_from_the_start([tick("IBM", 12_420, at(22))]);
    first.deliver(&log).await;
    let second = Evaluator::on(first.store.clone(), Arc::default(), settings(1, None)).await;
    let ticks = [tick("HPQ", 2_800, at(100)), tick("HPQ", 2_800, at(130))];
    assert_eq!(
        second.deliver(&log_of(&ticks)).await,
        BatchResponse::default()
    );
    let published = second.published();
    assert_eq!(published.len(), 12);
    assert_eq!(navs(&published[..1]), ["1.1 10725420.00"]);
    assert!(
        published[0]
            .1
            .ends_with(r#""NAV_Change":1000.00,"NAV_Change_%":0.01}"#),
        "{}",
        published[0].1
    );
}

#[tokio::test]
async fn shards_evaluate_their_investors_on_chains_of_their_own() {
    let store = MemoryStore::new();
    let log = log_from_the_start([tick("IBM", 1, at(22))]);
    let mut all = Vec::new();
    for (shard, chain) in [
        ("1,3", "StockExchange.investors_1_3"),
        ("2", "StockExchange.investors_2"),
    ] {
        let publisher = Arc::new(MemoryPublisher::new());
        let evaluator = Evaluator::on(store.clone(), publisher, settings(0, Some(shard))).await;
        assert_eq!(evaluator.deliver(&log).await, BatchResponse::default());
        let shown = navs(&evaluator.published());
        assert_eq!(rows_of(&store, Epoch(0), chain).await.len(), shown.len());
        all.extend(shown);
    }
    all.sort();
    assert_eq!(all, START_NAVS);
}

#[tokio::test]
async fn records_of_another_topic_are_a_mistake_in_the_trigger() {
    let evaluator = Evaluator::new().await;
    let refused = evaluator
        .deliver_of("portfolios", &log_of(&start_prices(0)))
        .await;
    assert!(
        matches!(refused, Err(Error::UnexpectedTopic { .. })),
        "{refused:?}"
    );
}
