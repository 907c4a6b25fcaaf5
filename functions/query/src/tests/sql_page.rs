//! The SQL editor's page: answers, charts, downloads, and errors at their place.

use lake::Table;
use serde_json::json;

use super::lakes::{Function, evaluation};

#[tokio::test]
async fn an_answer_is_a_table_with_downloads() {
    let function = Function::start().await;
    let got = function
        .get("/sql?q=SELECT+1234567+AS+n,+%27%3Cb%3E%27+AS+t,+NULL+AS+x")
        .await;
    let text = got.text();
    for part in [
        "1 row in",
        "<td class=\"num\">1234567</td>",
        "<td class=\"text\">&#60;b&#62;</td>",
        "null</td>",
        "format=csv&#38;limit=100000&#38;q=SELECT%201234567",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    for format in ["csv", "arrow", "parquet", "json"] {
        let link = text
            .split('"')
            .find(|part| part.starts_with(&format!("/api/sql?format={format}&")))
            .unwrap()
            .replace("&#38;", "&");
        let got = function.get(&link).await;
        assert_eq!(got.status, 200, "{link}");
        assert!(!got.body.is_empty());
    }
    assert!(!text.contains("class=\"chart\""));
    let long = function
        .get("/sql?q=SELECT+value+FROM+generate_series(1,5000)")
        .await;
    assert!(long.text().contains("more than the 200 that are shown"));
    assert_eq!(long.text().matches("<tr>").count(), 201);
}

#[tokio::test]
async fn a_chart_is_drawn_where_it_suits() {
    let function = Function::start().await;
    let rows = [0, 20, 40].map(|at| evaluation("1.1", at, 1_000_000 + at, 0, 0));
    function.commit(Table::Evaluations, 0, &rows).await;
    for (query, title) in [
        (
            "SELECT window_end, nav FROM evaluations",
            "nav over window_end",
        ),
        (
            "SELECT * FROM (VALUES ('a', 3), ('b', 5)) AS v (name, hits)",
            "hits by name",
        ),
    ] {
        let got = function
            .get(&format!("/sql?q={}", query.replace(' ', "+")))
            .await;
        assert!(
            got.text().contains(&format!("<title>{title}</title>")),
            "{query}"
        );
    }
    for query in [
        "SELECT nav FROM evaluations",
        "SELECT portfolio, investor, nav FROM evaluations",
    ] {
        let got = function
            .get(&format!("/sql?q={}", query.replace(' ', "+")))
            .await;
        assert!(got.text().contains("Answer"), "{query}");
        assert!(!got.text().contains("class=\"chart\""), "{query}");
    }
}

#[tokio::test]
async fn a_mistake_is_shown_at_its_place() {
    let function = Function::start().await;
    let got = function.get("/sql?q=SELECT+*%0D%0AFORM+ticks+oops").await;
    assert_eq!(got.status, 200);
    for part in [
        "role=\"alert\"",
        "aria-invalid=\"true\"",
        "data-line=\"2\"",
        "<mark>",
    ] {
        assert!(got.text().contains(part), "{part} in {}", got.text());
    }
    let got = function.get("/sql?q=SELECT+nope%0AFROM+tickz").await;
    for part in ["<mark>tickz</mark>", "<code>ticks</code>", "column 6"] {
        assert!(got.text().contains(part), "{part} in {}", got.text());
    }
    let got = function
        .get("/sql?q=SELECT+tick,%0A++prise+FROM+ticks")
        .await;
    for part in [
        "<mark>prise</mark>",
        "<code>price</code>",
        "Line 2, column 3",
    ] {
        assert!(got.text().contains(part), "{part} in {}", got.text());
    }
    let got = function.get("/sql?q=DROP+TABLE+ticks").await;
    assert!(got.text().contains("is not allowed"));
    let attack = "/sql?q=%3C/textarea%3E%3Cscript%3Ealert(1)%3C/script%3E";
    let got = function.get(attack).await;
    assert!(!got.text().contains("<script>"), "{}", got.text());
}

#[tokio::test]
async fn the_editor_names_every_table_and_its_examples_run() {
    let function = Function::start().await;
    let got = function.get("/sql").await;
    let tables = function.get("/api/tables").await.ok();
    for table in tables["tables"].as_array().unwrap() {
        let summary = format!("<summary>{}</summary>", table.as_str().unwrap());
        assert!(got.text().contains(&summary), "{summary}");
    }
    let examples: Vec<&str> = got
        .text()
        .split('"')
        .filter(|part| part.starts_with("/sql?q="))
        .collect();
    assert!(examples.len() > 4);
    for example in examples {
        let answer = function.get(example).await;
        assert!(
            answer.text().contains("No row answers this"),
            "{example}: {}",
            answer.text()
        );
    }
    assert_eq!(json!(got.status.as_u16()), 200);
}
