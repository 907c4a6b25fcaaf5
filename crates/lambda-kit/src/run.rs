//! The life of a function's process: set up once, then one invocation after the other.
//!
//! ```no_run
//! # struct Context;
//! # async fn connect(_: &mut lambda_kit::Env) -> Result<Context, lambda_kit::Error> { Ok(Context) }
//! # async fn handle(_: lambda_http::Request, _: &Context)
//! #     -> Result<lambda_http::Response<lambda_http::Body>, lambda_kit::Error> { Ok(lambda_http::Response::default()) }
//! #[tokio::main]
//! async fn main() -> Result<(), lambda_kit::Error> {
//!     lambda_kit::run::http(connect, handle).await
//! }
//! ```

use std::any::type_name;
use std::future::Future;

pub use ::telemetry::chain;
use ::telemetry::{trace, work};
use http::Response;
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Body, Request, RequestExt, Service};
use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use serde::de::DeserializeOwned;
use tracing::error;

use crate::invocation::{Asked, Given, Invocation, Outcome, Reply, caller};
use crate::{Deadline, Env, Problem, host, http as answers, telemetry};

/// Serves HTTP requests: `connect` makes the context once, `handle` answers each request with it.
///
/// An error of `handle` is logged and answered with 500; HEAD gets no body. Each request leaves one line in the log.
pub async fn http<C, F, E>(
    connect: impl AsyncFnOnce(&mut Env) -> Result<C, Error>,
    handle: impl Fn(Request, &'static C) -> F,
) -> Result<(), Error>
where
    C: Sync + 'static,
    F: Future<Output = Result<Response<Body>, E>> + Send,
    E: Into<Error>,
{
    let context = start(connect).await?;
    let serve = |mut request: Request| {
        host::restore(&mut request);
        let method = request.method().clone();
        let asked = Asked::of(&request);
        let id = request.lambda_context_ref().map(|it| it.request_id.clone());
        let invocation = Invocation::begin(id.as_deref().unwrap_or_default());
        let start = || invocation.request(&asked, caller(&request));
        let span = trace::is_on().then(start);
        let answer = work::counted(handle(request, context));
        let answer = trace::within(span, async {
            let (answer, published) = answer.await;
            let response = answer.unwrap_or_else(|failed| {
                error!(error = chain(failed.into().as_ref()), "request failed");
                Problem::internal().into_response()
            });
            let status = response.status();
            trace::note("http.response.status_code", i64::from(status.as_u16()));
            if status.is_server_error() {
                trace::failed("the answer is a server error");
            }
            (response, published, trace::id())
        });
        async move {
            let (response, published, trace_id) = answer.await;
            let status = response.status();
            invocation
                .answered(trace_id, &asked, status, published)
                .await;
            Ok::<_, Error>(answers::answer(&method, response))
        }
    };
    let mut adapter = Adapter::from(service_fn(serve));
    lambda_runtime::run(service_fn(move |mut event: LambdaEvent<LambdaRequest>| {
        host::set_aside(&mut event.payload);
        adapter.call(event)
    }))
    .await
}

/// Serves events: `connect` makes the context once, `handle` takes each event with its invocation's deadline.
///
/// An error of `handle` is logged and fails the invocation, so that its trigger tries again. Each event leaves one line
/// in the log.
pub async fn events<C, T, O, F, E>(
    connect: impl AsyncFnOnce(&mut Env) -> Result<C, Error>,
    handle: impl Fn(T, Deadline, &'static C) -> F,
) -> Result<(), Error>
where
    C: Sync + 'static,
    T: DeserializeOwned + Given,
    O: Reply,
    F: Future<Output = Result<O, E>>,
    E: Into<Error>,
{
    let context = start(connect).await?;
    let serve = |invocation: LambdaEvent<T>| {
        let LambdaEvent {
            payload,
            context: lambda,
        } = invocation;
        let begun = Invocation::begin(&lambda.request_id);
        let given = payload.work();
        let span = trace::is_on().then(|| begun.event(given, payload.origins()));
        let handled = work::counted(handle(payload, Deadline::of(&lambda), context));
        let handled = trace::within(span, async {
            let (handled, published) = handled.await;
            if handled.is_err() {
                trace::failed("the invocation failed");
            }
            (handled, published, trace::id())
        });
        async move {
            let (handled, published, trace_id) = handled.await;
            let handled = handled.map_err(|failed| {
                let message = chain(failed.into().as_ref());
                error!(error = message, "invocation failed");
                Diagnostic {
                    error_type: short_name(type_name::<E>()).to_owned(),
                    error_message: message,
                }
            });
            let outcome = match &handled {
                Ok(answer) if answer.is_partial() => Outcome::Partial,
                Ok(_) => Outcome::Ok,
                Err(_) => Outcome::Failed,
            };
            begun
                .handled(trace_id, given.unwrap_or(published), outcome)
                .await;
            handled
        }
    };
    lambda_runtime::run(service_fn(serve)).await
}

/// The context lives as long as the process, so every invocation can borrow it.
async fn start<C: 'static>(
    connect: impl AsyncFnOnce(&mut Env) -> Result<C, Error>,
) -> Result<&'static C, Error> {
    telemetry::init()?;
    match connect(&mut Env::process()).await {
        Ok(context) => Ok(Box::leak(Box::new(context))),
        Err(failed) => {
            error!(error = chain(failed.as_ref()), "function cannot start");
            Err(failed)
        }
    }
}

/// `Error` of `evaluate::error::Error`.
fn short_name(path: &str) -> &str {
    let path = path.split('<').next().unwrap_or(path);
    path.rsplit("::").next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_chain_tells_every_source() {
        assert_eq!(
            chain(&Outer(std::io::Error::other("inner"))),
            "outer: inner"
        );
    }

    #[test]
    fn types_are_named_without_their_paths() {
        assert_eq!(short_name(type_name::<Outer>()), "Outer");
        assert_eq!(short_name(type_name::<Error>()), "Box");
    }
}
