//! System 1: customers check, buy and sell stocks; analysts ask SQL what they did.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use tests::http::{client, get, post, send};
use tests::stack::Stack;
use tests::{kafka, load, tools};

const KEYS: [&str; 7] = [
    "Stock",
    "Date of Query",
    "Yearly Return",
    "Mean Price",
    "Minimun Price",
    "Maximun Price",
    "Standard Deviation",
];

/// The analysts' queries, as they have them.
const QUERIES: [&str; 6] = [
    "SELECT * FROM stock_call",
    "SELECT COUNT(stock_name) FROM stock_call GROUP BY stock_name",
    "SELECT stock_name, COUNT(stock_name) as query_count FROM stock_call GROUP BY stock_name ORDER BY query_count desc LIMIT 1",
    "SELECT stock_name, COUNT(stock_name) as query_count FROM stock_call GROUP BY stock_name ORDER BY query_count asc LIMIT 1",
    "SELECT * FROM stock_operation",
    "SELECT MAX(transaction_amount) AS max_transaction FROM stock_operation",
];

#[tokio::test(flavor = "multi_thread")]
async fn from_a_call_to_an_sql_answer() {
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    let stocks = &stack.run.stocks;

    // Tables are there, and empty, before the first event.
    for query in QUERIES {
        stack.sql(query).await;
    }
    assert_eq!(stack.count("SELECT COUNT(*) FROM stock_call").await, 0);

    let secret = [
        ("User-Agent", "advice-app/2.0"),
        ("Authorization", "Bearer s3cret"),
        ("Cookie", "session=s3cret"),
        ("X-Api-Key", "s3cret"),
        ("X-Amz-Security-Token", "s3cret"),
        ("Proxy-Authorization", "s3cret"),
        ("X-Forwarded-For", "10.9.8.7"),
        ("X-Campaign", "spring"),
    ];
    let goog = secret.iter().fold(
        client().get(format!("{stocks}/goog")),
        |r, (name, value)| r.header(*name, *value),
    );
    let goog = send(goog).await.json();
    let keys: BTreeSet<_> = goog
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(keys, BTreeSet::from(KEYS));
    assert_eq!(goog["Stock"], "GOOG");
    let mean = get(format!("{stocks}/GOOG/mean-price")).await.json();
    assert_eq!(mean["Mean Price"], goog["Mean Price"]);
    assert_eq!(mean.as_object().unwrap().len(), 3, "{mean}");
    assert_eq!(
        get(format!("{stocks}/GOOG/Minimun%20Price")).await.json()["Minimun Price"],
        goog["Minimun Price"]
    );
    let help = get(stocks).await;
    assert!(
        help.header("content-type").starts_with("text/plain")
            && help.text().contains("{buy or sell}"),
        "{}",
        help.text()
    );

    let bought = post(format!("{stocks}/AMZN/buy/10")).await;
    assert_eq!(
        (bought.status, bought.text().as_str()),
        (201, r#"{"task":"bought_10_AMZN"}"#)
    );
    let head = send(client().head(format!("{stocks}/MSFT"))).await;
    assert_eq!((head.status, head.body.len()), (200, 0), "HEAD follows GET");

    load::run(Method::GET, &format!("{stocks}/TSLA"), 300, 8, 200).await;
    load::run(Method::POST, &format!("{stocks}/TSLA/sell/15"), 100, 4, 201).await;
    let with_ab = ab(&stack);

    let calls = 3 + 300 + with_ab;
    let most = stack
        .sql_until(QUERIES[2], |rows| {
            rows.iter().any(|r| r["query_count"] == 300 + with_ab)
        })
        .await;
    assert_eq!(most[0]["stock_name"], "TSLA");
    stack
        .sql_until("SELECT COUNT(*) AS n FROM stock_call", |rows| {
            rows[0]["n"] == calls
        })
        .await;
    stack
        .sql_until("SELECT COUNT(*) AS n FROM stock_operation", |rows| {
            rows[0]["n"] == 101
        })
        .await;
    stack
        .sql_until("SELECT COUNT(*) AS n FROM default_call", |rows| {
            rows[0]["n"] == 1
        })
        .await;
    for query in QUERIES {
        assert!(!stack.sql(query).await.is_empty(), "{query}");
    }

    // Amounts add up, and a row says where in the log it stood.
    let operations = stack.sql("SELECT * FROM stock_operation").await;
    for row in &operations {
        let (quantity, price) = (
            row["quantity"].as_f64().unwrap(),
            row["price"].as_f64().unwrap(),
        );
        assert!(
            (row["transaction_amount"].as_f64().unwrap() - quantity * price).abs() < 0.005,
            "{row}"
        );
        assert!(
            row["_offset"].is_i64() && row["_topic"] == "stock_operation",
            "{row}"
        );
    }
    let largest = operations
        .iter()
        .map(|r| r["transaction_amount"].as_f64().unwrap())
        .fold(0.0, f64::max);
    assert_eq!(
        stack.sql(QUERIES[5]).await[0]["max_transaction"]
            .as_f64()
            .unwrap(),
        largest
    );
    let repeated = "SELECT _partition, _offset FROM stock_call GROUP BY _partition, _offset HAVING COUNT(*) > 1";
    assert_eq!(stack.sql(repeated).await, Vec::<Value>::new());

    let rows = stack.sql("SELECT * FROM stock_call").await;
    assert!(!serde_json::to_string(&rows).unwrap().contains("s3cret"));

    // The topic carries the headers, and no secret got anywhere.
    let events = kafka::values(&stack.run.kafka, "stock_call");
    assert_eq!(events.len() as i64, calls);
    let mine = events
        .iter()
        .find(|e| e["User-Agent"] == "advice-app/2.0")
        .expect("the call with headers");
    assert_eq!(
        (&mine["event_type"], &mine["stock_name"]),
        (&json!("check_stock_GOOG"), &json!("GOOG"))
    );
    assert_eq!(mine["X-Campaign"], "spring");
    assert!(
        mine["query_timestamp"].is_f64() && mine["Host"].is_string(),
        "{mine}"
    );
    assert!(!serde_json::to_string(&events).unwrap().contains("s3cret"));
    assert!(!serde_json::to_string(&events).unwrap().contains("10.9.8.7"));
    let stored = stack
        .sql(r#"SELECT host, "User-Agent", headers FROM Stock_Call WHERE stock_name = 'GOOG'"#)
        .await;
    let stored = stored
        .iter()
        .find(|row| row["User-Agent"] == "advice-app/2.0")
        .unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(stored["headers"].as_str().unwrap()).unwrap()["X-Campaign"],
        "spring"
    );
    assert!(!stack.log("stocks").contains("s3cret") && !stack.log("archive").contains("s3cret"));
    with_kcat(&stack, calls);
}

/// The load test of the systems replaced, with their own tool; answers how many calls it made.
fn ab(stack: &Stack) -> i64 {
    let url = format!("{}/TSLA", stack.run.stocks);
    let Some(output) = tools::run("ab", &["-n", "1000", "-c", "8", &url]) else {
        return 0;
    };
    let report = tools::printed(&output);
    assert!(report.contains("Complete requests:      1000"), "{report}");
    assert!(
        report.contains("Failed requests:        0") && !report.contains("Non-2xx"),
        "{report}"
    );
    1000
}

fn with_kcat(stack: &Stack, calls: i64) {
    let arguments = [
        "-C",
        "-b",
        &stack.run.kafka,
        "-t",
        "stock_call",
        "-o",
        "beginning",
        "-e",
        "-q",
    ];
    if let Some(output) = tools::run("kcat", &arguments) {
        assert_eq!(tools::printed(&output).lines().count() as i64, calls);
    }
}
