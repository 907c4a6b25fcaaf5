//! The model: figures that can be checked by hand, and what holds for every load.

use proptest::prelude::*;

use super::alternatives;
use super::idle;
use super::measured::{Function, Functions, Measured};
use super::model::{Bill, HOURS_PER_MONTH, Load, SECONDS_PER_MONTH, Stage, bill};
use super::prices::{Prices, Table};

const FUNCTION: Function = Function {
    ms_per_invocation: 2.0,
    ms_per_event: 0.01,
    log_bytes_per_invocation: 150.0,
    peak_mib: 60.0,
};

/// Round figures.
fn measured() -> Measured {
    Measured {
        command: String::new(),
        date: String::new(),
        machine: String::new(),
        build: String::new(),
        functions: Functions {
            stocks: FUNCTION,
            games: FUNCTION,
            exchange: FUNCTION,
            evaluate: FUNCTION,
            archive: FUNCTION,
            query: FUNCTION,
        },
        kafka_bytes_per_event: 330.0,
        kafka_bytes_per_tick: 80.0,
        kafka_bytes_per_evaluation: 120.0,
        parquet_bytes_per_event: 50.0,
        parquet_bytes_per_link: 0.0,
        answer_bytes_per_call: 300.0,
        metric_series: 50,
    }
}

fn load(events_per_second: f64, statements_per_day: f64) -> Load {
    Load {
        events_per_second,
        statements_per_day,
        exchanges: false,
    }
}

fn of(load: Load) -> Bill {
    bill(load, &measured(), Table::get())
}

fn line(bill: &Bill, service: &str) -> f64 {
    let found = bill.lines.iter().find(|line| line.service == service);
    found
        .unwrap_or_else(|| panic!("no {service}"))
        .usd_per_month
}

fn close(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() < 0.005,
        "{found} is not {expected}"
    );
}

#[test]
fn a_bill_is_what_a_calculator_says() {
    let bill = of(load(100.0, 0.0));
    close(bill.events_per_month, 262_800_000.0);
    close(line(&bill, "HTTP APIs"), 262.80);
    // 131.4 million calls: 0.20 each million, and of half a GB 2.01 ms of a processor of which it gets a part, 5 for the
    // broker and half a one for rounding.
    let seconds = (2.01 / (512.0 / 1769.0) + 5.5) / 1000.0;
    close(
        line(&bill, "Function stocks"),
        26.28 + 131.4e6 * seconds * 0.5 * 0.000_013_333_4,
    );
    close(line(&bill, "Kafka: the cluster"), 547.50);
    close(line(&bill, "Kafka: partitions"), 19.0 * 730.0 * 0.0015);
    close(line(&bill, "Kafka: bytes in"), 262.8e6 * 400.0 / 1e9 * 0.10);
    close(
        line(&bill, "Kafka: bytes out"),
        262.8e6 * 400.0 / 1e9 * 0.05,
    );
    close(
        line(&bill, "S3: a month's rows"),
        262.8e6 * 50.0 / 1e9 * 0.023,
    );
    close(
        line(&bill, "Answers to callers"),
        262.8e6 * 300.0 / 1e9 * 0.09,
    );
    close(line(&bill, "Network endpoints"), 29.20);
    // Each of three partitions has 16.67 events a second: a batch of 334 in 20 s, of 168 in 10 s.
    let batches = |window: f64| 50.0 / (1.0 + 50.0 / 3.0 * window) * SECONDS_PER_MONTH;
    close(bill.links_per_month, batches(20.0) + batches(10.0));
    close(
        line(&bill, "S3: commits"),
        bill.links_per_month * 0.000_010_4,
    );
}

#[test]
fn the_first_300_million_calls_cost_more() {
    let calls = 1000.0 * SECONDS_PER_MONTH;
    close(
        line(&of(load(1000.0, 0.0)), "HTTP APIs"),
        300.0 + (calls / 1e6 - 300.0) * 0.90,
    );
}

#[test]
fn statements_and_schedules_are_lines_of_their_own() {
    let asked = of(load(0.0, 1000.0));
    close(
        line(&asked, "Function query"),
        30_416.67 * (2e-7 + 0.4025 * 2.0 * 0.000_013_333_4),
    );
    close(
        line(&asked, "S3: reads"),
        30_416.67 * (4.0 * 0.000_005 + 500.0 * 0.000_000_4),
    );
    let ticking = of(Load {
        exchanges: true,
        ..load(0.0, 0.0)
    });
    close(line(&ticking, "Schedules"), 0.0876);
    assert!(line(&ticking, "Function archive") > 0.0 && line(&ticking, "Function evaluate") > 0.0);
}

