//! Requests and responses as the handlers see them.

use std::{
    cell::RefCell,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    rc::Rc,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use spin_sdk::http::Request;
use trireme_core::{
    host::{Body, BodyError, Peer},
    http::body::{discard, gather},
};

use crate::platform::within;

type Incoming = <Request as Parts>::Body;

/// The types of a request's parts.
trait Parts {
    type Body;
}
impl<B> Parts for http::Request<B> {
    type Body = B;
}

/// For the whole body, as on the native host.
const LIMIT: Duration = Duration::from_secs(30);

/// Of a body that was refused, so much is taken off the wire in so much time, for its client to get
/// the answer.
const DISCARD_BYTES: usize = 16 << 20;
const DISCARD_TIME: Duration = Duration::from_secs(5);

/// A body that is still on its way.
pub struct Upload(Rc<Rest>);

/// What is left of it once the request was answered.
#[derive(Default)]
pub struct Rest(RefCell<Option<Incoming>>);

impl Body for Upload {
    async fn read(self, limit: usize) -> Result<Bytes, BodyError> {
        let Some(mut incoming) = self.0.0.take() else { return Ok(Bytes::new()) };
        let read = within(LIMIT, gather(&mut incoming, limit)).await;
        if let Some(Err(BodyError::TooLarge)) = read {
            self.0.0.replace(Some(incoming));
        }
        read.unwrap_or(Err(BodyError::TimedOut))
    }
}

impl Rest {
    pub async fn discard(&self) {
        if let Some(mut incoming) = self.0.take() {
            within(DISCARD_TIME, discard(&mut incoming, DISCARD_BYTES)).await;
        }
    }
}

/// The request as its client sent it, and what is left of its body in the end. A client that waits
/// for `100 Continue` has nothing to be taken from.
pub fn translate(request: Request) -> (Peer, http::Request<Upload>, Rc<Rest>) {
    let (mut head, incoming) = request.into_parts();
    let waits = head.headers.contains_key(header::EXPECT);
    let peer = peer(&head.headers);
    // What Spin adds for components is none of the client's, and nobody's business.
    for name in OF_SPIN {
        head.headers.remove(name);
    }
    let body = Rc::new(Rest(RefCell::new(Some(incoming))));
    let rest = if waits { Rc::default() } else { Rc::clone(&body) };
    (peer, http::Request::from_parts(head, Upload(body)), rest)
}

const CLIENT: &str = "spin-client-addr";
const URL: &str = "spin-full-url";
const OF_SPIN: [&str; 7] = [
    CLIENT,
    URL,
    "spin-path-info",
    "spin-matched-route",
    "spin-component-route",
    "spin-raw-component-route",
    "spin-base-path",
];

/// Spin adds these headers behind what the client may have sent under the same names, so the last
/// one counts. It vouches for the other end of the connection alone, which may be a proxy's: that
/// is for `TRUSTED_PROXIES` to tell.
fn peer(headers: &HeaderMap) -> Peer {
    let text = |name| headers.get_all(name).iter().next_back()?.to_str().ok();
    let address = text(CLIENT).and_then(|text| text.parse().ok()).map(|at: SocketAddr| at.ip());
    Peer {
        address: address.map_or(Ipv4Addr::UNSPECIFIED.into(), |ip: IpAddr| ip.to_canonical()),
        trusted_platform: false,
        https: text(URL).is_some_and(|url| url.starts_with("https://")),
    }
}

/// Adds the body's length, which Spin does not know of a body that it takes for a stream. An
/// answer to `HEAD` has said the length that `GET` would have.
pub fn with_length(mut response: Response<Bytes>) -> Response<Bytes> {
    let status = response.status();
    if status != StatusCode::NO_CONTENT && status != StatusCode::NOT_MODIFIED {
        let length = HeaderValue::from(response.body().len());
        response.headers_mut().entry(header::CONTENT_LENGTH).or_insert(length);
    }
    response
}
