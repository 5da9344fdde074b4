//! A request's body as hyper hands it over, read within bounds of size and time.

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::timeout;
use trireme_core::{
    host::{Body, BodyError},
    http::body::gather,
};

use crate::budget::Share;

/// An unread body up to this size is taken off the wire, so that the connection can live on.
const DISCARD_BYTES: u64 = 64 << 10;
/// How long that may hold up the answer.
const DISCARD_TIME: Duration = Duration::from_secs(1);

/// The body of one request. `Rest` tells afterwards what became of it.
pub struct Upload {
    rest: Option<Rc<Rest>>,
    limit: Duration,
    share: Share,
}

/// What is left of a body once the request was answered.
pub struct Rest {
    incoming: RefCell<Option<Incoming>>,
    finished: Cell<bool>,
}

impl Upload {
    /// `limit` is the time that the whole body may take. There is no `Rest` of a request
    /// without a body.
    pub fn new(incoming: Incoming, limit: Duration, share: Share) -> (Self, Option<Rc<Rest>>) {
        let rest = (!incoming.is_end_stream()).then(|| {
            Rc::new(Rest { incoming: RefCell::new(Some(incoming)), finished: Cell::new(false) })
        });
        (Self { rest: rest.clone(), limit, share }, rest)
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
        let mut counted = Counted { incoming: &mut incoming, share: &self.share, full: false };
        let bytes = timeout(self.limit, gather(&mut counted, limit)).await;
        if counted.full {
            return Err(BodyError::NoRoom);
        }
        let bytes = bytes.unwrap_or(Err(BodyError::TimedOut))?;
        rest.finished.set(true);
        Ok(bytes)
    }
}

/// A body that takes its part of the memory budget as it arrives, and breaks off where there is
/// no room, or where its client is so slow that others are better served.
struct Counted<'a> {
    incoming: &'a mut Incoming,
    share: &'a Share,
    full: bool,
}

impl http_body::Body for Counted<'_> {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = match Pin::new(&mut *self.incoming).poll_frame(context) {
            Poll::Ready(Some(frame)) => frame.map_err(|_| BodyError::Aborted),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => {
                ready!(self.share.poll_cut(context));
                self.full = true;
                return Poll::Ready(Some(Err(BodyError::NoRoom)));
            }
        };
        let size = frame.as_ref().ok().and_then(Frame::data_ref).map_or(0, Bytes::len);
        self.share.moved(size);
        if !self.share.more(2 * size) {
            self.full = true;
            return Poll::Ready(Some(Err(BodyError::NoRoom)));
        }
        Poll::Ready(Some(frame))
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
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
