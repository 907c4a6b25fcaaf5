//! Pages: rendered here, complete without scripts, and each from a few statements over a bounded stretch of time.

pub(crate) mod assets;
pub(crate) mod behaviour;
pub(crate) mod delete_portfolio;
mod direction;
pub(crate) mod holdings_form;
pub(crate) mod new_portfolio;
pub(crate) mod overview;
pub(crate) mod portfolio;
pub(crate) mod portfolios;
mod positions;
pub(crate) mod prices;
mod rows;
mod same_origin;
mod shell;
pub(crate) mod sql;

use askama::Template;
use http::Response;
use lambda_http::Body;
use lambda_kit::Problem;
use serde_json::Value;

pub(crate) use shell::{SECTIONS, html};

#[derive(Template)]
#[template(path = "csv_files.html")]
struct CsvFiles<'a> {
    here: &'static str,
    names: &'a [String],
}

/// The list of CSV files.
pub(crate) fn csv_files(names: &[String]) -> Result<Response<Body>, Problem> {
    html(&CsvFiles {
        here: "/portfolios",
        names,
    })
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    here: &'static str,
    title: &'a str,
    detail: &'a str,
    choices: String,
}

/// A problem for someone who looks at pages; its status and headers stay.
pub(crate) fn problem(problem: Problem) -> Response<Body> {
    let choices = problem.extra.values().find_map(Value::as_array);
    let choices: Vec<&str> = choices
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let page = ProblemPage {
        here: "",
        title: &problem.title,
        detail: &problem.detail,
        choices: choices.join(", "),
    };
    match shell::with_status(problem.status, &page) {
        Ok(mut response) => {
            response.headers_mut().extend(problem.headers);
            response
        }
        Err(_) => problem.into_response(),
    }
}
