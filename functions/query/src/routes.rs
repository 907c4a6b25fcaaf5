//! The Lake API's routes: which path and method leads where.

use chrono::Utc;
use http::{Method, Response, StatusCode};
use lambda_http::{Body, Request};
use lambda_kit::{Error, Problem, http as answers};
use serde_json::json;

use crate::context::Context;
use crate::{
    catalogue, cost, csv_files, evaluations, negotiate, pages, portfolios, questions, reports,
    respond, statistics, tables,
};

/// The API's description.
const OPENAPI: &str = include_str!("openapi.json");

/// Answers one request. Whatever is wrong with it is an answer too: problem+json, or a page
/// for who would rather have one.
pub async fn handle(request: Request, context: &Context) -> Result<Response<Body>, Error> {
    let answer = route(&request, context).await.unwrap_or_else(|problem| {
        let api = answers::path(&request).starts_with("/api/");
        if !api && negotiate::wants_page(&request) {
            pages::problem(problem)
        } else {
            problem.into_response()
        }
    });
    Ok(answers::answer(request.method(), answer))
}

async fn route(request: &Request, context: &Context) -> Result<Response<Body>, Problem> {
    let path = answers::path(request);
    let segments = answers::segments(path);
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        [] => {
            reads(request)?;
            pages::overview::page(context, Utc::now()).await
        }
        ["prices"] => {
            reads(request)?;
            pages::prices::page(context, Utc::now()).await
        }
        ["prices", ticker] => {
            reads(request)?;
            pages::prices::one(ticker, context, Utc::now()).await
        }
        ["portfolios"] => {
            reads(request)?;
            pages::portfolios::page(request, context, Utc::now()).await
        }
        ["portfolios", "new"] => {
            allow(request, &[Method::GET, Method::HEAD, Method::POST])?;
            if request.method() == Method::POST {
                pages::new_portfolio::create(request, context).await
            } else {
                pages::new_portfolio::page()
            }
        }
        ["portfolios", id] => {
            allow(request, &[Method::GET, Method::HEAD, Method::POST])?;
            if request.method() == Method::POST {
                pages::holdings_form::save(id, request, context, Utc::now()).await
            } else {
                pages::portfolio::page(id, request, context, Utc::now()).await
            }
        }
        ["portfolios", id, "delete"] => {
            allow(request, &[Method::GET, Method::HEAD, Method::POST])?;
            if request.method() == Method::POST {
                pages::delete_portfolio::delete(id, request, context).await
            } else {
                pages::delete_portfolio::page(id, context).await
            }
        }
        ["behaviour"] => {
            reads(request)?;
            pages::behaviour::page(context).await
        }
        ["cost"] => {
            reads(request)?;
            cost::page(request)
        }
        ["sql"] => {
            reads(request)?;
            pages::sql::page(request, context).await
        }
        ["assets", name] => {
            reads(request)?;
            pages::assets::one(name, request)
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
            "there is no page or route {path}; /openapi.json names them"
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
