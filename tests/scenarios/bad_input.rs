//! Bad input gets a clear problem+json and leaves no event.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use tests::http::{client, get, post, send};
use tests::kafka;
use tests::stack::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn refused_with_reasons_and_without_an_event() {
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    let stocks = &stack.run.stocks;

    let unknown = get(format!("{stocks}/NOPE")).await.problem(404);
    assert!(
        unknown.to_string().contains("MSFT"),
        "names the tickers: {unknown}"
    );
    let action = post(format!("{stocks}/GOOG/hold/3")).await.problem(404);
    assert!(action.to_string().contains("sell"), "{action}");
    for quantity in ["0", "-1", "ten", "99999999999999999999", "1000001", "1.5"] {
        let problem = post(format!("{stocks}/GOOG/buy/{quantity}"))
            .await
            .problem(422);
        assert!(
            problem.to_string().contains("1000000"),
            "says what is allowed: {problem}"
        );
    }
    let delete = send(client().delete(format!("{stocks}/GOOG"))).await;
    delete.problem(405);
    assert!(
        delete.header("allow").contains("GET"),
        "{}",
        delete.header("allow")
    );
    send(client().request(Method::PUT, format!("{stocks}/GOOG/buy/3")))
        .await
        .problem(405);
    let large = client()
        .post(format!("{stocks}/GOOG/buy/3"))
        .body(vec![b'x'; 11 << 20]);
    send(large).await.problem(413);
    get(format!("{stocks}/a/b/c/d")).await.problem(404);

    for topic in ["default_call", "stock_call", "stock_operation"] {
        assert_eq!(kafka::read(&stack.run.kafka, topic), vec![], "{topic}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_says_what_is_wrong_and_goes_on() {
    let stack = Stack::start(&[("SCHEDULES", "off")]).await;
    let lake = &stack.run.lake;

    let syntax = stack
        .ask("SELECT *\nFROM stock_call WHERE =")
        .await
        .problem(422);
    assert_eq!(syntax["line"], 2, "{syntax}");
    assert!(syntax["column"].is_u64(), "{syntax}");
    let table = stack.ask("SELECT * FROM stock_calls").await.problem(422);
    assert!(
        table.to_string().contains("stock_operation"),
        "names the tables: {table}"
    );
    for forbidden in [
        "DROP TABLE stock_call",
        "COPY stock_call TO '/tmp/out.csv'",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "SET datafusion.execution.batch_size = 1",
        "INSERT INTO ticks SELECT * FROM ticks",
        "SELECT 1; SELECT 2",
    ] {
        assert!(
            stack.ask(forbidden).await.problem(403)["detail"].is_string(),
            "{forbidden}"
        );
    }

    let since = Instant::now();
    let endless = "SELECT COUNT(*) FROM generate_series(1, 1000000) a CROSS JOIN generate_series(1, 1000000) b \
                   WHERE a.value * b.value = 7";
    let cut = stack.ask(endless).await;
    assert!([422, 504].contains(&cut.status), "{}", cut.text());
    cut.problem(cut.status);
    assert!(
        since.elapsed() < Duration::from_secs(20),
        "cut off in time: {:?}",
        since.elapsed()
    );
    assert_eq!(stack.sql("SELECT 1 AS one").await, vec![json!({"one": 1})]);

    send(
        client()
            .post(format!("{lake}/api/sql"))
            .header("content-type", "image/png")
            .body("x"),
    )
    .await
    .problem(415);
    get(format!("{lake}/api/tables/nope")).await.problem(404);
    get(format!("{lake}/api/portfolios/9.9")).await.problem(404);
    get(format!("{lake}/nowhere")).await.problem(404);
    get(format!("{lake}/api/portfolios/statistics?from=yesterday"))
        .await
        .problem(422);
}
