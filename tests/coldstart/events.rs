//! First events, as API Gateway and a Kafka trigger would send them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};

/// What the exchanges list.
const TICKERS: [&str; 24] = [
    "IBM", "AAPL", "FB", "AMZN", "GOOG", "TWTR", "LNKD", "INTC", "AMD", "MSFT", "DELL", "ORKL",
    "HPQ", "CSCO", "ZM", "QCOM", "ADBE", "VZ", "TXN", "CRM", "AVGO", "NVDA", "VMW", "EBAY",
];

/// Records of one delivery.
pub(crate) const RECORDS: i64 = 100;

/// A request, in payload format 2.0.
pub(crate) fn request(method: &str, path: &str, body: Option<&str>) -> Value {
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"accept": "*/*", "host": "example.com", "user-agent": "curl/8.5.0"},
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "api",
            "domainName": "example.com",
            "domainPrefix": "example",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "curl/8.5.0"},
            "requestId": "id",
            "routeKey": "$default",
            "stage": "$default",
            "time": "25/Nov/2026:12:00:00 +0000",
            "timeEpoch": 1_795_608_000_000_i64,
        },
        "isBase64Encoded": false,
    });
    if let Some(body) = body {
        event["body"] = body.into();
    }
    event
}

/// The delivery of that number of calls for stocks.
pub(crate) fn calls(delivery: i64) -> Value {
    records("stock_call", delivery, |offset| {
        let ticker = of(&["GOOG", "AMZN", "IBM"], offset);
        json!({
            "event_type": format!("check_stock_{ticker}"),
            "stock_name": ticker,
            "query_timestamp": 1_795_608_000_000.25 + offset as f64,
            "Accept": "*/*", "Host": "example.com", "User-Agent": "curl/8.5.0",
        })
    })
}

/// The delivery of that number of ticks, a second apart: each closes some windows, and all portfolios have NAVs.
pub(crate) fn ticks(delivery: i64) -> Value {
    let start = Utc::now() - TimeDelta::days(1);
    records("StockExchange", delivery, |offset| {
        let at = start + TimeDelta::seconds(offset);
        json!({
            "TICK": of(&TICKERS, offset),
            "PRICE": format!("{}.50", 100 + offset % 7),
            "TS": at.format("%Y-%m-%d %H:%M:%S%.6f").to_string(),
        })
    })
}

fn of<'a>(all: &[&'a str], number: i64) -> &'a str {
    all[usize::try_from(number).unwrap() % all.len()]
}

fn records(topic: &str, delivery: i64, value: impl Fn(i64) -> Value) -> Value {
    let offsets = delivery * RECORDS..(delivery + 1) * RECORDS;
    let now = Utc::now().timestamp_millis();
    let records: Vec<Value> = offsets
        .map(|offset| {
            json!({
                "topic": topic,
                "partition": 0,
                "offset": offset,
                "timestamp": now,
                "timestampType": "LOG_APPEND_TIME",
                "value": STANDARD.encode(value(offset).to_string()),
                "headers": [],
            })
        })
        .collect();
    json!({
        "eventSource": "aws:kafka",
        "eventSourceArn": "arn:aws:kafka:us-east-1:000000000000:cluster/measured/1",
        "bootstrapServers": "localhost:9092",
        "records": {format!("{topic}-0"): records},
    })
}