#[test]
fn functions_that_nobody_calls_cost_nothing_and_a_cluster_does() {
    let still = of(load(0.0, 0.0));
    for line in &still.lines {
        let waits = [
            "Kafka: the cluster",
            "Kafka: partitions",
            "Alarms",
            "Dashboard",
            "Network endpoints",
        ];
        assert_eq!(
            line.usd_per_month > 0.0,
            waits.contains(&line.service),
            "{line:?}"
        );
    }
    let idle = idle::of(&still);
    let sum: f64 = idle.iter().map(|line| line.usd_per_month).sum();
    close(sum, still.usd_per_month());
    close(idle::own_broker_usd_per_month(Table::get()), 12.264 + 1.60);
    assert!(idle.iter().all(|line| !line.to_zero.is_empty()));
    assert_eq!(still.per_million_events(1.0), None);
}

#[test]
fn others_are_paid_for_what_they_keep_running() {
    let ways = |load| alternatives::all(load, &measured(), Table::get(), of);
    let [own, firehose, connect, spark] = &ways(load(1000.0, 0.0))[..] else {
        panic!("four ways");
    };
    close(own.idle_usd_per_month, of(load(0.0, 0.0)).usd_per_month());
    close(firehose.idle_usd_per_month, 0.0);
    let cluster = 547.50 + 19.0 * 730.0 * 0.0015;
    close(connect.idle_usd_per_month, cluster + HOURS_PER_MONTH * 0.11);
    close(
        spark.idle_usd_per_month,
        cluster + 3.0 * HOURS_PER_MONTH * 0.24,
    );
    // 330 bytes are billed as 5 KB.
    let events = 1000.0 * SECONDS_PER_MONTH;
    let rows = events * 50.0 / 1e9 * 0.023;
    close(firehose.usd_per_month, events * 5e-6 * 0.047 + rows);
}

#[test]
fn the_files_are_what_they_claim() {
    let prices = Prices::get();
    assert!(prices.all().count() >= 20 && !prices.date.is_empty());
    for (name, price) in prices.all() {
        assert!(
            price.usd > 0.0 && price.page.starts_with("https://aws.amazon.com/"),
            "{name}"
        );
        assert!(!price.per.is_empty() && !price.basis.is_empty(), "{name}");
    }
    close(Table::get().msk_cluster.usd, 0.75);
    let measured = Measured::get();
    assert!(
        measured.functions.archive.ms_per_invocation > 0.0
            && measured.parquet_bytes_per_event > 0.0
    );
    assert!(
        !measured.machine.contains("to be measured"),
        "run make measure"
    );
}

fn loads() -> impl Strategy<Value = Load> {
    let rates = prop_oneof![Just(0.0), 0.0..10.0, 0.0..1e6_f64];
    (rates, 0.0..1e6_f64, any::<bool>()).prop_map(
        |(events_per_second, statements_per_day, exchanges)| Load {
            events_per_second,
            statements_per_day,
            exchanges,
        },
    )
}

#[test]
fn what_a_serverless_cluster_cannot_take_is_three_brokers() {
    close(line(&of(load(1000.0, 0.0)), "Kafka: the cluster"), 547.50);
    let large = of(load(50_000.0, 0.0));
    close(line(&large, "Kafka: the cluster"), 3.0 * 730.0 * 0.816);
    for none in ["Kafka: partitions", "Kafka: bytes in", "Kafka: bytes out"] {
        close(line(&large, none), 0.0);
    }
    let kept_gb = 50_000.0 * 168.0 * 3600.0 * 400.0 / 1e9;
    close(line(&large, "Kafka: a week kept"), kept_gb * 3.0 * 0.10);
}

#[test]
fn logs_of_functions_get_cheaper_and_those_of_the_api_do_not() {
    let large = of(load(50_000.0, 0.0));
    let calls = 50_000.0 * SECONDS_PER_MONTH;
    // 150 of the function's own, 800 of metrics, 350 of Lambda's: 170.8 TB.
    let own_gb = calls * 1300.0 / 1e9;
    let own = 10e3 * 0.50 + 20e3 * 0.25 + 20e3 * 0.10 + (own_gb - 50e3) * 0.05;
    let access_gb = calls * 300.0 / 1e9;
    let kept = (own_gb + access_gb) * 0.15 * 30.0 / (730.0 / 24.0) * 0.03;
    let logs = line(&large, "Logs of the APIs") + line(&large, "Logs of the pipeline");
    let expected = own + access_gb * 0.50 + kept;
    // The pipeline's own are some GB more, at the last price.
    assert!(
        (expected..expected + 10.0).contains(&logs),
        "{logs} is not {expected}"
    );
}

