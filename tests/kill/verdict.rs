//! Whether what was sent, what stands in the log and what SQL answers are the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};
use tests::kafka::{self, Record};
use tests::stack::Stack;
use tests::{eventually, http};

use crate::ledger::{IDENTIFIED, Ledger};
use crate::reference::{self, Holdings, Messages};

/// Rows of a partition that are read at once; a topic has up to three.
const PAGE: i64 = 3000;
/// How long everything that is in the log may take to be in the tables.
const CATCH_UP: Duration = Duration::from_secs(120);

/// Where a row stood in the log.
type Place = (i64, i64);

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    stored: usize,
    evaluations: usize,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stored,
            evaluations,
        } = self;
        write!(
            f,
            "stored {stored}, evaluations {evaluations}, lost 0, doubled 0"
        )
    }
}

/// Waits until the tables have caught up with the log, and compares; panics with the first thing that is wrong.
pub(crate) async fn reach(stack: &Stack, ledger: &Ledger) -> Verdict {
    let mut verdict = Verdict::default();
    for (table, column) in IDENTIFIED {
        let log = kafka::records(&stack.run.kafka, table);
        let rows = rows(stack, table, &format!("{column} AS id"), log.len()).await;
        let ids = rows
            .values()
            .map(|row| row["id"].as_str().unwrap().to_owned());
        compare_with_log(table, &log, &rows, |record, row| {
            let event: Value = serde_json::from_slice(&record.value).unwrap();
            let id = if table == "game_events" {
                "userid"
            } else {
                "User-Agent"
            };
            event[id] == row["id"]
        });
        compare_with_clients(table, ids.collect(), &ledger.of(table));
        verdict.stored += rows.len();
    }
    let ticks = kafka::records(&stack.run.kafka, "StockExchange");
    verdict.stored += check_ticks(stack, ledger, &ticks).await;
    verdict.evaluations = check_evaluations(stack, &ticks).await;
    let given_up = counted(stack, "dead_letter").await;
    assert_eq!(given_up, 0, "no record was unreadable");
    verdict
}

/// The rows of a statement; a system that has just been killed may need several tries.
async fn answered(stack: &Stack, statement: &str) -> Vec<Value> {
    eventually(statement, CATCH_UP, || async {
        let answer = stack.ask(statement).await;
        match answer.status {
            200 => Ok(answer.json()["rows"].as_array().unwrap().clone()),
            _ => Err(answer.text()),
        }
    })
    .await
}

async fn counted(stack: &Stack, table: &str) -> i64 {
    let rows = answered(stack, &format!("SELECT COUNT(*) AS n FROM {table}")).await;
    rows[0]["n"].as_i64().unwrap()
}

/// Every row of a table by its place, once there are as many as the log has records.
async fn rows(stack: &Stack, table: &str, columns: &str, wanted: usize) -> BTreeMap<Place, Value> {
    let counted = format!("SELECT COUNT(*) AS n, COALESCE(MAX(_offset), -1) AS last FROM {table}");
    let counts = eventually(&format!("{table} has caught up"), CATCH_UP, || async {
        let counts = answered(stack, &counted).await[0].clone();
        if counts["n"].as_u64() >= Some(wanted as u64) {
            Ok(counts)
        } else {
            Err(format!("{counts} of {wanted}"))
        }
    })
    .await;
    let mut rows = BTreeMap::new();
    for from in (0..=counts["last"].as_i64().unwrap()).step_by(usize::try_from(PAGE).unwrap()) {
        let page = format!(
            "SELECT _partition, _offset, {columns} FROM {table} WHERE _offset >= {from} AND _offset < {}",
            from + PAGE
        );
        for row in answered(stack, &page).await {
            let place = (
                row["_partition"].as_i64().unwrap(),
                row["_offset"].as_i64().unwrap(),
            );
            let twice = rows.insert(place, row);
            assert!(
                twice.is_none(),
                "DOUBLED: two rows of {table} stand at {place:?}"
            );
        }
    }
    rows
}

/// The table is the log: a row for each record, and no other.
fn compare_with_log(
    table: &str,
    log: &[Record],
    rows: &BTreeMap<Place, Value>,
    is_same: impl Fn(&Record, &Value) -> bool,
) {
    for record in log {
        let place = (i64::from(record.partition), record.offset);
        let row = rows.get(&place);
        let row = row.unwrap_or_else(|| panic!("LOST: {table} has no row for {place:?}"));
        assert!(
            is_same(record, row),
            "{table} has another row at {place:?}: {row}"
        );
    }
    assert_eq!(
        rows.len(),
        log.len(),
        "{table} has rows that are not in the log"
    );
}

/// Each acknowledged id is there once, every other one that was sent at most once, and none that was not sent.
fn compare_with_clients(table: &str, found: Vec<String>, sent: &BTreeMap<String, bool>) {
    let mut seen = BTreeSet::new();
    for id in found {
        assert!(
            sent.contains_key(&id),
            "{table} has {id}, which nobody sent"
        );
        assert!(!seen.contains(&id), "DOUBLED: {table} has {id} twice");
        seen.insert(id);
    }
    for (id, acknowledged) in sent {
        assert!(
            !acknowledged || seen.contains(id),
            "LOST: {table} has no {id}, which was acknowledged"
        );
    }
}

