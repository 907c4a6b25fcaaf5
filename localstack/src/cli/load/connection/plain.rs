//! HTTP/1.1 over TCP, driven by the task that sends: no pool, no second task, as a load test wants it.

use std::{fmt, io, pin::pin};

use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Bytes,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{Outcome, SHOWN, outcome};
use crate::cli::load::target::Target;

type Driver = http1::Connection<TokioIo<TcpStream>, Full<Bytes>>;

/// A connection; once it has failed it is of no use.
pub(super) struct Plain {
    sender: SendRequest<Full<Bytes>>,
    /// `None` when the connection has ended: a future that is done must not be polled.
    driver: Option<Driver>,
}

/// What became of a request.
pub(super) enum Sent {
    Answered(Outcome),
    /// Not a byte of it went out.
    NotTaken(Box<Request<Full<Bytes>>>),
    Broken(String),
}

impl Plain {
    /// Connects.
    pub(super) async fn connect(target: &Target) -> io::Result<Self> {
        let stream = TcpStream::connect((target.host.as_str(), target.port)).await?;
        // Requests are small: waiting for more bytes only costs time.
        stream.set_nodelay(true)?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        Ok(Self {
            sender,
            driver: Some(driver),
        })
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn send(&mut self, request: Request<Full<Bytes>>) -> Sent {
        let Some(driver) = &mut self.driver else {
            return Sent::NotTaken(Box::new(request));
        };
        let mut exchange = pin!(exchange(&mut self.sender, request));
        tokio::select! {
            biased;
            sent = &mut exchange => sent,
            _ = driver => {
                self.driver = None;
                // What the connection read before it ended waits there.
                exchange.await
            }
        }
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plain")
            .field("ended", &self.driver.is_none())
            .finish_non_exhaustive()
    }
}

async fn exchange(sender: &mut SendRequest<Full<Bytes>>, request: Request<Full<Bytes>>) -> Sent {
    if sender.ready().await.is_err() {
        return Sent::NotTaken(Box::new(request));
    }
    let (head, mut body) = match sender.try_send_request(request).await {
        Ok(response) => response.into_parts(),
        Err(mut error) => {
            return match error.take_message() {
                Some(request) => Sent::NotTaken(Box::new(request)),
                None => Sent::Broken(reason(error.into_error())),
            };
        }
    };
    let mut shown = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) if !head.status.is_success() && shown.len() < SHOWN => {
                shown.extend(frame.into_data().unwrap_or_default());
            }
            Ok(_) => {}
            Err(error) => return Sent::Broken(reason(error)),
        }
    }
    Sent::Answered(outcome(head.status, &shown))
}

/// An error with its cause: hyper's own text leaves it out.
fn reason(error: hyper::Error) -> String {
    match std::error::Error::source(&error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