#[test]
fn what_triggers_carry_goes_through_an_endpoint() {
    let bytes = 330.0 * 4.0 / 3.0 + 250.0;
    close(
        line(
            &of(load(100.0, 0.0)),
            "Network endpoints: what triggers carry",
        ),
        262.8e6 * bytes / 1e9 * 0.01,
    );
}

proptest! {
    #[test]
    fn more_never_costs_less(load in loads(), more in 0.0..1e6_f64, asked in 0.0..1e6_f64) {
        let larger = Load {
            events_per_second: load.events_per_second + more,
            statements_per_day: load.statements_per_day + asked,
            exchanges: true,
        };
        let (less, more) = (of(load), of(larger));
        prop_assert!(less.kafka_usd_per_month() <= more.kafka_usd_per_month() + 1e-9);
        for (less, more) in less.lines.iter().zip(&more.lines) {
            prop_assert_eq!(less.service, more.service);
            // A larger cluster has other lines, and less logs have a larger part of what all of them cost.
            if less.is_of_kafka() || less.service.starts_with("Logs") {
                continue;
            }
            prop_assert!(less.usd_per_month <= more.usd_per_month + 1e-9, "{:?} {:?}", less, more);
        }
        prop_assert!(less.usd_per_month() <= more.usd_per_month() + 1e-6);
        prop_assert!(less.links_per_month <= more.links_per_month + 1e-6);
        for (less, more) in alternatives::all(load, &measured(), Table::get(), of)
            .iter()
            .zip(&alternatives::all(larger, &measured(), Table::get(), of))
        {
            prop_assert!(less.usd_per_month <= more.usd_per_month + 1e-6, "{:?} {:?}", less, more);
        }
    }

    #[test]
    fn sums_add_up(load in loads()) {
        let bill = of(load);
        prop_assert!(bill.lines.iter().all(|line| line.usd_per_month.is_finite() && line.usd_per_month >= 0.0));
        let stages = [Stage::Intake, Stage::Pipeline, Stage::Reading];
        let parts: f64 = stages.iter().map(|stage| bill.usd_per_month_of(&[*stage])).sum();
        let sum = bill.usd_per_month();
        prop_assert!((parts - sum).abs() <= sum * 1e-12);
        if let Some(per_million) = bill.per_million_events(sum) {
            let back = per_million * bill.events_per_month / 1e6;
            prop_assert!((back - sum).abs() <= sum * 1e-9);
        }
        for way in alternatives::all(load, &measured(), Table::get(), of) {
            prop_assert!(way.idle_usd_per_month <= way.usd_per_month + 1e-9, "{:?}", way);
        }
    }
}

/// The tables of `docs/cost.md`.
fn tables() -> String {
    use std::fmt::Write as _;

    use super::page::RATES;
    use crate::figures::{fixed, short};

    let bill = |load| bill(load, Measured::get(), Table::get());
    let at = |events_per_second| Load {
        events_per_second,
        statements_per_day: 1000.0,
        exchanges: true,
    };
    let bills = RATES.map(|rate| bill(at(rate)));
    let mut text = String::new();
    let heads = RATES.map(|rate| format!(" {0}/s: a month | a million |", short(rate)));
    let _ = writeln!(text, "| USD |{}", heads.concat());
    let _ = writeln!(text, "|---|{}", "--:|--:|".repeat(RATES.len()));
    let row = |name: &str, usd: &dyn Fn(&Bill) -> f64| {
        let cells = bills.iter().map(|bill| {
            let month = usd(bill);
            let million = bill.per_million_events(month).unwrap_or_default();
            format!(" {} | {} |", fixed(month, 2), fixed(million, 3))
        });
        format!("| {name} |{}\n", cells.collect::<String>())
    };
    for (at, line) in bills[0].lines.iter().enumerate() {
        text += &row(line.service, &|bill| bill.lines[at].usd_per_month);
    }
    text += &row("**All of it**", &Bill::usd_per_month);
    let _ = writeln!(
        text,
        "\nFrom the broker (or instead of it) to SQL, USD a month:\n"
    );
    let heads = RATES.map(|rate| format!(" {}/s |", short(rate)));
    let _ = writeln!(text, "| way | idle |{}", heads.concat());
    let _ = writeln!(text, "|---|--:|{}", "--:|".repeat(RATES.len()));
    let ways = RATES.map(|rate| alternatives::all(at(rate), Measured::get(), Table::get(), bill));
    for (way, first) in ways[0].iter().enumerate() {
        let cells = ways
            .iter()
            .map(|ways| format!(" {} |", fixed(ways[way].usd_per_month, 2)));
        let idle = fixed(first.idle_usd_per_month, 2);
        let _ = writeln!(
            text,
            "| {} | {idle} |{}",
            first.name,
            cells.collect::<String>()
        );
    }
    let still = idle_bill(true);
    let _ = writeln!(
        text,
        "\nIdle, with the exchanges' schedules on, USD a month:\n"
    );
    let _ = writeln!(text, "| service | USD | to make it zero |\n|---|--:|---|");
    for line in idle::of(&still) {
        let usd = fixed(line.usd_per_month, 2);
        let _ = writeln!(text, "| {} | {usd} | {} |", line.service, line.to_zero);
    }
    let sum = fixed(still.usd_per_month(), 2);
    let _ = writeln!(
        text,
        "| **All of it** | {sum} | Delete the stack: the bucket stays. |"
    );
    text
}

