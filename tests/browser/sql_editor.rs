//! The SQL editor: a query, an error at its position, examples, downloads, all without a script as well.

use tests::browser::{Browser, Look};
use tests::data;
use tests::http::get;
use tests::stack::Stack;
use thirtyfour::By;

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_answered_and_a_mistake_is_shown_where_it_is() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let stack = Stack::start(&[("SCHEDULES", "off"), ("BATCHING_WINDOW", "1")]).await;
    data::customers(&stack).await;
    let page = format!("{}/sql", stack.run.lake);
    browser.open(&page, Look::Light).await;
    let text = browser.text().await;
    for name in [
        "stock_call",
        "purchase_events",
        "evaluations",
        "dead_letter",
    ] {
        assert!(text.contains(name), "{name} beside the editor: {text}");
    }

    let counts = "SELECT stock_name, COUNT(*) AS checks FROM stock_call\nGROUP BY stock_name ORDER BY checks DESC, stock_name LIMIT 3";
    ask(&browser, counts).await;
    let cells = browser
        .run(
            "return [...document.querySelectorAll('main td')].map((cell) => cell.innerText.trim())",
            Vec::new(),
        )
        .await;
    assert_eq!(
        cells,
        serde_json::json!(["BABA", "5", "PYPL", "5", "CRM", "4"])
    );
    let charts = "return [...document.querySelectorAll('main svg[role=img]')].filter((svg) => svg.getClientRects().length).length";
    assert_eq!(
        browser.run(charts, Vec::new()).await,
        1,
        "a text and a number are bars"
    );
    seen(&browser, "sql-answer").await;
    downloads(&browser, &stack.run.lake).await;

    ask(&browser, "SELECT stock_name\nFROM stock_call\nWHERE =").await;
    let text = browser.text().await;
    assert!(text.to_lowercase().contains("line 3"), "{text}");
    let editor = browser.find(By::Name("q")).await.unwrap();
    let kept = editor.value().await.unwrap().unwrap_or_default();
    assert!(kept.contains("WHERE ="), "the statement is kept: {kept}");
    assert_eq!(marked(&browser).await, "=");
    seen(&browser, "sql-mistake").await;

    ask(&browser, "SELECT *\nFROM stock_calls").await;
    assert_eq!(marked(&browser).await, "stock_calls");
    assert!(browser.text().await.contains("stock_call"), "what there is");
    ask(&browser, "DROP TABLE stock_call").await;
    assert!(!browser.text().await.is_empty());
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

/// Types a statement into the editor and sends it.
async fn ask(browser: &Browser, statement: &str) {
    let editor = browser.find(By::Name("q")).await.unwrap();
    editor.clear().await.unwrap();
    editor.send_keys(statement).await.unwrap();
    browser
        .press(By::XPath("//form[.//*[@name='q']]//button"))
        .await;
}

/// What is marked as wrong in the statement.
async fn marked(browser: &Browser) -> String {
    let mark = browser.find(By::Css("main mark")).await.unwrap();
    mark.text().await.unwrap()
}

/// Every format that the page links to is served as what it says.
async fn downloads(browser: &Browser, lake: &str) {
    let links = browser
        .run(
            "return [...document.querySelectorAll(\"a[href*='format=']\")].map((a) => a.getAttribute('href'))",
            Vec::new(),
        )
        .await;
    let links: Vec<String> = serde_json::from_value(links).unwrap();
    for (format, begins) in [
        ("csv", &b"stock_name,checks"[..]),
        ("arrow", b"\xff\xff\xff\xff"),
        ("parquet", b"PAR1"),
    ] {
        let link = links
            .iter()
            .find(|link| link.contains(&format!("format={format}")))
            .unwrap_or_else(|| panic!("{format} in {links:?}"));
        let file = get(format!("{lake}{link}")).await;
        assert_eq!(file.status, 200, "{link}: {}", file.text());
        assert!(file.body.starts_with(begins), "{format}: {}", file.text());
    }
}

async fn seen(browser: &Browser, name: &str) {
    let url = browser.current_url().await.unwrap();
    for look in Look::ALL {
        browser.open(url.as_str(), look).await;
        browser.screenshot(name, look).await;
        assert_eq!(browser.sticking_out(look).await, Vec::<String>::new());
        if let Some(violations) = browser.violations().await {
            assert!(violations.is_empty(), "{name} {look}: {violations:?}");
        }
    }
}
