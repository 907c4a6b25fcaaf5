//! Request bodies, read whole within API Gateway's limits.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use super::Problem;

/// The largest body of a request.
const LIMIT: usize = 10 * 1024 * 1024;
/// How long a client may take to send its body.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// How much of a body that is too large is read and thrown away. A client that still writes when the connection is
/// closed sees a reset and not the answer.
const DRAINED: usize = 8 * LIMIT;

/// Reads the body of a request.
pub(super) async fn read(headers: &HeaderMap, mut body: Body) -> Result<Bytes, Problem> {
    let announced = length(headers);
    if announced.is_some_and(|length| length > LIMIT as u64) && expects_continue(headers) {
        // Such a client waits for our word before it sends anything, so there is nothing to drain.
        return Err(too_large());
    }
    let deadline = Instant::now() + TIME_LIMIT;
    let mut whole = BytesMut::new();
    let mut size = 0;
    loop {
        let frame = match timeout_at(deadline, body.frame()).await {
            Ok(None) => break,
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => {
                return Err(closing(StatusCode::BAD_REQUEST, "the body ended early"));
            }
            Err(_) if size > LIMIT => return Err(too_large()),
            Err(_) => {
                return Err(closing(
                    StatusCode::REQUEST_TIMEOUT,
                    "the body took more than 30 s",
                ));
            }
        };
        // Trailers are no part of the event.
        let Ok(data) = frame.into_data() else {
            continue;
        };
        size += data.len();
        if size <= LIMIT {
            whole.extend_from_slice(&data);
        } else {
            whole.clear();
        }
        if size > DRAINED {
            break;
        }
    }
    if size > LIMIT {
        Err(too_large())
    } else {
        Ok(whole.freeze())
    }
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}

fn expects_continue(headers: &HeaderMap) -> bool {
    headers
        .get(header::EXPECT)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

fn too_large() -> Problem {
    closing(
        StatusCode::PAYLOAD_TOO_LARGE,
        "a body has at most 10 MB (10485760 bytes)",
    )
}

fn closing(status: StatusCode, detail: &str) -> Problem {
    let mut problem = Problem::new(status, detail.to_owned());
    problem.set(header::CONNECTION, HeaderValue::from_static("close"));
    problem
}
