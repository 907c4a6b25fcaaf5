//! CSV files, one per portfolio.

use http::Method;
use lake::Table;
use serde_json::json;

use super::lakes::{Function, evaluation};

const HEADER: &str = "PORTFOLIO,TIMESTAMP,NAV,NAV_Change,NAV_Change_%\n";

#[tokio::test]
async fn a_file_grows_as_app1_wrote_it() {
    let function = Function::start().await;
    let file = "/csv/INVESTOR_1_PORTFOLIO_2.csv";
    let got = function.get(file).await;
    assert_eq!(got.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(got.text(), HEADER);
    function
        .commit(
            Table::Evaluations,
            0,
            &[
                evaluation("1.2", 20, 59_024_000, 0, 0),
                evaluation("1.1", 20, 5, 0, 0),
            ],
        )
        .await;
    let first = format!("{HEADER}1.2,2022-03-20 15:38:20,590240.00,0.00,0.00\n");
    assert_eq!(function.get(file).await.text(), first);
    let rows = [evaluation("1.2", 40, 60_024_000, 1_000_000, 169)];
    function.commit(Table::Evaluations, 0, &rows).await;
    let second = format!("{first}1.2,2022-03-20 15:38:40,600240.00,10000.00,1.69\n");
    assert_eq!(function.get(file).await.text(), second);
    // A browser's Accept changes nothing about what the file is.
    let page = [("accept", "text/html,*/*;q=0.8")];
    assert_eq!(
        function.send(Method::GET, file, &page, "").await.text(),
        second
    );
    let json = function.get(&format!("{file}?format=json")).await.ok();
    assert_eq!(json["rows"][1]["NAV_Change_%"], "1.69");
    let part = function
        .get(&format!("{file}?from=2022-03-20T15:38:40Z"))
        .await;
    assert_eq!(part.text().lines().count(), 2);
}

#[tokio::test]
async fn the_list_has_every_portfolio_as_json_or_a_page() {
    let function = Function::start().await;
    let rows = [evaluation("7.1", 20, 5, 0, 0)];
    function.commit(Table::Evaluations, 0, &rows).await;
    let listed = function.get("/csv/").await.ok();
    let files = listed["files"].as_array().unwrap();
    assert_eq!(files.len(), 7);
    assert_eq!(
        files[1],
        json!({"name": "INVESTOR_1_PORTFOLIO_2.csv", "portfolio": "1.2", "url": "/csv/INVESTOR_1_PORTFOLIO_2.csv"})
    );
    assert_eq!(files[6]["portfolio"], "7.1");
    let accept = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    let page = function.send(Method::GET, "/csv/", &accept, "").await;
    assert!(page.header("content-type").starts_with("text/html"));
    assert!(
        page.text()
            .contains("href=\"/csv/INVESTOR_7_PORTFOLIO_1.csv\"")
    );
}
