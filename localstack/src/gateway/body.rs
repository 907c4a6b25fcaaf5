//! Request bodies, read whole within API Gateway's limits.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use super::Problem;
use crate::room::{Held, Room};

/// The largest body of a request.
const LIMIT: usize = 10 * 1024 * 1024;
/// How long a client may take to send its body.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// How much of a body that is too large is read and thrown away. A client that still writes when the connection is
/// closed sees a reset and not the answer.
const DRAINED: usize = 8 * LIMIT;

/// Reads the body of a request; what is held is its room in memory.
pub(super) async fn read(
    headers: &HeaderMap,
    mut body: Body,
    room: &Room,
) -> Result<(Bytes, Held), Problem> {
    let announced = length(headers);
    if announced.is_some_and(|length| length > LIMIT as u64) && expects_continue(headers) {
        // Such a client waits for our word before it sends anything, so there is nothing to drain.
        return Err(too_large());
    }
    let deadline = Instant::now() + TIME_LIMIT;
    let mut whole = BytesMut::new();
    let mut size = 0;
    let mut held = room.take(0);
    loop {
        let frame = match timeout_at(deadline, body.frame()).await {
            Ok(None) => break,
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => {
                return Err(closing(StatusCode::BAD_REQUEST, "the body ended early"));
            }
            Err(_) if size > LIMIT => return Err(too_large()),
            Err(_) if held.is_none() => return Err(closing_no_room()),
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
        held = held.filter(|_| size <= LIMIT);
        held = held.and_then(|mut held| held.grow(room, data.len()).then_some(held));
        // What has no room, or is too much, is read on and thrown away.
        match held {
            Some(_) => whole.extend_from_slice(&data),
            None => whole = BytesMut::new(),
        }
        if size > DRAINED {
            break;
        }
    }
    if size > LIMIT {
        return Err(too_large());
    }
    let held = held.ok_or_else(closing_no_room)?;
    Ok((whole.freeze(), held))
}

/// Other requests have all the memory that there is for them.
pub(super) fn no_room() -> Problem {
    let detail = "too many large requests at once";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, detail.to_owned()).retry_after(1)
}

fn closing_no_room() -> Problem {
    let mut problem = no_room();
    problem.set(header::CONNECTION, HeaderValue::from_static("close"));
    problem
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
