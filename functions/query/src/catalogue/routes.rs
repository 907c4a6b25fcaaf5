//! `/api/questions`: the catalogue, and the answer to one of its questions.

use http::{Response, StatusCode};
use lambda_http::{Body, Request};
use lambda_kit::Problem;
use serde::Serialize;
use serde_json::{Value, json};
use sql::Format;

use super::parameters::Asked;
use super::{Question, all, find};
use crate::context::Context;
use crate::{negotiate, respond};

/// A question as JSON tells it.
#[derive(Serialize)]
struct Told<'a> {
    slug: &'a str,
    set: &'a str,
    sentence: &'a str,
    sql: &'a str,
    parameters: Vec<Value>,
}

impl<'a> Told<'a> {
    fn of(asked: &'a Asked) -> Self {
        let parameter = |(p, value): &(super::Parameter, String)| json!({"name": p.name, "value": value, "default": p.default, "description": p.doc});
        Self {
            slug: asked.question.slug,
            set: asked.question.set.name(),
            sentence: asked.question.sentence,
            sql: &asked.sql,
            parameters: asked.values.iter().map(parameter).collect(),
        }
    }
}

/// Every question, without its answer.
pub(crate) fn list() -> Result<Response<Body>, Problem> {
    let questions: Vec<Value> = all()
        .iter()
        .map(|question| {
            let mut told = json!(Told::of(&Asked::plainly(question)));
            told["url"] = json!(format!("/api/questions/{}", question.slug));
            told
        })
        .collect();
    respond::json(StatusCode::OK, &json!({"questions": questions}))
}

/// One question with its answer; the other formats are the answer's rows alone.
pub(crate) async fn one(
    slug: &str,
    request: &Request,
    context: &Context,
) -> Result<Response<Body>, Problem> {
    let asked = Asked::with(named(slug)?, request)?;
    let format = negotiate::format(request)?;
    let limits = respond::limits(request)?;
    let elapsed = respond::clock();
    let answer = respond::ask(context, &asked.sql, limits).await?;
    let response = respond::rows(&answer, format, elapsed())?;
    if format == Format::Json {
        return respond::with(response, &Told::of(&asked));
    }
    Ok(response)
}

/// The question of this name, or 404 with all names.
pub(super) fn named(slug: &str) -> Result<&'static Question, Problem> {
    find(slug).ok_or_else(|| {
        let slugs: Vec<&str> = all().iter().map(|question| question.slug).collect();
        Problem::not_found(format!("there is no question {slug:?}")).with("questions", slugs)
    })
}
