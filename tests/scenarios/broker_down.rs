//! A broker that goes away: nothing is acknowledged that was not stored, and the client hears of it in time.

use std::time::{Duration, Instant};

use tests::broker::Faulty;
use tests::eventually;
use tests::http::{get, post};
use tests::stack::Stack;

#[tokio::test(flavor = "multi_thread")]
async fn answers_503_while_the_broker_is_away() {
    let broker = Faulty::default();
    let stack = Stack::start(&[("SCHEDULES", "off"), ("KAFKA", &broker.address())]).await;
    let stocks = stack.run.stocks.clone();
    assert_eq!(post(format!("{stocks}/AMZN/buy/10")).await.status, 201);

    drop(broker);
    let since = Instant::now();
    let answer = post(format!("{stocks}/AMZN/buy/10")).await;
    assert!(
        since.elapsed() < Duration::from_secs(5),
        "{:?}",
        since.elapsed()
    );
    answer.problem(503);
    assert!(answer.header("retry-after").parse::<u32>().is_ok());
    get(format!("{stocks}/GOOG")).await.problem(503);
    let health = get(format!("{stocks}/health")).await;
    assert_eq!(health.status, 200, "health is the function's own");
    eventually(
        "the reason is in the log",
        Duration::from_secs(10),
        || async {
            let log = stack.log("stocks");
            if log.contains("stock_operation") && log.contains("ERROR") {
                Ok(())
            } else {
                Err(log)
            }
        },
    )
    .await;
}
