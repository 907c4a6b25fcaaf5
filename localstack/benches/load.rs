//! `tidemill load` against `wrk`: both call the same trivial server in turn, and the ratio of their medians says how
//! much of a load test's rate the generator itself costs.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints its measurements"
)]

use std::process::Command;

use axum::Router;
use tokio::{net::TcpListener, runtime::Runtime};

const ROUNDS: usize = 5;
/// The seconds that one measurement takes.
const SECONDS: u64 = 4;
const CONNECTIONS: &str = "32";
/// What the generator sends most of, for wrk sends only one.
const PATH: &str = "/purchase_a_sword/?userid=7&n=3";

fn main() {
    let runtime = Runtime::new().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(|| async { "USER 7: 3  Sword(s) Purchased!" });
    let server = runtime.spawn(async move { axum::serve(listener, router).await });

    // How many requests take the same time as wrk is given.
    let requests = tidemill(&url, 20_000.0) * SECONDS as f64;
    let Some(first) = wrk(&url) else {
        println!("skipped: the comparison, for wrk is not installed (apt-get install wrk)");
        println!(
            "tidemill load: {:.0} requests a second",
            tidemill(&url, requests)
        );
        return;
    };
    let mut rates = (vec![tidemill(&url, requests)], vec![first]);
    for _ in 1..ROUNDS {
        rates.0.push(tidemill(&url, requests));
        rates.1.extend(wrk(&url));
    }
    let (ours, theirs) = (median(rates.0), median(rates.1));
    println!("{CONNECTIONS} connections, medians of {ROUNDS} rounds in turn");
    println!("tidemill load games  {ours:>10.0} requests a second");
    println!("wrk                  {theirs:>10.0} requests a second");
    println!(
        "ratio                {:>10.2}  (wanted: at least 0.50)",
        ours / theirs
    );
    server.abort();
}

/// The rate of the generator over `requests` requests.
fn tidemill(url: &str, requests: f64) -> f64 {
    let requests = format!("{:.0}", requests.max(1.0));
    let arguments = [
        "load",
        "games",
        "-u",
        "50",
        "-e",
        "9",
        "-n",
        &requests,
        "--concurrency",
        CONNECTIONS,
        "--url",
        url,
    ];
    let output = Command::new(env!("CARGO_BIN_EXE_tidemill"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    number_before(&String::from_utf8(output.stdout).unwrap(), " a second")
}

/// The rate of wrk; `None` if there is no wrk.
fn wrk(url: &str) -> Option<f64> {
    let (duration, url) = (format!("{SECONDS}s"), format!("{url}{PATH}"));
    let arguments = ["-t", "2", "-c", CONNECTIONS, "-d", &duration, &url];
    let output = match Command::new("wrk").args(arguments).output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => panic!("wrk: {error}"),
    };
    let printed = String::from_utf8(output.stdout).unwrap();
    let (_, rate) = printed.split_once("Requests/sec:").expect("a rate");
    rate.split_whitespace().next().unwrap().parse().ok()
}

fn number_before(text: &str, unit: &str) -> f64 {
    let (before, _) = text.split_once(unit).expect("a rate");
    before
        .split_whitespace()
        .next_back()
        .unwrap()
        .parse()
        .unwrap()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
