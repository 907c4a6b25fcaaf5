//! What the HTTP server refuses by itself, before any handler sees it, said as every other error is.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    str,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Problem;

/// The server's own refusals have no more than these headers, and answers of handlers have others beside them.
const BARE: [&str; 3] = ["connection", "content-length", "date"];
/// No bare head is longer.
const LONGEST: usize = 256;

/// A connection on which the server's own refusals, which are bare heads, get a problem as their body.
#[derive(Debug)]
pub(crate) struct Refusals<S> {
    inner: S,
    /// What is left to write in place of a bare head.
    answer: Option<Bytes>,
    refused: bool,
}

impl<S> Refusals<S> {
    pub(super) fn new(inner: S) -> Self {
        Self {
            inner,
            answer: None,
            refused: false,
        }
    }

    /// The connection itself.
    pub(super) fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Refusals<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, into)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Refusals<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if this.answer.is_none() {
            let Some(status) = refused(bytes) else {
                return Pin::new(&mut this.inner).poll_write(cx, bytes);
            };
            this.answer = Some(answer(status));
            this.refused = true;
        }
        while let Some(rest) = this.answer.as_mut().filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut this.inner).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => rest.advance(written),
            }
        }
        this.answer = None;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match slices {
            [alone] => self.poll_write(cx, alone),
            several => Pin::new(&mut self.inner).poll_write_vectored(cx, several),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.refused {
            drain(&mut self.inner, cx);
        }
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// Throws away what has arrived: a connection that is closed with something unread is reset, and its client may never
/// see the answer.
fn drain<S: AsyncRead + Unpin>(connection: &mut S, cx: &mut Context<'_>) {
    let mut space = [0; 4096];
    loop {
        let mut read = ReadBuf::new(&mut space);
        match Pin::new(&mut *connection).poll_read(cx, &mut read) {
            Poll::Ready(Ok(())) if !read.filled().is_empty() => {}
            Poll::Ready(_) | Poll::Pending => return,
        }
    }
}

/// The status, if these bytes are one of the server's own refusals.
fn refused(bytes: &[u8]) -> Option<StatusCode> {
    if bytes.len() > LONGEST || !bytes.starts_with(b"HTTP/1.1 4") {
        return None;
    }
    let mut lines = str::from_utf8(bytes)
        .ok()?
        .strip_suffix("\r\n\r\n")?
        .split("\r\n");
    let status: u16 = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let bare = lines.all(|line| {
        let (name, value) = line.split_once(": ").unwrap_or_default();
        BARE.contains(&name) && (name != "content-length" || value == "0")
    });
    StatusCode::from_u16(status).ok().filter(|_| bare)
}

fn answer(status: StatusCode) -> Bytes {
    let detail = match status {
        StatusCode::URI_TOO_LONG => "the request's target is too long",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            "the request has more than 100 headers, or headers that are too long"
        }
        _ => {
            "the request cannot be read as HTTP/1.1; a target has characters such as < > \" { } and spaces percent-encoded"
        }
    };
    let body = Problem::new(status, detail.to_owned()).body();
    Bytes::from(format!(
        "HTTP/1.1 {} {}\r\nconnection: close\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\r\n{body}",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        body.len(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_bare_head_is_a_refusal() {
        let bare = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(refused(bare.as_bytes()), Some(StatusCode::BAD_REQUEST));
        for other in [
            "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 1\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\nconnection: close",
            "",
        ] {
            assert_eq!(refused(other.as_bytes()), None, "{other}");
        }
    }
}
