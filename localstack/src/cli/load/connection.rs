//! One keep-alive connection: sends a call, reads the whole answer.

mod plain;

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::Full;
use hyper::body::Bytes;

use super::{plan::Call, target::Target};
use plain::Plain;

/// An API Gateway answers within 30 s or gives up.
const TIME_LIMIT: Duration = Duration::from_secs(35);
/// How much of a failure's body is kept, to show it.
const SHOWN: usize = 300;
/// How often a request goes to a new connection because the one before had ended without taking it.
const TRIES: usize = 3;
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("tidemill/", env!("CARGO_PKG_VERSION")));

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// 2xx: it is stored.
    Acknowledged,
    /// Any other answer, with the beginning of its body.
    Refused(StatusCode, String),
    /// None within the time limit; whether it is stored nobody knows.
    Late,
    /// The connection ended before the answer did; whether it is stored nobody knows.
    Broken(String),
}

/// No connection can be made.
#[derive(Debug, thiserror::Error)]
#[error("no connection to {address}")]
pub(in super::super) struct Unreachable {
    address: String,
    source: std::io::Error,
}

/// The way to an API, connected when the first call asks for it.
#[derive(Debug)]
pub(super) struct Connection {
    target: Arc<Target>,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// Over TCP alone, as lean as can be.
    Plain(Option<Box<Plain>>),
    /// Through TLS.
    Secure(reqwest::Client),
}

impl Connection {
    /// A connection to `target` yet to be made.
    pub(super) fn new(target: Arc<Target>) -> Result<Self, reqwest::Error> {
        let way = if target.tls {
            Way::Secure(secure_client()?)
        } else {
            Way::Plain(None)
        };
        Ok(Self { target, way })
    }

    /// Makes the connection if there is none.
    pub(super) async fn connect(&mut self) -> Result<(), Unreachable> {
        if let Way::Plain(plain @ None) = &mut self.way {
            let connected = Plain::connect(&self.target).await;
            *plain = Some(Box::new(connected.map_err(|source| Unreachable {
                address: self.target.address(),
                source,
            })?));
        }
        Ok(())
    }

    /// Sends a call once and awaits its answer.
    pub(super) async fn send(&mut self, call: &Call) -> Result<Outcome, Unreachable> {
        match tokio::time::timeout(TIME_LIMIT, self.exchange(call)).await {
            Ok(outcome) => outcome,
            Err(_) => {
                // Its answer may still come, and must not be taken for the next one's.
                self.disconnect();
                Ok(Outcome::Late)
            }
        }
    }

    async fn exchange(&mut self, call: &Call) -> Result<Outcome, Unreachable> {
        let mut request = match request(&self.target, call) {
            Ok(request) => request,
            Err(error) => return Ok(Outcome::Broken(error.to_string())),
        };
        if let Way::Secure(client) = &self.way {
            return Ok(send_secure(client, &self.target, request).await);
        }
        for _ in 0..TRIES {
            self.connect().await?;
            let Way::Plain(Some(plain)) = &mut self.way else {
                break;
            };
            match plain.send(request).await {
                plain::Sent::Answered(outcome) => return Ok(outcome),
                plain::Sent::Broken(reason) => {
                    self.disconnect();
                    return Ok(Outcome::Broken(reason));
                }
                plain::Sent::NotTaken(back) => {
                    self.disconnect();
                    request = *back;
                }
            }
        }
        Ok(Outcome::Broken(
            "the server ends its connections before it takes a request".to_owned(),
        ))
    }

    fn disconnect(&mut self) {
        if let Way::Plain(plain) = &mut self.way {
            *plain = None;
        }
    }
}

fn request(target: &Target, call: &Call) -> Result<Request<Full<Bytes>>, http::Error> {
    let host = match &call.host {
        Some(host) => HeaderValue::try_from(host)?,
        None => target.authority.clone(),
    };
    let posts = call.method == http::Method::POST;
    let mut request = Request::new(Full::new(if posts {
        Bytes::from_static(b"{}")
    } else {
        Bytes::new()
    }));
    *request.method_mut() = call.method.clone();
    *request.uri_mut() = target.uri(&call.path)?;
    let headers = request.headers_mut();
    headers.insert(header::HOST, host);
    headers.insert(header::USER_AGENT, AGENT);
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    if posts {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
    }
    Ok(request)
}

/// What an answer means. `body` is its beginning.
fn outcome(status: StatusCode, body: &[u8]) -> Outcome {
    if status.is_success() {
        return Outcome::Acknowledged;
    }
    let shown = String::from_utf8_lossy(&body[..body.len().min(SHOWN)]);
    Outcome::Refused(status, shown.into_owned())
}

fn secure_client() -> Result<reqwest::Client, reqwest::Error> {
    // A provider that is installed already will do as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .http1_only()
        .redirect(reqwest::redirect::Policy::none())
        .build()
}

async fn send_secure(
    client: &reqwest::Client,
    target: &Target,
    request: Request<Full<Bytes>>,
) -> Outcome {
    let (head, _) = request.into_parts();
    let authority = target.authority.to_str().unwrap_or_default();
    let mut built = client
        .request(
            head.method.clone(),
            format!("https://{authority}{}", head.uri),
        )
        .headers(head.headers);
    if head.method == http::Method::POST {
        built = built.body("{}");
    }
    let answer = async {
        let answer = built.send().await?;
        let status = answer.status();
        Ok::<_, reqwest::Error>((status, answer.bytes().await?))
    };
    match answer.await {
        Ok((status, body)) => outcome(status, &body),
        Err(error) => Outcome::Broken(error.without_url().to_string()),
    }
}
