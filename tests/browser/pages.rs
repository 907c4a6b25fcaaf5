//! Every page, over an empty lake and over one with data of every kind.

use tests::browser::Browser;
use tests::data;
use tests::http::get;
use tests::stack::Stack;

use crate::inspection::inspect;

/// Every page, and what its pictures are called.
const PAGES: [(&str, &str); 17] = [
    ("/", "overview"),
    ("/prices", "prices"),
    ("/prices/IBM", "price"),
    ("/portfolios", "portfolios"),
    ("/portfolios/new", "portfolio-new"),
    ("/portfolios/1.1", "portfolio"),
    ("/portfolios/1.1/delete", "portfolio-delete"),
    ("/behaviour", "behaviour"),
    ("/cost", "cost"),
    ("/sql", "sql"),
    ("/questions", "questions"),
    ("/questions/most-checked-stock", "question"),
    ("/reports", "reports"),
    ("/reports/player-standings", "standings"),
    ("/reports/player-purchases", "purchases"),
    ("/reports/guild-membership", "guilds"),
    ("/reports/analytics", "analytics"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_page_stands_over_an_empty_lake() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    let mut wrong = Vec::new();
    for (path, name) in PAGES {
        wrong.extend(inspect(&browser, &stack.run.lake, path, &format!("empty-{name}")).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_stands_and_shows_what_there_is() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    data::prices(&stack).await;
    data::customers(&stack).await;
    data::players(&stack).await;
    let lake = &stack.run.lake;
    let mut wrong = Vec::new();
    for (path, name) in PAGES {
        wrong.extend(inspect(&browser, lake, path, name).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    let questions = get(format!("{lake}/questions")).await.text();
    let slugs = questions
        .split("href=\"/questions/")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap());
    for slug in slugs {
        let page = get(format!("{lake}/questions/{slug}")).await;
        assert_eq!(page.status, 200, "{slug}: {}", page.text());
    }
}
