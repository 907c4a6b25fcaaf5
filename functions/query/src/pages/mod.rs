//! Plain pages: rendered here, usable without scripts.

pub(crate) mod assets;
mod shell;

use std::fmt::Write;

use http::Response;
use lambda_http::Body;

use crate::respond;

pub(crate) use shell::{SECTIONS, html, with_status};

/// What leads where from the first page: link, and what it is.
const LINKS: [(&str, &str); 9] = [
    (
        "/api/sql?q=SHOW+TABLES",
        "SQL by GET: /api/sql?q=… (format=json, ndjson, csv, arrow; limit=), or POST with SQL as the body",
    ),
    ("/api/tables", "the tables"),
    (
        "/api/tables/evaluations",
        "a table: its columns, how many rows, the newest row's time",
    ),
    (
        "/api/portfolios",
        "every portfolio: holdings, last NAV, change",
    ),
    (
        "/api/portfolios/1.1",
        "holdings of one portfolio; PUT and DELETE change them",
    ),
    (
        "/api/portfolios/1.1/evaluations",
        "its evaluations, from= and to= included",
    ),
    (
        "/api/portfolios/statistics",
        "average, deviation and spread of every portfolio",
    ),
    ("/csv/", "one CSV file per portfolio"),
    ("/openapi.json", "this API, described (OpenAPI 3.1)"),
];

/// The first page.
pub(crate) fn home() -> Response<Body> {
    let mut body = String::from(
        "<h1>Tidemill</h1>\n<p>The lake: every event, tick and evaluation, in SQL.</p>\n\
         <form action=\"/api/sql\"><label for=\"q\">SQL</label>\n\
         <input id=\"q\" name=\"q\" size=\"80\" value=\"SELECT * FROM stock_call LIMIT 20\">\n\
         <button>Ask</button></form>\n<ul>\n",
    );
    for (link, what) in LINKS {
        item(&mut body, link, what);
    }
    body.push_str("</ul>");
    respond::page(plain("Tidemill", &body))
}

/// The list of CSV files.
pub(crate) fn csv_files(names: &[String]) -> Response<Body> {
    let mut body = String::from("<h1>Portfolios as CSV</h1>\n<ul>\n");
    for name in names {
        item(&mut body, &format!("/csv/{name}"), "");
    }
    body.push_str("</ul>");
    respond::page(plain("Portfolios as CSV", &body))
}

fn item(body: &mut String, link: &str, what: &str) {
    let shown = escape(link);
    // Writing to a String does not fail.
    let _ = writeln!(
        body,
        "<li><a href=\"{shown}\">{shown}</a> {}</li>",
        escape(what)
    );
}

fn plain(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{}</title></head>\n<body>\n{body}\n</body></html>\n",
        escape(title)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
