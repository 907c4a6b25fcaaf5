//! `/questions`: the catalogue as pages.

use askama::Template;
use http::Response;
use lambda_http::{Body, Request};
use lambda_kit::Problem;
use sql::Limits;

use super::drawing::{Paper, draw};
use super::parameters::Asked;
use super::routes::named;
use super::{Grid, Question, Set, all};
use crate::context::Context;
use crate::{pages, respond};

/// The section of these pages.
const HERE: &str = "/questions";
/// Rows that a page shows; downloads have them all.
const MOST_ROWS: usize = 200;
/// Rows that are asked for, so that charts see more than the table.
const ASKED_ROWS: usize = 3000;

#[derive(Template)]
#[template(path = "questions.html")]
struct QuestionsPage {
    here: &'static str,
    sets: Vec<(Set, Vec<&'static Question>)>,
}

#[derive(Template)]
#[template(path = "question.html")]
struct QuestionPage {
    here: &'static str,
    asked: Asked,
    /// The query string of the values, to ask the same of the API.
    query: String,
    grid: Grid,
    chart: Option<String>,
}

/// All questions, set by set.
pub(crate) fn pages() -> Result<Response<Body>, Problem> {
    let of = |set| all().iter().filter(|q| q.set == set).collect();
    let sets = Set::ALL.into_iter().map(|set| (set, of(set))).collect();
    pages::html(&QuestionsPage { here: HERE, sets })
}

/// One question with its answer.
pub(crate) async fn page(
    slug: &str,
    request: &Request,
    context: &Context,
) -> Result<Response<Body>, Problem> {
    let asked = Asked::with(named(slug)?, request)?;
    let limits = Limits {
        rows: ASKED_ROWS,
        ..Limits::default()
    };
    let answer = respond::ask(context, &asked.sql, limits).await?;
    let mut grid = Grid::of(&answer, ASKED_ROWS)?;
    let chart = draw(asked.question.drawing, &grid, Paper::Page);
    grid.cut(MOST_ROWS);
    let query = asked
        .values
        .iter()
        .map(|(parameter, value)| format!("&{}={value}", parameter.name))
        .collect();
    pages::html(&QuestionPage {
        here: HERE,
        asked,
        query,
        grid,
        chart,
    })
}
