//! `/`: what flows now, how fresh each table is, and what could not be read.

use std::collections::BTreeMap;

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use http::Response;
use lake::Table;
use lambda_http::Body;
use lambda_kit::Problem;
use serde::Deserialize;

use super::rows::{self, Moment};
use super::shell;
use crate::charts::{self, Series};
use crate::context::{Context, Urls};
use crate::figures;

/// How far back the chart looks at most, and at least.
const MINUTES: i64 = 45;
const FEWEST: i64 = 10;
/// A table with a row younger than this is fed right now.
const FRESH: TimeDelta = TimeDelta::seconds(90);
/// How many dead letters are shown.
const LETTERS: usize = 5;

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview {
    here: &'static str,
    urls: Urls,
    chart: String,
    flows: bool,
    rate: String,
    rows: String,
    newest: String,
    letters: String,
    lost: String,
    tables: Vec<Freshness>,
    dead: Vec<Letter>,
    minutes: i64,
}

struct Freshness {
    name: &'static str,
    topic: &'static str,
    rows: String,
    newest: String,
    age: String,
    fresh: bool,
}

struct Letter {
    at: String,
    age: String,
    place: String,
    reason: String,
}

#[derive(Deserialize)]
struct Minute {
    topic: String,
    /// Whole minutes before now.
    ago: i64,
    n: i64,
}

#[derive(Deserialize)]
struct Newest {
    name: String,
    n: i64,
    newest: Option<Moment>,
}

#[derive(Deserialize)]
struct Lost {
    records: i64,
}

#[derive(Deserialize)]
struct Dead {
    topic: String,
    partition: i32,
    offset: i64,
    timestamp: Moment,
    reason: String,
}

/// The topic whose records are a table's rows, as people know it.
fn topic(table: Table) -> &'static str {
    match table {
        Table::Evaluations => "portfolios",
        Table::DeadLetter | Table::Gaps => "any",
        fed => fed.topic().unwrap_or_default(),
    }
}

pub(crate) async fn page(context: &Context, now: DateTime<Utc>) -> Result<Response<Body>, Problem> {
    let (flow, freshness, dead) = (flow_query(now), freshness_query(), dead_query());
    let (minutes, newest, dead, lost) = tokio::try_join!(
        rows::read::<Minute>(context, &flow),
        rows::read::<Newest>(context, &freshness),
        rows::read::<Dead>(context, &dead),
        rows::read::<Lost>(context, LOST),
    )?;
    let rate: i64 = minutes.iter().filter(|m| m.ago == 0).map(|m| m.n).sum();
    let tables: Vec<Freshness> = Table::all()
        .into_iter()
        .map(|table| fresh(table, &newest, now))
        .collect();
    let letters = newest.iter().find(|t| t.name == Table::DeadLetter.name());
    shell::html(&Overview {
        here: "/",
        urls: context.urls.clone(),
        flows: !minutes.is_empty(),
        chart: chart(&minutes, now),
        rate: figures::count(rate),
        rows: figures::count(
            newest
                .iter()
                .filter(|t| t.name != Table::Gaps.name())
                .map(|t| t.n)
                .sum(),
        ),
        newest: newest
            .iter()
            .filter_map(|t| t.newest)
            .max()
            .map_or("none yet".to_owned(), |at| figures::ago(at.0, now)),
        letters: figures::count(letters.map_or(0, |t| t.n)),
        lost: figures::count(lost.iter().map(|t| t.records).sum()),
        tables,
        dead: dead.into_iter().map(|letter| shown(letter, now)).collect(),
        minutes: MINUTES,
    })
}

fn flow_query(now: DateTime<Utc>) -> String {
    let from = rows::literal(now - TimeDelta::minutes(MINUTES));
    let to = rows::literal(now);
    let millis = now.timestamp_millis();
    let parts: Vec<String> = Table::all()
        .into_iter()
        .filter(|table| !matches!(table, Table::DeadLetter | Table::Gaps))
        .map(|table| {
            format!(
                "SELECT '{}' AS topic, ({millis} - arrow_cast(_timestamp, 'Int64')) / 60000 AS ago, COUNT(*) AS n \
                 FROM {} WHERE _timestamp > {from} AND _timestamp <= {to} GROUP BY 2",
                topic(table),
                table.name()
            )
        })
        .collect();
    parts.join(" UNION ALL ")
}

fn freshness_query() -> String {
    let parts = Table::all().map(|table| {
        let name = table.name();
        format!("SELECT '{name}' AS name, COUNT(*) AS n, MAX(_timestamp) AS newest FROM {name}")
    });
    parts.join(" UNION ALL ")
}

/// A record may be missing in two tables that read its topic, and is lost once.
const LOST: &str = "SELECT COALESCE(SUM(lost), 0) AS records FROM (SELECT topic, MAX(lost) AS lost FROM \
    (SELECT topic, table_name, SUM(records) AS lost FROM gaps GROUP BY topic, table_name) GROUP BY topic)";

fn dead_query() -> String {
    format!(
        "SELECT topic, \"partition\", \"offset\", \"timestamp\", reason FROM dead_letter \
         ORDER BY _timestamp DESC, _offset DESC LIMIT {LETTERS}"
    )
}

/// Minutes that end now, a minute ago, and so on; one without events is a zero, so that the line goes down there.
/// Begins a minute before the first event.
fn chart(minutes: &[Minute], now: DateTime<Utc>) -> String {
    let first = minutes.iter().map(|m| m.ago + 2).max().unwrap_or(MINUTES);
    let first = first.clamp(FEWEST, MINUTES);
    let mut topics = BTreeMap::<&str, BTreeMap<i64, i64>>::new();
    for each in minutes {
        topics
            .entry(&each.topic)
            .or_default()
            .insert(each.ago, each.n);
    }
    let series: Vec<Series> = topics
        .into_iter()
        .map(|(topic, counts)| Series {
            name: topic.to_owned(),
            points: (0..first)
                .rev()
                .map(|ago| {
                    let at = now - TimeDelta::minutes(ago);
                    (at, counts.get(&ago).copied().unwrap_or(0) as f64)
                })
                .collect(),
        })
        .collect();
    charts::lines_figure("Events a minute, by topic", "events a minute", &series)
}

fn fresh(table: Table, newest: &[Newest], now: DateTime<Utc>) -> Freshness {
    let found = newest.iter().find(|t| t.name == table.name());
    let at = found.and_then(|t| t.newest);
    Freshness {
        name: table.name(),
        topic: topic(table),
        rows: figures::count(found.map_or(0, |t| t.n)),
        newest: at.map(|at| figures::time(at.0)).unwrap_or_default(),
        age: at.map_or("empty".to_owned(), |at| figures::ago(at.0, now)),
        // A fresh dead letter is nothing to be glad of.
        fresh: table != Table::DeadLetter && at.is_some_and(|at| now - at.0 < FRESH),
    }
}

fn shown(letter: Dead, now: DateTime<Utc>) -> Letter {
    Letter {
        at: figures::time(letter.timestamp.0),
        age: figures::ago(letter.timestamp.0, now),
        place: format!("{}-{} at {}", letter.topic, letter.partition, letter.offset),
        reason: letter.reason,
    }
}
