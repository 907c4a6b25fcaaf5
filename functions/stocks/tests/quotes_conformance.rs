//! What every source of quotes must do, run over each of them; and what the chart API's client does with bad answers.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, Uri};
use chrono::{DateTime, Datelike, TimeDelta, Utc};
use domain::Stock;
use domain::quotes::{DailyRecord, YearlyFigures};
use serde_json::{Value, json};
use stocks::quotes::chart::{Chart, parse};
use stocks::quotes::simulated::Simulated;
use stocks::quotes::{Quotes, QuotesError};

fn now() -> DateTime<Utc> {
    "2026-11-05T15:00:00Z".parse().unwrap()
}

async fn conforms(quotes: &dyn Quotes) {
    for stock in Stock::all() {
        let year = quotes.year(stock, now()).await.unwrap();
        assert!(
            (200..=270).contains(&year.len()),
            "{stock}: a year of trading days, not {}",
            year.len()
        );
        assert!(
            year.windows(2).all(|pair| pair[0].date > pair[1].date),
            "{stock}: newest first, each day once"
        );
        let age = now().date_naive() - year[0].date;
        assert!(
            (TimeDelta::zero()..TimeDelta::days(7)).contains(&age),
            "{stock}: up to date"
        );
        assert!(
            now().date_naive() - year[year.len() - 1].date <= TimeDelta::days(366),
            "{stock}: no older than a year"
        );
        let prices = |record: &DailyRecord| [record.open, record.close, record.adjclose];
        assert!(
            year.iter().flat_map(prices).any(|price| price.is_none()),
            "{stock}: nulls are kept"
        );
        assert!(
            year.iter()
                .flat_map(prices)
                .flatten()
                .all(|price| price.is_finite() && price > 0.0)
        );
        assert!(year.iter().any(|r| r.open.is_some()) && year.iter().any(|r| r.close.is_some()));
        let figures = YearlyFigures::of(&year).unwrap();
        assert!(figures.min < figures.mean && figures.mean < figures.max);
        assert_eq!(
            quotes.year(stock, now()).await.unwrap(),
            year,
            "{stock}: asked again, answered the same"
        );
    }
}

/// A chart API on loopback; it stops with its runtime, at the end of the test.
struct ChartApi {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl ChartApi {
    async fn start(answer: impl Fn(usize) -> (StatusCode, String) + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, calls, answer) = (requests.clone(), AtomicUsize::new(0), Arc::new(answer));
        let calls = Arc::new(calls);
        let router = Router::new().fallback(move |uri: Uri| {
            seen.lock().unwrap().push(uri.to_string());
            let reply = answer(calls.fetch_add(1, Ordering::SeqCst));
            async move { reply }
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, requests }
    }

