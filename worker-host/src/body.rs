//! A request's body, read within bounds of size and time.

use std::{cell::RefCell, rc::Rc, time::Duration};

use bytes::Bytes;
use trireme_core::{
    host::{self, BodyError},
    http::body::{discard, gather},
};
use worker::Body;

use crate::time::within;

/// For the whole body, as on the native host.
const LIMIT: Duration = Duration::from_secs(30);

/// Of a body that was refused, so much is taken off the wire in so much time: the runtime ends the
/// connection otherwise, and the client misses the answer.
const DISCARD_BYTES: usize = 16 << 20;
const DISCARD_TIME: Duration = Duration::from_secs(5);

/// The body of one request, for whoever reads it, and for [`Upload::discard`] in the end.
#[derive(Clone)]
pub struct Upload(Rc<RefCell<Option<Body>>>);

impl Upload {
    pub fn of(request: &web_sys::Request) -> Self {
        Self(Rc::new(RefCell::new(request.body().map(Body::new))))
    }

    pub async fn discard(self) {
        if let Some(mut body) = self.0.take() {
            let _ = within(DISCARD_TIME, discard(&mut body, DISCARD_BYTES)).await;
        }
    }
}

impl host::Body for Upload {
    async fn read(self, limit: usize) -> Result<Bytes, BodyError> {
        let Some(mut body) = self.0.take() else { return Ok(Bytes::new()) };
        let read = within(LIMIT, gather(&mut body, limit)).await;
        if let Some(Err(BodyError::TooLarge)) = read {
            self.0.replace(Some(body));
        }
        read.unwrap_or(Err(BodyError::TimedOut))
    }
}
