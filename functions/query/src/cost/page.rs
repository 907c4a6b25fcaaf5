//! The page: figures for the rate that a reader asks for, beside the three that everybody is shown.

use askama::Template;
use http::Response;
use lambda_http::{Body, Request};
use lambda_kit::Problem;
use lambda_kit::http::Parameters;
use serde_json::json;

use super::alternatives::{self, Alternative};
use super::idle::{self, Idle};
use super::measured::{Function, Measured};
use super::model::{self, Bill, Load};
use super::prices::{Prices, Table};
use crate::pages::html;
use crate::{charts, figures};

/// The rates that everybody is shown.
pub(super) const RATES: [f64; 3] = [1.0, 1000.0, 50_000.0];
/// What nobody sends or asks here.
const MOST: f64 = 1e6;
/// Services beside bars; the others are in the table.
const BARS: usize = 9;

#[derive(Template)]
#[template(path = "cost.html")]
struct Page {
    here: &'static str,
    load: Load,
    rate: String,
    month: String,
    million: String,
    idle_month: String,
    idle_without_schedules: String,
    links: String,
    partitions: String,
    chart: String,
    comparison: String,
    ways: Vec<Way>,
    columns: Vec<String>,
    rows: Vec<Row>,
    idle: Vec<Waiting>,
    functions: Vec<Taken>,
    event_bytes: String,
    row_bytes: String,
    own_broker: String,
    measured: &'static Measured,
    prices: &'static Prices,
}

/// A way to the same rows.
struct Way {
    name: &'static str,
    month: String,
    idle: String,
    means: &'static str,
}

/// A service that costs while it waits.
struct Waiting {
    service: &'static str,
    month: String,
    to_zero: &'static str,
}

/// What a function was measured to take.
struct Taken {
    name: &'static str,
    ms: String,
    ms_per_event: String,
    log_bytes: String,
    peak_mib: String,
}

/// A line of the table, with its figures at each rate.
struct Row {
    name: &'static str,
    strong: bool,
    /// A month's and a million events'.
    figures: Vec<(String, String)>,
}

pub(crate) fn page(request: &Request) -> Result<Response<Body>, Problem> {
    let load = asked(request)?;
    let bill = |load| model::bill(load, Measured::get(), Table::get());
    let at = |events_per_second| {
        bill(Load {
            events_per_second,
            ..load
        })
    };
    let (asked, shown) = (bill(load), RATES.map(at));
    let still = |exchanges| {
        bill(Load {
            events_per_second: 0.0,
            statements_per_day: 0.0,
            exchanges,
        })
    };
    let ways = alternatives::all(load, Measured::get(), Table::get(), bill);
    let of = &Measured::get().functions;
    html(&Page {
        here: "/cost",
        load,
        rate: figures::short(load.events_per_second),
        month: usd(asked.usd_per_month()),
        million: per_million(&asked, asked.usd_per_month()),
        idle_month: usd(still(true).usd_per_month()),
        idle_without_schedules: usd(still(false).usd_per_month()),
        links: figures::count(asked.links_per_month.round() as i64),
        partitions: figures::short(asked.partitions),
        chart: chart(&asked),
        comparison: compared(&ways),
        columns: RATES.map(figures::short).to_vec(),
        rows: rows(&shown),
        idle: idle::of(&still(true)).iter().map(waiting).collect(),
        functions: vec![
            taken("stocks", of.stocks),
            taken("games", of.games),
            taken("exchange", of.exchange),
            taken("evaluate", of.evaluate),
            taken("archive", of.archive),
            taken("query", of.query),
        ],
        event_bytes: figures::fixed(Measured::get().kafka_bytes_per_event, 0),
        row_bytes: figures::fixed(Measured::get().parquet_bytes_per_event, 1),
        ways: ways.iter().map(way).collect(),
        own_broker: usd(idle::own_broker_usd_per_month(Table::get())),
        measured: Measured::get(),
        prices: Prices::get(),
    })
}

fn way(way: &Alternative) -> Way {
    Way {
        name: way.name,
        month: usd(way.usd_per_month),
        idle: usd(way.idle_usd_per_month),
        means: way.means,
    }
}