/// Ticks are known by their times: each belongs to the one burst that has them.
async fn check_ticks(stack: &Stack, ledger: &Ledger, log: &[Record]) -> usize {
    let columns = "tick, price";
    let rows = rows(stack, "ticks", columns, log.len()).await;
    compare_with_log("ticks", log, &rows, |record, row| {
        let tick: Value = serde_json::from_slice(&record.value).unwrap();
        json!([tick["TICK"], tick["PRICE"]]) == json!([row["tick"], row["price"]])
    });
    let mut times: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    for record in log {
        let tick: Value = serde_json::from_slice(&record.value).unwrap();
        let time = reference::micros(tick["TS"].as_str().unwrap());
        let ticker = tick["TICK"].as_str().unwrap().to_owned();
        times.entry(time).or_default().push(ticker);
    }
    let mut found = 0;
    for burst in ledger.bursts() {
        let ticks: Vec<_> = times.range(burst.first..burst.end).collect();
        for (time, tickers) in &ticks {
            // Start prices bear one time, and no ticker has two of them.
            let distinct: BTreeSet<_> = tickers.iter().collect();
            assert_eq!(distinct.len(), tickers.len(), "DOUBLED: a tick of {time}");
        }
        let count: usize = ticks.iter().map(|(_, tickers)| tickers.len()).sum();
        let wanted = burst.ticks as usize;
        assert!(
            count == wanted || (!burst.acknowledged && count < wanted),
            "{burst:?} has {count} ticks"
        );
        found += count;
    }
    assert_eq!(found, log.len(), "ticks that nobody asked for");
    rows.len()
}

/// What is stored and what is published is what the log of ticks leads to.
async fn check_evaluations(stack: &Stack, ticks: &[Record]) -> usize {
    let expected = reference::evaluations(ticks, &portfolios(stack).await);
    assert!(
        !expected.is_empty(),
        "no window closed: nothing is compared"
    );
    let stored = eventually("evaluations have caught up", CATCH_UP, || async {
        let stored = stored(stack).await;
        if stored.len() >= expected.len() {
            Ok(stored)
        } else {
            Err(format!("{} of {}", stored.len(), expected.len()))
        }
    })
    .await;
    assert_same("stored", &stored, &expected);
    let published = eventually("evaluations are published", CATCH_UP, || async {
        let published = published(&stack.run.kafka);
        if published.len() >= expected.len() {
            Ok(published)
        } else {
            Err(format!("{} of {}", published.len(), expected.len()))
        }
    })
    .await;
    assert_same("published", &published, &expected);
    expected.len()
}

fn assert_same(what: &str, found: &Messages, expected: &Messages) {
    for (key, message) in expected {
        assert_eq!(found.get(key), Some(message), "{what}: {key:?}");
    }
    assert_eq!(
        found.len(),
        expected.len(),
        "{what}: evaluations of windows that never closed"
    );
}

async fn portfolios(stack: &Stack) -> BTreeMap<String, Holdings> {
    let answer = http::get(format!("{}/api/portfolios", stack.run.lake))
        .await
        .json();
    let portfolios = answer["portfolios"].as_array().unwrap().iter();
    let holdings = |portfolio: &Value| {
        let holdings = portfolio["holdings"].as_object().unwrap().iter();
        holdings
            .map(|(ticker, quantity)| (ticker.clone(), quantity.as_i64().unwrap().into()))
            .collect()
    };
    portfolios
        .map(|portfolio| {
            (
                portfolio["id"].as_str().unwrap().to_owned(),
                holdings(portfolio),
            )
        })
        .collect()
}

/// The rows of `evaluations`, written as they are published.
async fn stored(stack: &Stack) -> Messages {
    let columns = "portfolio, window_end, nav, nav_change, nav_change_pct";
    let counted = counted(stack, "evaluations").await;
    let mut messages = Messages::new();
    for from in (0..counted).step_by(9000) {
        let page = format!(
            "SELECT {columns} FROM evaluations ORDER BY window_end, portfolio LIMIT 9000 OFFSET {from}"
        );
        for row in answered(stack, &page).await {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            let end = text("window_end")[..19].replace('T', " ");
            let message = format!(
                r#"{{"PORTFOLIO":"{}","TIMESTAMP":"{end}","NAV":{},"NAV_Change":{},"NAV_Change_%":{}}}"#,
                text("portfolio"),
                text("nav"),
                text("nav_change"),
                text("nav_change_pct")
            );
            let twice = messages.insert((text("portfolio"), end), message);
            assert!(twice.is_none(), "DOUBLED: {row}");
        }
    }
    messages
}

/// The messages of `portfolios`; one may come again, but only as it was.
fn published(brokers: &str) -> Messages {
    let mut messages = Messages::new();
    for record in kafka::records(brokers, "portfolios") {
        let text = String::from_utf8(record.value).unwrap();
        let message: Value = serde_json::from_str(&text).unwrap();
        let part = |name: &str| message[name].as_str().unwrap().to_owned();
        let before = messages.insert((part("PORTFOLIO"), part("TIMESTAMP")), text.clone());
        assert!(
            before.is_none_or(|before| before == text),
            "two evaluations of one window: {text}"
        );
    }
    messages
}
