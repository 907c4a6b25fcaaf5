//! A collector of OpenTelemetry's: takes spans over HTTP and keeps them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Listens until it is dropped.
pub struct Collector {
    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` is for it.
    pub endpoint: String,
    kept: Arc<Mutex<Kept>>,
    server: JoinHandle<()>,
}

#[derive(Default)]
struct Kept {
    spans: Vec<Span>,
    bytes: Vec<u8>,
}

/// A span as it came, ids in hex.
#[derive(Debug, Clone)]
pub struct Span {
    /// `service.name` of its resource.
    pub service: String,
    /// Its name.
    pub name: String,
    /// OpenTelemetry's number of its kind: 1 internal, 2 server, 4 producer, 5 consumer.
    pub kind: i32,
    /// Its trace.
    pub trace: String,
    /// Its own id.
    pub id: String,
    /// Its parent's id, empty for a root.
    pub parent: String,
    /// Trace and span of each link.
    pub links: Vec<(String, String)>,
    /// Its attributes as text.
    pub attributes: BTreeMap<String, String>,
    /// Whether it is marked as failed.
    pub failed: bool,
}

impl Collector {
    /// Listens on a free port of the loopback.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let kept = Arc::new(Mutex::new(Kept::default()));
        let app = Router::new()
            .route("/v1/traces", post(keep))
            .with_state(Arc::clone(&kept));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            endpoint,
            kept,
            server,
        }
    }

    /// Every span so far.
    pub fn spans(&self) -> Vec<Span> {
        self.kept.lock().unwrap().spans.clone()
    }

    /// Everything that was sent so far, as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept.lock().unwrap().bytes).into_owned()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn keep(State(kept): State<Arc<Mutex<Kept>>>, body: Bytes) -> StatusCode {
    let Ok(request) = ExportTraceServiceRequest::decode(body.clone()) else {
        return StatusCode::BAD_REQUEST;
    };
    let mut kept = kept.lock().unwrap();
    kept.bytes.extend(&body);
    for resource in request.resource_spans {
        let of_resource = resource.resource.map(|it| it.attributes);
        let service = attributes(of_resource.unwrap_or_default())
            .remove("service.name")
            .unwrap_or_default();
        for span in resource.scope_spans.into_iter().flat_map(|it| it.spans) {
            let links = span.links.iter();
            kept.spans.push(Span {
                service: service.clone(),
                name: span.name,
                kind: span.kind,
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                links: links
                    .map(|link| (hex(&link.trace_id), hex(&link.span_id)))
                    .collect(),
                attributes: attributes(span.attributes),
                failed: span.status.is_some_and(|status| status.code == 2),
            });
        }
    }
    StatusCode::OK
}

fn attributes(pairs: Vec<KeyValue>) -> BTreeMap<String, String> {
    let text = |value| match value {
        any_value::Value::StringValue(text) => text,
        any_value::Value::IntValue(number) => number.to_string(),
        any_value::Value::BoolValue(truth) => truth.to_string(),
        other => format!("{other:?}"),
    };
    let pairs = pairs.into_iter().filter_map(|pair| {
        let value = pair.value?.value?;
        Some((pair.key, text(value)))
    });
    pairs.collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
