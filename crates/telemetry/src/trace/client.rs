//! The HTTP client that spans are sent with: the one that the Lambda runtime links already, without TLS.

use async_trait::async_trait;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};

/// A collector's answer is a few bytes.
const ANSWER: usize = 64 * 1024;

#[derive(Debug, Clone)]
pub(super) struct Http(Client<HttpConnector, Full<Bytes>>);

impl Http {
    pub(super) fn new() -> Self {
        let mut builder = Client::builder(TokioExecutor::new());
        // A function is frozen between invocations, and a connection that slept through that may be gone.
        builder.pool_max_idle_per_host(0);
        Self(builder.build(HttpConnector::new()))
    }
}

#[async_trait]
impl HttpClient for Http {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let response = self.0.request(request.map(Full::new)).await?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER).collect().await?.to_bytes();
        Ok(Response::from_parts(head, body))
    }
}
