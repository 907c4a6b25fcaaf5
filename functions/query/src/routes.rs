//! The Lake API's routes: which path and method leads where.

use http::{Method, Response, StatusCode};
use lambda_http::{Body, Request};
use lambda_kit::{Error, Problem, http as answers};
use serde_json::json;

use crate::context::Context;
use crate::{
    catalogue, csv_files, evaluations, negotiate, pages, portfolios, questions, reports, respond,
    statistics, tables,
};

/// The API's description.
const OPENAPI: &str = include_str!("openapi.json");

/// Answers one request. Whatever is wrong with it is an answer too, as problem+json.
pub async fn handle(request: Request, context: &Context) -> Result<Response<Body>, Error> {
    let answer = route(&request, context).await;
    Ok(answers::answer(
        request.method(),
        answer.unwrap_or_else(Problem::into_response),
    ))
}

async fn route(request: &Request, context: &Context) -> Result<Response<Body>, Problem> {
    let path = answers::path(request);
    let segments = answers::segments(path);
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        [] => {
            reads(request)?;
            Ok(pages::home())
        }
        ["health"] => {
            reads(request)?;
            respond::json(StatusCode::OK, &json!({"status": "ok"}))
        }
        ["openapi.json"] => {
            reads(request)?;
            Ok(answers::content(
                StatusCode::OK,
                "application/json",
                OPENAPI,
            ))
        }
        ["api", "sql"] => {
            allow(request, &[Method::GET, Method::HEAD, Method::POST])?;
            questions::sql(request, context).await
        }
        ["api", "tables"] => {
            reads(request)?;
            negotiate::json_only(request)?;
            tables::list(context)
        }
        ["api", "tables", name] => {
            reads(request)?;
            negotiate::json_only(request)?;
            tables::one(name, context).await
        }
        ["api", "portfolios"] => {
            reads(request)?;
            negotiate::json_only(request)?;
            portfolios::list(context).await
        }
        ["api", "portfolios", "statistics"] => {
            reads(request)?;
            statistics::all(request, context).await
        }
        ["api", "portfolios", id] => {
            let methods = [Method::GET, Method::HEAD, Method::PUT, Method::DELETE];
            allow(request, &methods)?;
            match *request.method() {
                Method::PUT => portfolios::put(id, request, context).await,
                Method::DELETE => portfolios::delete(id, context).await,
                _ => portfolios::one(id, context).await,
            }
        }
        ["api", "portfolios", id, "evaluations"] => {
            reads(request)?;
            evaluations::of(id, request, context).await
        }
        ["api", "questions"] => {
            reads(request)?;
            negotiate::json_only(request)?;
            catalogue::list()
        }
        ["api", "questions", slug] => {
            reads(request)?;
            catalogue::one(slug, request, context).await
        }
        ["questions"] => {
            reads(request)?;
            catalogue::pages()
        }
        ["questions", slug] => {
            reads(request)?;
            catalogue::page(slug, request, context).await
        }
        ["api", "reports"] => {
            reads(request)?;
            negotiate::json_only(request)?;
            reports::list()
        }
        ["api", "reports", slug] => {
            reads(request)?;
            reports::one(slug, request, context).await
        }
        ["reports"] => {
            reads(request)?;
            reports::pages()
        }
        ["reports", "analytics"] => {
            reads(request)?;
            reports::analytics(context).await
        }
        ["reports", slug] => {
            reads(request)?;
            reports::page(slug, context).await
        }
        ["csv"] => {
            reads(request)?;
            csv_files::list(request, context).await
        }
        ["csv", file] => {
            reads(request)?;
            csv_files::one(file, request, context).await
        }
        _ => Err(Problem::not_found(format!(
            "there is no route {path}; GET / names the routes"
        ))),
    }
}

fn reads(request: &Request) -> Result<(), Problem> {
    allow(request, &[Method::GET, Method::HEAD])
}

fn allow(request: &Request, methods: &[Method]) -> Result<(), Problem> {
    if methods.contains(request.method()) {
        Ok(())
    } else {
        Err(Problem::method_not_allowed(methods))
    }
}
