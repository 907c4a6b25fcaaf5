//! The event of an invocation, read whole within Lambda's limits.

use std::time::Duration;

use axum::{body::Body, response::Response};
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::answers::{no_room, refusal};
use crate::{
    functions::PAYLOAD_LIMIT,
    room::{Held, Room},
};

/// How long a client may take to send its event.
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Reads an event; what is held is its room in memory.
pub(super) async fn read(body: Body, room: &Room) -> Result<(Bytes, Held), Response> {
    let late = |_| {
        let message = "the event took more than 30 s to arrive";
        refusal(
            StatusCode::REQUEST_TIMEOUT,
            "RequestTimeoutException",
            message,
        )
    };
    timeout(TIME_LIMIT, whole(body, room)).await.map_err(late)?
}

async fn whole(mut body: Body, room: &Room) -> Result<(Bytes, Held), Response> {
    let mut whole = BytesMut::new();
    let mut size = 0;
    let mut held = room.take(0);
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            let message = "the body ended early";
            return Err(refusal(
                StatusCode::BAD_REQUEST,
                "InvalidRequestContentException",
                message,
            ));
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        size += data.len();
        held = held.filter(|_| size <= PAYLOAD_LIMIT);
        held = held.and_then(|mut held| held.grow(room, data.len()).then_some(held));
        // A client sees the refusal only once it has sent everything, so what is too much is read and thrown away.
        match held {
            Some(_) => whole.extend_from_slice(&data),
            None => whole = BytesMut::new(),
        }
        if size > 16 * PAYLOAD_LIMIT {
            break;
        }
    }
    if size > PAYLOAD_LIMIT {
        let message = format!(
            "Request must be smaller than {PAYLOAD_LIMIT} bytes for the InvokeFunction operation"
        );
        return Err(refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestTooLargeException",
            &message,
        ));
    }
    let held = held.ok_or_else(|| no_room("large events"))?;
    Ok((whole.freeze(), held))
}
