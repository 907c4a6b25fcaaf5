//! `make measure`: what invocations take, for the page `/cost`; real binaries under a known load, their own log lines,
//! their processes' memory and the links that they made. It is measured, nothing is asserted of it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use parquet::file::reader::{FileReader, SerializedFileReader};
use reqwest::Method;
use serde_json::{Value, json};
use tests::http::get;
use tests::stack::{Stack, binaries, workspace};
use tests::{kafka, load, memory};

/// Calls of each API, one after the other.
const CALLS: usize = 1500;
/// Calls that the games' generator sends, sixteen at once, in turn.
const GENERATED: [usize; 5] = [100, 400, 1000, 2500, 6000];
/// Ticks of bursts, each a day after the one before.
const BURSTS: [i64; 6] = [24, 100, 300, 600, 1200, 2000];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "measures for a minute or two and writes a file: make measure"]
async fn what_invocations_take() {
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "2")]).await;
    let (stocks, games) = (&stack.run.stocks, &stack.run.games);
    let stock = format!("{stocks}/GOOG");
    let sword = format!("{games}/purchase_a_sword/?userid=7&n=3");
    load::run(Method::GET, &stock, CALLS, 1, 200).await;
    load::run(Method::GET, &sword, CALLS, 1, 200).await;
    let answers = [get(&stock).await, get(&sword).await];
    let answer_bytes = answers.iter().map(|answer| {
        let headers = answer
            .headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + 4);
        (answer.body.len() + headers.sum::<usize>()) as f64
    });
    let answer_bytes = answer_bytes.sum::<f64>() / answers.len() as f64;
    let games_links = stack.data().join("lake/game_events");
    let before = settled(&stack, CALLS + 1).await;
    let mut sent = CALLS + 1;
    for requests in GENERATED {
        generate(&stack, requests);
        sent += requests;
        settled(&stack, sent).await;
    }
    // A minute as the schedule runs it, then bursts for `evaluate`.
    stack.invoke("exchange", &json!({"exchange": "se1"})).await;
    for (day, ticks) in (1..).zip(BURSTS) {
        let start = format!("2026-04-{day:02}T00:00:00Z");
        let event = json!({"exchange": "se2", "ticks": ticks, "pace": "burst", "start": start});
        stack.invoke("exchange", &event).await;
        let counted = format!(
            "SELECT COUNT(*) AS n FROM ticks WHERE exchange = 'se2' AND ts >= '{start}' AND ts < '2026-05-01'"
        );
        stack
            .sql_until(&counted, |rows| rows[0]["n"].as_i64() >= Some(ticks))
            .await;
    }
    ask(&stack).await;

    let of = |name: &str| invocations(&stack.log(name));
    let bytes = |topic: &str| {
        let records = kafka::records(&stack.run.kafka, topic);
        mean(
            records
                .iter()
                .map(|record| (record.key.len() + record.value.len()) as f64),
        )
    };
    let function = |name: &str, log: &str| {
        let lines = of(name);
        // A run of the schedule, which takes a minute, is a first one; of the others, first ones are left out.
        let counts = |line: &&Line| match name {
            "exchange" => line.duration_ms > 10_000.0,
            _ => !line.cold_start,
        };
        let points = lines.iter().filter(counts);
        let points: Vec<_> = points
            .map(|line| (line.records, line.duration_ms))
            .collect();
        let (fixed, each) = match name {
            "archive" | "evaluate" => line_through(&points),
            _ => (median(points.iter().map(|(_, ms)| *ms)), 0.0),
        };
        let peak = stack
            .pids(&[name])
            .into_iter()
            .filter_map(memory::peak)
            .max();
        json!({
            "ms_per_invocation": round(fixed),
            "ms_per_event": round(each),
            "log_bytes_per_invocation": round(log.len() as f64 / lines.len() as f64),
            "peak_mib": peak.unwrap(),
        })
    };
    let names = [
        "stocks", "games", "exchange", "evaluate", "archive", "query",
    ];
    let functions: BTreeMap<_, _> = names
        .iter()
        .map(|name| (*name, function(name, &stack.log(name))))
        .collect();
    let generated: Vec<_> = links(&games_links)
        .into_iter()
        .filter(|(path, ..)| !before.contains(path))
        .collect();
    let (link, row) = line_through(
        &generated
            .iter()
            .map(|(_, rows, bytes)| (*rows, *bytes))
            .collect::<Vec<_>>(),
    );
    let measured = json!({
        "command": "make measure",
        "date": date(),
        "machine": machine(),
        "build": std::env::var("BUILD").unwrap_or_else(|_| "the build of make run, not optimised".to_owned()),
        "functions": functions,
        "kafka_bytes_per_event": round((bytes("stock_call") + bytes("game_events")) / 2.0),
        "kafka_bytes_per_tick": round(bytes("StockExchange")),
        "kafka_bytes_per_evaluation": round(bytes("portfolios")),
        "parquet_bytes_per_event": round(row),
        "parquet_bytes_per_link": round(link),
        "answer_bytes_per_call": round(answer_bytes),
        "metric_series": series(&stack).await,
    });
    let text = format!("{measured:#}\n");
    eprintln!("{text}");
    let file = workspace().join("functions/query/src/cost/measured.json");
    std::fs::write(file, text).unwrap();
}

