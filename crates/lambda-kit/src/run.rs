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
use crate::kafka::BatchItemFailures;
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
/// An error of `handle` is logged and fails the invocation, so that its trigger tries again; so does an answer that names
/// records of a trigger that would not read it ([`BatchItemFailures`]). Each event leaves one line in the log.
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
    let connect = async |env: &mut Env| {
        let failures = if O::NAMES_FAILURES {
            env.or("BATCH_ITEM_FAILURES", BatchItemFailures::default())
        } else {
            BatchItemFailures::default()
        };
        Ok::<_, Error>((connect(env).await?, failures))
    };
    let (context, failures) = start(connect).await?;
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
            let answer = answer(handled, *failures);
            if answer.is_err() {
                trace::failed("the invocation failed");
            }
            (answer, published, trace::id())
        });
        async move {
            let (answer, published, trace_id) = handled.await;
            let outcome = match &answer {
                Ok(answer) if answer.is_partial() => Outcome::Partial,
                Ok(_) => Outcome::Ok,
                Err(_) => Outcome::Failed,
            };
            begun
                .handled(trace_id, given.unwrap_or(published), outcome)
                .await;
            answer
        }
    };
    lambda_runtime::run(service_fn(serve)).await
}

/// What Lambda is told.
fn answer<O: Reply, E: Into<Error>>(
    handled: Result<O, E>,
    failures: BatchItemFailures,
) -> Result<O, Diagnostic> {
    let (error_type, error_message) = match handled {
        Ok(answer) if answer.is_partial() && failures == BatchItemFailures::Unread => {
            let told = serde_json::to_string(&answer).unwrap_or_default();
            let message = format!(
                "not all records are done, and the trigger does not read which (BATCH_ITEM_FAILURES): {told}"
            );
            ("BatchItemFailures".to_owned(), message)
        }
        Ok(answer) => return Ok(answer),
        Err(failed) => {
            let kind = short_name(type_name::<E>()).to_owned();
            (kind, chain(failed.into().as_ref()))
        }
    };
    error!(error = error_message, "invocation failed");
    Err(Diagnostic {
        error_type,
        error_message,
    })
}

/// The context lives as long as the process, so every invocation can borrow it.
async fn start<C: 'static>(
    connect: impl AsyncFnOnce(&mut Env) -> Result<C, Error>,
) -> Result<&'static C, Error> {
    let context = match telemetry::init() {
        Ok(()) => connect(&mut Env::process()).await,
        Err(wrong) => Err(wrong.into()),
    };
    match context {
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
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::Answer;
    use crate::kafka::BatchResponse;

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
    fn what_is_not_done_comes_again_whatever_the_trigger_reads() {
        let mut partial = BatchResponse::default();
        partial.fail("stock_call", 2, 7);
        let told = |response: &BatchResponse, failures| {
            answer::<_, Outer>(Ok(response.clone()), failures).map_err(|it| it.error_message)
        };
        let message = told(&partial, BatchItemFailures::Unread).unwrap_err();
        assert!(
            message.contains(r#"{"partition":"stock_call-2","offset":7}"#),
            "{message}"
        );
        assert_eq!(
            told(&partial, BatchItemFailures::Reported),
            Ok(partial.clone())
        );
        let done = BatchResponse::default();
        for failures in [BatchItemFailures::Unread, BatchItemFailures::Reported] {
            assert_eq!(told(&done, failures), Ok(done.clone()));
            let failed =
                answer::<Answer<()>, _>(Err(Outer(std::io::Error::other("inner"))), failures);
            assert_eq!(failed.unwrap_err().error_type, "Outer");
        }
        // A command's answer names no records.
        let command = Answer::Command("done");
        assert!(answer::<_, Outer>(Ok(command), BatchItemFailures::Unread).is_ok());
        let partial = Answer::<()>::Batches(partial);
        assert!(answer::<_, Outer>(Ok(partial), BatchItemFailures::Unread).is_err());
    }

    #[test]
    fn what_a_trigger_reads_is_a_setting_whose_default_loses_nothing() {
        let mut env = Env::from_pairs([("A", "reported"), ("B", "unread"), ("C", "yes")]);
        let mut read = |name: &str| env.or(name, BatchItemFailures::default());
        assert_eq!(
            ["A", "B", "unset", "C"].map(&mut read),
            [
                BatchItemFailures::Reported,
                BatchItemFailures::Unread,
                BatchItemFailures::Unread,
                BatchItemFailures::Unread
            ]
        );
        let error = env.finish(Some(())).unwrap_err().to_string();
        assert!(error.contains("C: is neither"), "{error}");
    }

    #[test]
    fn types_are_named_without_their_paths() {
        assert_eq!(short_name(type_name::<Outer>()), "Outer");
        assert_eq!(short_name(type_name::<Error>()), "Box");
    }
}