    fn chart(&self) -> Chart {
        Chart::connect(
            format!("http://{}/v8/finance/chart/", self.address)
                .parse()
                .unwrap(),
        )
        .unwrap()
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// A year as Yahoo gives it: oldest first, at the hour of the market's opening, nulls on some days.
fn yahoo() -> Value {
    let mut times = Vec::new();
    let (mut open, mut close, mut adjusted) = (Vec::new(), Vec::new(), Vec::new());
    for back in (0..365_i64).rev() {
        let day = now() - TimeDelta::days(back) - TimeDelta::minutes(30);
        if day.weekday().number_from_monday() > 5 {
            continue;
        }
        let price = 100.0 + back as f64 / 10.0;
        let or_null = |value: f64| {
            if back % 50 == 7 {
                Value::Null
            } else {
                json!(value)
            }
        };
        times.push(day.timestamp());
        open.push(or_null(price));
        close.push(or_null(price + 0.5));
        adjusted.push(or_null(price + 0.25));
    }
    json!({"chart": {"error": null, "result": [{
        "meta": {"currency": "USD", "symbol": "GOOG"}, "timestamp": times,
        "indicators": {"quote": [{"open": open, "close": close, "high": [], "low": [], "volume": []}],
                       "adjclose": [{"adjclose": adjusted}]},
    }]}})
}

#[tokio::test]
async fn simulated_quotes_conform() {
    for seed in 0..5 {
        conforms(&Simulated::new(seed)).await;
    }
}

#[tokio::test]
async fn quotes_of_a_chart_api_conform() {
    let api = ChartApi::start(|_| (StatusCode::OK, yahoo().to_string())).await;
    conforms(&api.chart()).await;
    assert_eq!(
        api.requests().len(),
        12,
        "asked once for each stock, then kept"
    );
    assert_eq!(
        api.requests()[3],
        "/v8/finance/chart/GOOG?range=1y&interval=1d"
    );
}

#[tokio::test]
async fn an_answer_is_kept_for_a_minute_and_a_failure_is_not() {
    let good = || (StatusCode::OK, yahoo().to_string());
    let api = ChartApi::start(move |call| {
        if call == 0 {
            (StatusCode::BAD_GATEWAY, String::new())
        } else {
            good()
        }
    })
    .await;
    let (chart, stock) = (api.chart(), "GOOG".parse().unwrap());
    let ask = async |seconds| chart.year(stock, now() + TimeDelta::seconds(seconds)).await;
    let refused = ask(0).await.unwrap_err();
    assert!(
        matches!(refused, QuotesError::Refused { status, .. } if status == 502),
        "{refused:?}"
    );
    ask(1).await.unwrap();
    ask(60).await.unwrap();
    assert_eq!(api.requests().len(), 2);
    ask(61).await.unwrap();
    assert_eq!(api.requests().len(), 3);
}

#[tokio::test]
async fn an_api_that_is_not_there_is_unreachable_and_its_address_stays_out_of_the_error() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let chart = Chart::connect(format!("http://user:secret@{closed}/").parse().unwrap()).unwrap();
    let failed = chart
        .year("GOOG".parse().unwrap(), now())
        .await
        .unwrap_err();
    assert!(
        matches!(failed, QuotesError::Unreachable { .. }),
        "{failed:?}"
    );
    assert!(
        !lambda_kit::run::chain(&failed).contains("secret"),
        "{failed:?}"
    );
}

#[tokio::test]
async fn an_api_that_does_not_answer_is_given_up_in_time() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let held = tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            connections.push(connection);
        }
    });
    let chart = Chart::connect(base.parse().unwrap()).unwrap();
    let asked = chart.year("GOOG".parse().unwrap(), now());
    let failed = tokio::time::timeout(Duration::from_secs(8), asked)
        .await
        .expect("given up in time")
        .unwrap_err();
    assert!(
        matches!(&failed, QuotesError::Unreachable { source, .. } if source.is_timeout()),
        "{failed:?}"
    );
    held.abort();
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let api = ChartApi::start(|_| (StatusCode::OK, " ".repeat(5 << 20))).await;
    let failed = api
        .chart()
        .year("GOOG".parse().unwrap(), now())
        .await
        .unwrap_err();
    assert!(matches!(failed, QuotesError::TooLong { .. }), "{failed:?}");
}

#[test]
fn answers_that_are_no_chart_of_a_year_are_refused() {
    let stock = "GOOG".parse().unwrap();
    let changed = |change: fn(&mut Value)| {
        let mut answer = yahoo();
        change(&mut answer);
        parse(stock, answer.to_string().as_bytes()).unwrap_err()
    };
    for failed in [
        changed(|answer| answer["chart"]["result"] = json!(null)),
        changed(|answer| answer["chart"]["result"] = json!([])),
        changed(|answer| answer["chart"]["result"][0]["indicators"]["adjclose"] = json!([])),
        changed(|answer| answer["chart"]["result"][0]["indicators"]["quote"] = json!([])),
        changed(|answer| answer["chart"]["result"][0]["timestamp"] = json!([1])),
        changed(|answer| {
            let times = answer["chart"]["result"][0]["timestamp"]
                .as_array_mut()
                .unwrap();
            times[0] = json!(i64::MAX);
        }),
    ] {
        assert!(matches!(failed, QuotesError::Unusable { .. }), "{failed:?}");
    }
    for body in ["", "<html>", "{}", r#"{"chart":{"result":[{}]}}"#] {
        assert!(
            matches!(
                parse(stock, body.as_bytes()),
                Err(QuotesError::Malformed { .. })
            ),
            "{body}"
        );
    }
}
