//! A request's body, read within bounds of size and time.

use std::time::Duration;

use bytes::Bytes;
use shared::{
    host::{self, BodyError},
    http::body::gather,
};
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
        within(LIMIT, gather(&mut Body::new(stream), limit))
            .await
            .unwrap_or(Err(BodyError::TimedOut))
    }
}

/// Reads a small body that an early answer left: the runtime ends the connection otherwise, and
/// the client's next request is lost with it.
pub async fn discard(request: &web_sys::Request) {
    if request.body_used() {
        return;
    }
    if let Some(stream) = request.body() {
        let _ = within(DISCARD_TIME, gather(&mut Body::new(stream), DISCARD_BYTES)).await;
    }
}
