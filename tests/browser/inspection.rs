//! What every page has to stand: no complaint, no barrier, nothing that sticks out, something to read.

use tests::browser::{Browser, Look};
use tests::http::get;

/// Looks at a page in every way, keeps a picture of each, and answers what is wrong with it.
pub(crate) async fn inspect(
    browser: &Browser,
    lake: &str,
    path: &str,
    kept_as: &str,
) -> Vec<String> {
    let url = format!("{lake}{path}");
    let answer = get(&url).await;
    let mut wrong = Vec::new();
    if answer.status != 200 || !answer.header("content-type").starts_with("text/html") {
        wrong.push(format!(
            "{path}: {} {}: {}",
            answer.status,
            answer.header("content-type"),
            answer.text()
        ));
        return wrong;
    }
    for look in Look::ALL {
        browser.open(&url, look).await;
        browser.screenshot(kept_as, look).await;
        let mut found = Vec::new();
        found.extend(unreadable(browser).await);
        found.extend(browser.sticking_out(look).await);
        found.extend(browser.violations().await.unwrap_or_default());
        found.extend(browser.complaints().await);
        wrong.extend(
            found
                .into_iter()
                .map(|what| format!("{path} ({look}): {what}")),
        );
    }
    wrong
}

/// A page has a title, one heading of the first rank, and is made of elements, not of a template's leftovers.
async fn unreadable(browser: &Browser) -> Option<String> {
    let headings = browser
        .run(
            "return [...document.querySelectorAll('h1')].map((h) => h.innerText.trim())",
            Vec::new(),
        )
        .await;
    let headings: Vec<String> = serde_json::from_value(headings).unwrap();
    let title = browser.title().await.unwrap();
    let text = browser.text().await;
    if headings.len() != 1 || headings[0].is_empty() || title.is_empty() {
        return Some(format!("headings {headings:?}, title {title:?}"));
    }
    [
        "{{",
        "{%",
        "NaN",
        "undefined",
        "[object Object]",
        "None)",
        "Some(",
    ]
    .into_iter()
    .find(|leftover| text.contains(leftover))
    .map(|leftover| format!("{leftover:?} in the text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_seen() {
    let Some(browser) = Browser::start().await else {
        return;
    };
    let page = "data:text/html,<!doctype html><html><title>t</title><h1>a</h1><h1>NaN</h1><input>\
                <div style='width:900px'>wide</div><script>console.error('broken')</script>";
    browser.open(page, Look::Phone).await;
    assert!(unreadable(&browser).await.is_some());
    let sticking_out = browser.sticking_out(Look::Phone).await.join(" ");
    assert!(sticking_out.contains("div"), "{sticking_out}");
    let complaints = browser.complaints().await.join(" ");
    assert!(complaints.contains("broken"), "{complaints}");
    if let Some(violations) = browser.violations().await {
        let violations = violations.join(" ");
        assert!(
            violations.contains("html-has-lang") && violations.contains("label"),
            "{violations}"
        );
    }
}