fn waiting(idle: &Idle) -> Waiting {
    Waiting {
        service: idle.service,
        month: usd(idle.usd_per_month),
        to_zero: idle.to_zero,
    }
}

fn taken(name: &'static str, function: Function) -> Taken {
    Taken {
        name,
        ms: figures::fixed(function.ms_per_invocation, 2),
        ms_per_event: figures::fixed(function.ms_per_event, 4),
        log_bytes: figures::fixed(function.log_bytes_per_invocation, 0),
        peak_mib: figures::fixed(function.peak_mib, 0),
    }
}

/// What a reader asks for; what is not named is as it usually is.
fn asked(request: &Request) -> Result<Load, Problem> {
    let parameters = Parameters::of(request);
    let number = |name: &str, usual: f64| {
        let given = parameters.get(name).filter(|text| !text.trim().is_empty());
        given.map_or(Ok(usual), |text| {
            let number = text.trim().parse::<f64>().ok();
            number
                .filter(|it| (0.0..=MOST).contains(it))
                .ok_or_else(|| {
                    Problem::unprocessable(format!(
                        "{name} is a number from 0 to {MOST}, not {text:?}"
                    ))
                    .with("minimum", 0)
                    .with("maximum", json!(MOST))
                })
        })
    };
    let exchanges = match parameters.get("exchanges").unwrap_or("on") {
        "on" | "" => true,
        "off" => false,
        other => {
            return Err(
                Problem::unprocessable(format!("exchanges is on or off, not {other:?}"))
                    .with("allowed", ["on", "off"].as_slice()),
            );
        }
    };
    Ok(Load {
        events_per_second: number("events_per_second", 1000.0)?,
        statements_per_day: number("statements_per_day", 1000.0)?,
        exchanges,
    })
}

fn usd(usd: f64) -> String {
    figures::fixed(usd, 2)
}

fn per_million(bill: &Bill, usd_per_month: f64) -> String {
    let per_million = bill.per_million_events(usd_per_month);
    per_million.map_or("no events".to_owned(), |usd| figures::fixed(usd, 3))
}

fn rows(bills: &[Bill]) -> Vec<Row> {
    let figures = |usd: &dyn Fn(&Bill) -> f64| {
        let each = bills.iter().map(|bill| (bill, usd(bill)));
        each.map(|(bill, month)| (usd_or_dash(month), per_million(bill, month)))
            .collect()
    };
    let Some(first) = bills.first() else {
        return Vec::new();
    };
    let lines = first.lines.iter().enumerate().map(|(at, line)| Row {
        name: line.service,
        strong: false,
        figures: figures(&|bill| bill.lines.get(at).map_or(0.0, |line| line.usd_per_month)),
    });
    let sum = Row {
        name: "All of it",
        strong: true,
        figures: figures(&Bill::usd_per_month),
    };
    lines.chain([sum]).collect()
}

fn usd_or_dash(month: f64) -> String {
    if month == 0.0 {
        "0".to_owned()
    } else {
        usd(month)
    }
}

fn chart(bill: &Bill) -> String {
    let mut lines: Vec<_> = bill
        .lines
        .iter()
        .filter(|line| line.usd_per_month > 0.0)
        .collect();
    lines.sort_by(|a, b| b.usd_per_month.total_cmp(&a.usd_per_month));
    let mut bars: Vec<(String, f64)> = lines
        .iter()
        .take(BARS)
        .map(|line| (line.service.to_owned(), cents(line.usd_per_month)))
        .collect();
    let rest: f64 = lines.iter().skip(BARS).map(|line| line.usd_per_month).sum();
    if rest > 0.0 {
        bars.push((format!("{} others", lines.len() - BARS), cents(rest)));
    }
    charts::bars_figure("USD a month, by service", "service", "USD a month", &bars)
}

fn compared(ways: &[Alternative]) -> String {
    let bars: Vec<(String, f64)> = ways
        .iter()
        .map(|way| (way.name.to_owned(), cents(way.usd_per_month)))
        .collect();
    charts::bars_figure(
        "USD a month, from the broker to SQL",
        "way",
        "USD a month",
        &bars,
    )
}

fn cents(usd: f64) -> f64 {
    (usd * 100.0).round() / 100.0
}
