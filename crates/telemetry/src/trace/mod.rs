//! Traces by OpenTelemetry: an invocation's spans, sent before it answers, when there is someone to send them to.
//!
//! Without `OTEL_EXPORTER_OTLP_ENDPOINT` (or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`) nothing is made and nothing is connected
//! to; who asks for a span then pays for one look at a static. The endpoint is `http://`, a collector beside the
//! function; `OTEL_TRACES_SAMPLER` and the other variables of OpenTelemetry hold as they are specified.
//!
//! A span's attributes are chosen where it is started. Headers, parameters and values of records never are among them.

mod client;
mod ended;
mod origin;
mod start;

use std::future::Future;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::trace::{FutureExt, Status, TraceContextExt, TracerProvider};
use opentelemetry::{Context, Value};
use opentelemetry_otlp::{ExporterBuildError, RetryPolicy, SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanExporter as _};
use tokio::time::timeout;

pub use opentelemetry::KeyValue;
pub use opentelemetry::trace::SpanKind;
pub use origin::{Origins, headers};
pub use start::Start;

use ended::Ended;

/// The callers of a function wait for no collector longer than this.
const LIMIT: Duration = Duration::from_secs(1);
/// After a failure the next invocations do not try again for so long; their spans are dropped.
const PAUSE: Duration = Duration::from_secs(30);

static TRACING: OnceLock<Tracing> = OnceLock::new();

/// Why spans cannot be sent where the environment says.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The endpoint is none that this build can speak to.
    #[error(
        "{0} must be an http:// URL: TLS to a collector is not built in, run one beside the function"
    )]
    Endpoint(&'static str),
    /// The exporter refuses its settings.
    #[error("spans cannot be exported")]
    Exporter(#[from] ExporterBuildError),
}

#[derive(Debug)]
struct Tracing {
    tracer: SdkTracer,
    ended: Ended,
    exporter: SpanExporter,
    paused_until: Mutex<Option<Instant>>,
    /// Shuts down what it made when it is dropped.
    _provider: SdkTracerProvider,
}

/// From now on this process has spans, if the environment names an endpoint for them. Must be called in a runtime.
pub fn install(function: &str) -> Result<(), TraceError> {
    if is_on() || !endpoint()? {
        return Ok(());
    }
    let mut exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client::Http::new())
        // Its pauses between retries would block the thread that answers invocations.
        .with_retry_policy(RetryPolicy::disabled())
        .build()?;
    let resource = Resource::builder()
        .with_service_name(function.to_owned())
        .with_attribute(KeyValue::new("service.namespace", "tidemill"))
        .build();
    exporter.set_resource(&resource);
    let ended = Ended::default();
    let provider = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_span_processor(ended.clone())
        .build();
    TRACING.get_or_init(|| Tracing {
        tracer: provider.tracer("tidemill"),
        ended,
        exporter,
        paused_until: Mutex::new(None),
        _provider: provider,
    });
    Ok(())
}

/// Whether an endpoint is set; one that cannot be used is an error.
fn endpoint() -> Result<bool, TraceError> {
    let names = [
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ];
    let set = names.into_iter().find_map(|name| {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
        Some((name, value))
    });
    match set {
        None => Ok(false),
        Some((_, value)) if value.starts_with("http://") => Ok(true),
        Some((name, _)) => Err(TraceError::Endpoint(name)),
    }
}

/// Whether this process has spans.
pub fn is_on() -> bool {
    TRACING.get().is_some()
}

/// Runs `work` in a span that begins now; just runs it, if there is none.
pub fn within<F: Future>(span: Option<Start>, work: F) -> impl Future<Output = F::Output> {
    let context = span.and_then(|start| Some(start.begin(&TRACING.get()?.tracer)));
    async move {
        match context {
            None => work.await,
            Some(context) => {
                let output = work.with_context(context.clone()).await;
                context.span().end();
                output
            }
        }
    }
}

/// Adds an attribute to the running span.
pub fn note(key: &'static str, value: impl Into<Value>) {
    if is_on() {
        let value = value.into();
        Context::map_current(|context| context.span().set_attribute(KeyValue::new(key, value)));
    }
}

/// Marks the running span as failed, for a reason that is no secret.
pub fn failed(reason: &'static str) {
    if is_on() {
        Context::map_current(|context| context.span().set_status(Status::error(reason)));
    }
}

/// The id of the running trace, for the log.
pub fn id() -> Option<String> {
    TRACING.get()?;
    Context::map_current(|context| {
        let span = context.span();
        let of = span.span_context();
        of.is_valid().then(|| of.trace_id().to_string())
    })
}

/// Sends the spans that have ended, within a second; a collector that is away costs the invocation nothing but that, and
/// the next ones not even that.
pub async fn flush() {
    let Some(tracing) = TRACING.get() else {
        return;
    };
    let spans = tracing.ended.take();
    if spans.is_empty() || tracing.is_paused() {
        return;
    }
    let count = spans.len();
    let reason = match timeout(LIMIT, tracing.exporter.export(spans)).await {
        Ok(Ok(())) => return,
        Ok(Err(reason)) => reason.to_string(),
        Err(_) => format!("no answer within {LIMIT:?}"),
    };
    tracing.pause();
    tracing::warn!(count, reason, "spans not exported, pausing");
}

impl Tracing {
    fn is_paused(&self) -> bool {
        self.paused_until()
            .is_some_and(|until| Instant::now() < until)
    }

    fn pause(&self) {
        *self.paused_until() = Some(Instant::now() + PAUSE);
    }

    fn paused_until(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.paused_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