/// Waits until as many games' events are rows; answers their links.
async fn settled(stack: &Stack, events: usize) -> BTreeSet<PathBuf> {
    let events = i64::try_from(events).unwrap();
    let counted = "SELECT COUNT(*) AS n FROM game_events";
    stack
        .sql_until(counted, |rows| rows[0]["n"].as_i64() >= Some(events))
        .await;
    let links = links(&stack.data().join("lake/game_events"));
    links.into_iter().map(|(path, ..)| path).collect()
}

/// Players of every kind, as users generate them.
fn generate(stack: &Stack, requests: usize) {
    let requests = requests.to_string();
    let output = Command::new(binaries().join("tidemill"))
        .args([
            "load",
            "games",
            "-u",
            "500",
            "-e",
            "9",
            "-n",
            &requests,
            "--concurrency",
            "16",
        ])
        .env("TIDEMILL_DATA", stack.data())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// What people ask: pages, questions and statements of their own.
async fn ask(stack: &Stack) {
    let lake = &stack.run.lake;
    for _ in 0..20 {
        for page in [
            "",
            "prices",
            "portfolios",
            "behaviour",
            "questions/most-checked-stock",
            "reports/player-standings",
        ] {
            assert_eq!(get(format!("{lake}/{page}")).await.status, 200, "{page}");
        }
        for statement in [
            "SELECT stock_name, COUNT(stock_name) as query_count FROM stock_call GROUP BY stock_name",
            "SELECT userid, SUM(level) AS level FROM character_stats GROUP BY userid ORDER BY level DESC LIMIT 10",
            "SELECT tick, MAX(price) AS high FROM ticks GROUP BY tick",
        ] {
            stack.sql(statement).await;
        }
    }
}

/// What a function says of an invocation.
struct Line {
    records: f64,
    duration_ms: f64,
    cold_start: bool,
}

fn invocations(log: &str) -> Vec<Line> {
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let lines =
        lines.filter(|line: &Value| line["target"] == "invocation" && line["outcome"] == "ok");
    lines
        .map(|line| Line {
            records: line["records"].as_f64().unwrap(),
            duration_ms: line["duration_ms"].as_f64().unwrap(),
            cold_start: line["cold_start"].as_bool().unwrap(),
        })
        .collect()
}

/// Rows and bytes of each link of a table.
fn links(folder: &Path) -> Vec<(PathBuf, f64, f64)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(links(&path));
        } else if path.extension().is_some_and(|it| it == "parquet") {
            let file = std::fs::File::open(&path).unwrap();
            let bytes = file.metadata().unwrap().len() as f64;
            let rows = SerializedFileReader::new(file)
                .unwrap()
                .metadata()
                .file_metadata()
                .num_rows();
            found.push((path, rows as f64, bytes));
        }
    }
    found
}

/// Where a line through points begins, and how it rises: the median of what each two of them say (Theil and Sen), for
/// what else the machine does must not tilt it.
fn line_through(points: &[(f64, f64)]) -> (f64, f64) {
    let pairs = points
        .iter()
        .enumerate()
        .flat_map(|(at, a)| points[..at].iter().map(move |b| (a, b)));
    let rises = pairs
        .filter(|(a, b)| a.0 != b.0)
        .map(|(a, b)| (a.1 - b.1) / (a.0 - b.0));
    let rise = median(rises).max(0.0);
    (
        median(points.iter().map(|p| p.1 - rise * p.0)).max(0.0),
        rise,
    )
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn mean(values: impl Iterator<Item = f64> + Clone) -> f64 {
    values.clone().sum::<f64>() / values.count().max(1) as f64
}

/// Four digits that count.
fn round(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap()
}

/// Metrics with their dimensions that functions write; a distribution is one.
async fn series(stack: &Stack) -> usize {
    let scrape = stack.metrics().await;
    let ours = [
        "http_",
        "invocation_",
        "stream_",
        "lake_",
        "archive_",
        "evaluate_",
    ];
    let of_functions = |name: &str| {
        ours.iter().any(|prefix| name.starts_with(prefix))
            && !name.starts_with("lake_freshness")
            && !name.ends_with("_bucket")
            && !name.ends_with("_sum")
    };
    let samples = scrape.samples.iter().filter(|(name, _)| of_functions(name));
    samples.map(|(_, series)| series.len()).sum()
}

fn date() -> String {
    chrono::Utc::now().format("%Y-%m-%d").to_string()
}

fn machine() -> String {
    let said = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = said
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("a processor", |line| {
        line.trim_start_matches([' ', '\t', ':'])
    });
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!(
        "{processors} processors of {} ({model})",
        std::env::consts::ARCH
    )
}