/// A month in which nobody calls and nobody asks.
fn idle_bill(exchanges: bool) -> Bill {
    let load = Load {
        exchanges,
        ..load(0.0, 0.0)
    };
    bill(load, Measured::get(), Table::get())
}

/// What stands in a document between two texts: the tables, and sums in prose.
fn figures() -> Vec<(&'static str, &'static str, String, &'static str)> {
    use crate::figures::fixed;

    const READ_ME: &str = "README.md";
    const COST: &str = "docs/cost.md";
    const INFRA: &str = "infra/README.md";

    let (still, off) = (idle_bill(true), idle_bill(false));
    // On a Kafka of one's own neither cluster nor network is to be paid.
    let besides_kafka = |bill: &Bill| -> f64 {
        let lines = bill.lines.iter();
        let rest = lines.filter(|it| !it.is_of_kafka() && !it.service.starts_with("Network"));
        rest.map(|it| it.usd_per_month).sum()
    };
    let whole = |usd: f64| fixed(usd, 0);
    let sum = still.usd_per_month();
    let (month, hour) = (whole(sum), fixed(sum / HOURS_PER_MONTH, 1));
    let cluster = whole(line(&still, "Kafka: the cluster") + line(&still, "Kafka: partitions"));
    let own = [&still, &off].map(|bill| whole(besides_kafka(bill)));
    let [alarms, fewest] = [&still, &off].map(|bill| fixed(line(bill, "Alarms"), 2));
    let board = fixed(line(&still, "Dashboard"), 2);
    let exchanges = whole(line(&still, "Function exchange") + line(&still, "Schedules"));
    vec![
        (
            COST,
            "<!-- figures -->\n",
            format!("\n{}\n", tables()),
            "<!-- end of figures -->",
        ),
        (
            COST,
            "defaults and no caller it is some ",
            format!("{month} USD a month**, {hour}"),
            " an hour",
        ),
        (
            READ_ME,
            "with the defaults it costs some ",
            format!("{month} USD a month while nobody calls, {hour}"),
            " an hour",
        ),
        (
            READ_ME,
            "cluster is made.** ",
            cluster.clone(),
            " of it are MSK",
        ),
        (
            READ_ME,
            "the rest\ncosts some ",
            format!("{} USD a month while nobody calls, {}", own[0], own[1]),
            " with `Exchanges=off`",
        ),
        (
            INFRA,
            "with all defaults it is some ",
            month.clone(),
            " USD a month",
        ),
        (INFRA, "`Exchanges=off`,\nsome ", own[1].clone(), ". How to"),
        (INFRA, "for each of 19 partitions) | ", cluster, " |"),
        (
            INFRA,
            "(each in 2 zones, 0.01 an hour) | ",
            fixed(line(&still, "Network endpoints"), 2),
            " |",
        ),
        (
            INFRA,
            "(../docs/operations.md#alarms)) | ",
            format!("alarms {alarms} ({fewest} while nothing is written), dashboard {board}"),
            " |",
        ),
        (INFRA, "ticks through every minute | ", exchanges, " |"),
    ]
}

#[test]
fn documents_have_the_figures_of_the_page() {
    for (file, before, expected, after) in figures() {
        let path = format!("{}/../../{file}", env!("CARGO_MANIFEST_DIR"));
        let document = std::fs::read_to_string(&path).unwrap();
        let parts = document
            .split_once(before)
            .and_then(|(head, rest)| Some((head, rest.split_once(after)?)));
        let (head, (found, tail)) =
            parts.unwrap_or_else(|| panic!("{file} has no {before:?} … {after:?}"));
        if std::env::var_os("UPDATE").is_some() {
            let text = format!("{head}{before}{expected}{after}{tail}");
            std::fs::write(path, text).unwrap();
        } else {
            assert_eq!(found, expected, "{file}: UPDATE=1 writes it");
        }
    }
}
