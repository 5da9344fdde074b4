//! A request's body as hyper hands it over, read within bounds of size and time.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use bytes::Bytes;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use shared::{
    host::{Body, BodyError},
    http::body::gather,
};
use tokio::time::timeout;

/// An unread body up to this size is taken off the wire, so that the connection can live on.
const DISCARD_BYTES: u64 = 64 << 10;
/// How long that may hold up the answer.
const DISCARD_TIME: Duration = Duration::from_secs(1);

/// The body of one request. `Rest` tells afterwards what became of it.
pub struct Upload {
    rest: Option<Rc<Rest>>,
    limit: Duration,
}

/// What is left of a body once the request was answered.
pub struct Rest {
    incoming: RefCell<Option<Incoming>>,
    finished: Cell<bool>,
}

impl Upload {
    /// `limit` is the time that the whole body may take. There is no `Rest` of a request
    /// without a body.
    pub fn new(incoming: Incoming, limit: Duration) -> (Self, Option<Rc<Rest>>) {
        let rest = (!incoming.is_end_stream()).then(|| {
            Rc::new(Rest { incoming: RefCell::new(Some(incoming)), finished: Cell::new(false) })
        });
        (Self { rest: rest.clone(), limit }, rest)
    }
}

impl Body for Upload {
    async fn read(self, limit: usize) -> Result<Bytes, BodyError> {
        let Some(rest) = self.rest else { return Ok(Bytes::new()) };
        let Some(mut incoming) = rest.incoming.take() else { return Err(BodyError::Aborted) };
        if incoming.size_hint().lower() > limit as u64 {
            // Known from Content-Length. Not a byte has been read: a client that waits for
            // `100 Continue` need not send any.
            rest.incoming.replace(Some(incoming));
            return Err(BodyError::TooLarge);
        }
        let bytes = timeout(self.limit, gather(&mut incoming, limit))
            .await
            .unwrap_or(Err(BodyError::TimedOut))?;
        rest.finished.set(true);
        Ok(bytes)
    }
}

impl Rest {
    /// Takes a small rest off the wire; whether the body has come to its end. `awaited`: the
    /// client waits for `100 Continue`, which reading would send.
    pub async fn discard(&self, awaited: bool) -> bool {
        if self.finished.get() {
            return true;
        }
        let Some(mut incoming) = self.incoming.take() else { return false };
        if awaited || incoming.size_hint().lower() > DISCARD_BYTES {
            return false;
        }
        let reading = async {
            let mut read = 0;
            while let Some(frame) = incoming.frame().await {
                read += frame.ok()?.data_ref().map_or(0, Bytes::len) as u64;
                if read > DISCARD_BYTES {
                    return None;
                }
            }
            Some(())
        };
        matches!(timeout(DISCARD_TIME, reading).await, Ok(Some(())))
    }
}
