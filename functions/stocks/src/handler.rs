//! One request: route it, do it, publish its event, answer.

use chrono::{DateTime, Utc};
use domain::Stock;
use domain::quotes::{DailyRecord, Metric, YearlyFigures};
use http::header::HeaderName;
use http::{HeaderValue, Response, StatusCode};
use lambda_http::{Body, Request};
use lambda_kit::{Problem, http as requests, run::chain};
use serde_json::json;
use stream::publish_event;
use thiserror::Error;
use tracing::warn;
use wire::{Action, StockEvent};

use crate::answers::{self, Figures};
use crate::route::{Call, route};
use crate::{Context, operation, refusals};

const X_QUOTES: HeaderName = HeaderName::from_static("x-quotes");

/// Why a request could not be answered at all.
#[derive(Debug, Error)]
pub enum Error {
    /// An answer could not be written.
    #[error("the answer cannot be written as JSON")]
    Answer(#[from] serde_json::Error),
}

/// How a call ends that is not granted.
enum Refusal {
    Problem(Box<Problem>),
    Error(Error),
}

/// Answers a request. Problems are answers too, not errors.
pub async fn handle(request: Request, context: &Context) -> Result<Response<Body>, Error> {
    match answer(&request, context).await {
        Ok(response) => Ok(requests::answer(request.method(), response)),
        Err(Refusal::Problem(problem)) => {
            Ok(requests::answer(request.method(), problem.into_response()))
        }
        Err(Refusal::Error(error)) => Err(error),
    }
}

async fn answer(request: &Request, context: &Context) -> Result<Response<Body>, Refusal> {
    let call = route(request.method(), requests::path(request))?;
    let at = (context.clock)();
    match call {
        Call::Health => Ok(requests::json(StatusCode::OK, &json!({"status": "ok"}))?),
        Call::OpenApi => Ok(requests::content(
            StatusCode::OK,
            "application/json",
            answers::OPENAPI,
        )),
        Call::Help => {
            publish(StockEvent::Default, request, context).await?;
            Ok(requests::text(StatusCode::OK, answers::help()))
        }
        Call::Figures(stock) => figures(stock, &Metric::ALL, at, request, context).await,
        Call::Figure(stock, metric) => figures(stock, &[metric], at, request, context).await,
        Call::Operation(stock, action, quantity) => {
            operate(stock, action, quantity, at, request, context).await
        }
    }
}

async fn figures(
    stock: Stock,
    metrics: &[Metric],
    at: DateTime<Utc>,
    request: &Request,
    context: &Context,
) -> Result<Response<Body>, Refusal> {
    let year = year(stock, at, context).await?;
    let figures = YearlyFigures::of(&year).map_err(|reason| {
        warn!(%stock, %reason, "quotes cannot be used");
        refusals::no_quotes(stock)
    })?;
    publish(StockEvent::Check { stock, at }, request, context).await?;
    let response = requests::json(
        StatusCode::OK,
        &Figures {
            stock,
            at,
            figures,
            metrics,
        },
    )?;
    Ok(labelled(response, context))
}

async fn operate(
    stock: Stock,
    action: Action,
    quantity: u32,
    at: DateTime<Utc>,
    request: &Request,
    context: &Context,
) -> Result<Response<Body>, Refusal> {
    let year = year(stock, at, context).await?;
    let price = operation::price(action, &year).ok_or_else(|| {
        warn!(%stock, action = action.as_str(), "no day of the year has a price");
        refusals::no_quotes(stock)
    })?;
    publish(
        StockEvent::Operation {
            action,
            stock,
            quantity,
            price,
            at,
        },
        request,
        context,
    )
    .await?;
    let task = format!("{}_{quantity}_{stock}", operation::past_tense(action));
    Ok(labelled(
        requests::json(StatusCode::CREATED, &json!({"task": task}))?,
        context,
    ))
}

async fn year(
    stock: Stock,
    at: DateTime<Utc>,
    context: &Context,
) -> Result<Vec<DailyRecord>, Problem> {
    context.quotes.year(stock, at).await.map_err(|failed| {
        warn!(%stock, error = chain(&failed), "no quotes");
        refusals::no_quotes(stock)
    })
}

/// Stores the event of a call; HEAD makes none.
async fn publish(event: StockEvent, request: &Request, context: &Context) -> Result<(), Problem> {
    let headers = wire::event_headers(requests::headers(request));
    let storing = publish_event(context.publisher.as_ref(), &event, &headers);
    requests::stored(request, storing).await
}

fn labelled(mut response: Response<Body>, context: &Context) -> Response<Body> {
    if let Some(label) = context.quotes.label() {
        response
            .headers_mut()
            .insert(X_QUOTES, HeaderValue::from_static(label));
    }
    response
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

impl From<serde_json::Error> for Refusal {
    fn from(error: serde_json::Error) -> Self {
        Self::Error(error.into())
    }
}
