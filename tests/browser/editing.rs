//! Holdings, edited through the form as an investor does.

use serde_json::json;
use tests::browser::{Browser, Look};
use tests::http::get;
use tests::kafka;
use tests::stack::Stack;
use thirtyfour::By;

#[tokio::test(flavor = "multi_thread")]
async fn the_next_window_uses_what_the_form_says() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    for exchange in ["se1", "se2"] {
        let event = json!({"exchange": exchange, "ticks": 12, "pace": "burst", "start": "2022-03-20T15:38:01Z"});
        stack.invoke("exchange", &event).await;
    }
    tick(&stack, "2022-03-20 15:38:23.000000").await;
    assert_eq!(nav(&stack, "2022-03-20T15:38:20Z").await, "10724420.00");

    let page = format!("{}/portfolios/1.1", stack.run.lake);
    browser.open(&page, Look::Light).await;
    let ibm = browser.find(By::Name("shares.IBM")).await.unwrap();
    let held = ibm.value().await.unwrap().unwrap_or_default();
    assert_eq!(held.replace(',', ""), "1000");

    // What is wrong is said at its field, with what was typed still there, and nothing changes.
    fill(&browser, &[("IBM", "many")]).await;
    let ibm = browser.find(By::Name("shares.IBM")).await.unwrap();
    assert_eq!(ibm.value().await.unwrap().as_deref(), Some("many"));
    assert_eq!(
        ibm.attr("aria-invalid").await.unwrap().as_deref(),
        Some("true")
    );
    assert!(
        browser
            .text()
            .await
            .contains("\"many\" is not a whole number")
    );
    let api = format!("{}/api/portfolios/1.1", stack.run.lake);
    assert_eq!(get(&api).await.json()["holdings"]["IBM"], 1000);
    for look in Look::ALL {
        browser.screenshot("holdings-refused", look).await;
    }
    if let Some(violations) = browser.violations().await {
        assert!(violations.is_empty(), "{violations:?}");
    }
    // The answer to a form with mistakes is a 422, which the browser reports of every page that is not a success.
    let complaints = browser.complaints().await;
    assert!(
        complaints.iter().all(|line| line.contains("422")),
        "{complaints:?}"
    );

    let wanted = [
        ("IBM", "10"),
        ("VZ", "2"),
        ("AAPL", ""),
        ("FB", "0"),
        ("AMZN", ""),
        ("GOOG", ""),
        ("TWTR", ""),
    ];
    fill(&browser, &wanted).await;
    assert_eq!(
        get(&api).await.json()["holdings"],
        json!({"IBM": 10, "VZ": 2})
    );
    assert!(
        browser
            .current_url()
            .await
            .unwrap()
            .path()
            .ends_with("/portfolios/1.1")
    );
    browser.screenshot("holdings-saved", Look::Light).await;

    // The window that was open at the edit keeps what it had; the next one has 10 IBM and 2 VZ.
    tick(&stack, "2022-03-20 15:38:43.000000").await;
    assert_eq!(nav(&stack, "2022-03-20T15:38:40Z").await, "10724420.00");
    tick(&stack, "2022-03-20 15:39:03.000000").await;
    assert_eq!(nav(&stack, "2022-03-20T15:39:00Z").await, "1346.20");
    browser.open(&page, Look::Light).await;
    let text = browser.text().await;
    assert!(text.replace(',', "").contains("1346.20"), "{text}");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portfolio_is_made_and_deleted_on_pages() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    let list = format!("{}/portfolios", stack.run.lake);
    let api = format!("{}/api/portfolios/9.1", stack.run.lake);
    browser.open(&list, Look::Light).await;
    browser.press(By::LinkText("New portfolio")).await;
    for number in [("investor", "9"), ("portfolio", "1")] {
        let field = browser.find(By::Name(number.0)).await.unwrap();
        field.send_keys(number.1).await.unwrap();
    }
    fill(&browser, &[("IBM", "10")]).await;
    assert!(browser.text().await.contains("Created."));
    assert_eq!(get(&api).await.json()["holdings"], json!({"IBM": 10}));

    browser.press(By::LinkText("Delete this portfolio")).await;
    assert!(browser.text().await.contains("Delete portfolio 9.1?"));
    assert_eq!(get(&api).await.status, 200, "asked first");
    browser.press(By::Css("form[method=post] button")).await;
    assert!(browser.text().await.contains("Portfolio 9.1 is deleted"));
    assert_eq!(get(&api).await.status, 404);
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

/// Types shares into fields and sends the form.
async fn fill(browser: &Browser, shares: &[(&str, &str)]) {
    for (ticker, number) in shares {
        let name = format!("shares.{ticker}");
        let field = browser.find(By::Name(name.as_str())).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(*number).await.unwrap();
    }
    browser.press(By::Css("form[method=post] button")).await;
}

async fn tick(stack: &Stack, time: &str) {
    let value = json!({"TICK": "IBM", "PRICE": "123.20", "TS": time}).to_string();
    kafka::publish(&stack.run.kafka, "StockExchange", &[value.as_bytes()]).await;
}

/// What 1.1 was worth at the end of a window, as soon as that is known.
async fn nav(stack: &Stack, window_end: &str) -> String {
    let statement = format!(
        "SELECT nav FROM evaluations WHERE portfolio = '1.1' AND window_end = TIMESTAMP '{window_end}'"
    );
    let rows = stack.sql_until(&statement, |rows| rows.len() == 1).await;
    rows[0]["nav"].as_str().unwrap().to_owned()
}
