//! A request's body, read within bounds of size and time.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use shared::host::{self, BodyError};
use worker::Body;

use crate::time::within;

/// For the whole body, as on the native host.
const LIMIT: Duration = Duration::from_secs(30);

/// An unread body up to this size is taken off the wire, so that the connection can live on.
const DISCARD_BYTES: usize = 64 << 10;
/// How long that may hold up the answer.
const DISCARD_TIME: Duration = Duration::from_secs(1);

/// The body of one request; `None` if it has none.
pub struct Upload(pub Option<web_sys::ReadableStream>);

impl host::Body for Upload {
    async fn read(self, limit: usize) -> Result<Bytes, BodyError> {
        let Some(stream) = self.0 else { return Ok(Bytes::new()) };
        within(LIMIT, gather(Body::new(stream), limit)).await.unwrap_or(Err(BodyError::TimedOut))
    }
}

/// Counts what arrives and believes no announced length. What is over the limit is not read.
async fn gather(mut body: Body, limit: usize) -> Result<Bytes, BodyError> {
    let mut whole = BytesMut::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|_| BodyError::Aborted)?;
        if whole.len() + piece.len() > limit {
            return Err(BodyError::TooLarge);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// Reads a small body that an early answer left: the runtime ends the connection otherwise, and
/// the client's next request is lost with it.
pub async fn discard(request: &web_sys::Request) {
    if request.body_used() {
        return;
    }
    if let Some(stream) = request.body() {
        let _ = within(DISCARD_TIME, gather(Body::new(stream), DISCARD_BYTES)).await;
    }
}
