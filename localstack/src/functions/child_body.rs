//! What a child sends to its Runtime API, streamed or not, read whole.

use axum::body::Body;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body_util::BodyExt;

use super::{PAYLOAD_LIMIT, runtime_api::error_payload};

/// What a child sent.
pub(super) enum Answer {
    /// All of it.
    Whole(Bytes),
    /// A streamed answer whose trailers say that the function failed on the way.
    Failed(Bytes),
    /// More than Lambda takes.
    TooLarge,
    /// Less than it announced.
    BrokenOff,
}

/// Reads a whole answer, streamed or not. One that is too large is read on and thrown away for as long as it is not
/// absurd, because a client that is still sending does not see the refusal.
pub(super) async fn collect(mut body: Body) -> Answer {
    let mut whole = BytesMut::new();
    let mut size = 0;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return Answer::BrokenOff;
        };
        match frame.into_data() {
            Ok(data) => {
                size += data.len();
                if size > 16 * PAYLOAD_LIMIT {
                    return Answer::TooLarge;
                }
                if size <= PAYLOAD_LIMIT {
                    whole.extend_from_slice(&data);
                }
            }
            Err(frame) => {
                if let Some(failure) = frame.trailers_ref().and_then(trailer_error) {
                    return Answer::Failed(failure);
                }
            }
        }
    }
    if size > PAYLOAD_LIMIT {
        Answer::TooLarge
    } else {
        Answer::Whole(whole.freeze())
    }
}

fn trailer_error(trailers: &HeaderMap) -> Option<Bytes> {
    let kind = trailers
        .get("lambda-runtime-function-error-type")?
        .to_str()
        .ok()?;
    let body = trailers
        .get("lambda-runtime-function-error-body")
        .and_then(|body| STANDARD.decode(body).ok());
    Some(body.map_or_else(
        || error_payload(kind, "the function failed while it answered"),
        Bytes::from,
    ))
}
