//! `/sql`: an editor with the tables beside it; the answer as a table, and as a chart where that suits it.

mod mistake;
mod result;

use askama::Template;
use http::Response;
use lambda_http::{Body, Request};
use lambda_kit::Problem;
use lambda_kit::http::Parameters;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sql::{Format, Limits, SqlError};

use self::mistake::Mistake;
use self::result::Shown;
use super::shell;
use crate::context::Context;
use crate::{refusal, respond};

/// Rows that the page shows; downloads have them all.
const ROWS: usize = 200;

/// What to start from: what it asks, and how.
const EXAMPLES: [(&str, &str); 6] = [
    (
        "Most checked stocks",
        "SELECT stock_name, COUNT(*) AS checks\nFROM stock_call\nGROUP BY stock_name\nORDER BY checks DESC",
    ),
    (
        "A portfolio over time",
        "SELECT window_end, nav\nFROM evaluations\nWHERE portfolio = '1.1'\nORDER BY window_end DESC\nLIMIT 180",
    ),
    (
        "Prices: range by ticker",
        "SELECT tick, MIN(price) AS low, AVG(price) AS mean, MAX(price) AS high, COUNT(*) AS ticks\nFROM ticks\nGROUP BY tick\nORDER BY tick",
    ),
    (
        "Money by stock",
        "SELECT stock_name, SUM(transaction_amount) AS usd\nFROM stock_operation\nGROUP BY stock_name\nORDER BY usd DESC",
    ),
    (
        "What each player bought",
        "SELECT userid, SUM(amount_purchased) AS items\nFROM purchase_events\nGROUP BY userid\nORDER BY items DESC\nLIMIT 20",
    ),
    (
        "Newest dead letters",
        "SELECT _timestamp, topic, \"offset\", reason\nFROM dead_letter\nORDER BY _timestamp DESC\nLIMIT 20",
    ),
];

#[derive(Template)]
#[template(path = "sql.html")]
struct SqlPage {
    here: &'static str,
    query: String,
    rows: usize,
    tables: Vec<TableShown>,
    examples: Vec<Link>,
    downloads: Vec<Link>,
    outcome: Outcome,
}

enum Outcome {
    NotAsked,
    Answered(Shown),
    Refused(Mistake),
}

struct TableShown {
    name: String,
    columns: Vec<sql::TableColumn>,
}

struct Link {
    name: &'static str,
    link: String,
}

pub(crate) async fn page(request: &Request, context: &Context) -> Result<Response<Body>, Problem> {
    let parameters = Parameters::of(request);
    // Browsers send line breaks of a form as CR LF; positions of errors count lines.
    let query = parameters
        .get("q")
        .unwrap_or_default()
        .replace("\r\n", "\n");
    let outcome = if query.trim().is_empty() {
        Outcome::NotAsked
    } else {
        ask(&query, context).await?
    };
    let downloads = match &outcome {
        Outcome::Answered(_) => downloads(&query),
        _ => Vec::new(),
    };
    shell::html(&SqlPage {
        here: "/sql",
        rows: ROWS,
        tables: tables(context)?,
        examples: EXAMPLES
            .iter()
            .map(|(name, query)| Link {
                name,
                link: format!("/sql?q={}", encoded(query)),
            })
            .collect(),
        downloads,
        outcome,
        query,
    })
}

async fn ask(query: &str, context: &Context) -> Result<Outcome, Problem> {
    let limits = Limits {
        rows: ROWS,
        ..Limits::default()
    };
    let elapsed = respond::clock();
    match context.sql.run(query, limits).await {
        Ok(answer) => Ok(Outcome::Answered(Shown::of(&answer, elapsed())?)),
        // Not the statement's fault: the page itself cannot be answered now.
        Err(ours @ (SqlError::Start(_) | SqlError::Storage(_))) => Err(refusal::of_sql(ours)),
        Err(refused) => Ok(Outcome::Refused(Mistake::of(&refused, query))),
    }
}

fn downloads(query: &str) -> Vec<Link> {
    let formats = [
        ("CSV", Format::Csv),
        ("Arrow", Format::Arrow),
        ("Parquet", Format::Parquet),
        ("JSON", Format::Json),
    ];
    let link = |format: Format| {
        format!(
            "/api/sql?format={}&limit={}&q={}",
            format.name(),
            Limits::MOST_ROWS,
            encoded(query)
        )
    };
    formats
        .into_iter()
        .map(|(name, format)| Link {
            name,
            link: link(format),
        })
        .collect()
}

fn tables(context: &Context) -> Result<Vec<TableShown>, Problem> {
    context
        .sql
        .tables()
        .into_iter()
        .map(|name| {
            let columns = context.sql.describe(&name).map_err(refusal::of_sql)?;
            Ok(TableShown { name, columns })
        })
        .collect()
}

fn encoded(query: &str) -> String {
    utf8_percent_encode(query, NON_ALPHANUMERIC).to_string()
}
