//! The body of an answer, as hyper is given it: in slices.
//!
//! h2 takes a slice as soon as the client allows a single byte of it, and keeps it until the
//! client allows the rest. So a slice is a copy, which keeps nothing else alive; and the last byte
//! is one of its own: h2 asks for it when all before it is gone, and until then the stream's task
//! is there to be dropped by [`super::pace::keep`], which resets the stream.

use std::{
    convert::Infallible,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::{
    pace::{Pace, STEP},
    watch::InFlight,
};
use crate::budget::Share;

/// What an answer of `length` bytes holds: h2 has copies of two slices at most.
pub fn cost(length: usize, http2: bool) -> usize {
    if http2 { length + length.min(2 * STEP) } else { length }
}

pub struct Answer {
    left: Bytes,
    /// The size of the slice that was given last.
    given: usize,
    pace: Rc<Pace>,
    /// In HTTP/2 a request is in flight until its answer is taken.
    in_flight: Option<InFlight>,
}

impl Answer {
    /// `in_flight` makes it a stream's of HTTP/2.
    pub fn new(bytes: Bytes, share: Share, in_flight: Option<InFlight>, now: Instant) -> Self {
        let pace = Pace::current();
        if !bytes.is_empty() {
            pace.begin(share, now);
        }
        Self { left: bytes, given: 0, pace, in_flight }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        let left = this.left.len();
        if left == 0 {
            return Poll::Ready(None);
        }
        let slice = if this.in_flight.is_none() {
            this.left.split_to(left.min(STEP))
        } else {
            this.pace.moved(this.given);
            let length = if left > STEP { STEP } else { left.saturating_sub(1).max(1) };
            Bytes::copy_from_slice(&this.left.split_to(length))
        };
        this.given = slice.len();
        Poll::Ready(Some(Ok(Frame::data(slice))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        if self.in_flight.is_some() {
            self.pace.end();
        } else {
            self.pace.written();
        }
    }
}
