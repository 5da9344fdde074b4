//! Requests and responses as the handlers see them.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use shared::{
    host::{Body, BodyError, Peer},
    http::body::gather,
};
use spin_sdk::http::Request;

use crate::host::within;

type Incoming = <Request as Parts>::Body;

/// The types of a request's parts.
trait Parts {
    type Body;
}
impl<B> Parts for http::Request<B> {
    type Body = B;
}

/// A body that is still on its way.
pub struct Upload(Incoming);

/// For the whole body, as on the native host.
const LIMIT: Duration = Duration::from_secs(30);

impl Body for Upload {
    async fn read(mut self, limit: usize) -> Result<Bytes, BodyError> {
        within(LIMIT, gather(&mut self.0, limit)).await.unwrap_or(Err(BodyError::TimedOut))
    }
}

/// The request as its client sent it.
pub fn translate(request: Request) -> http::Request<Upload> {
    let (mut head, incoming) = request.into_parts();
    let peer = peer(&head.headers);
    // What Spin adds for components is none of the client's, and nobody's business.
    for name in OF_SPIN {
        head.headers.remove(name);
    }
    head.extensions.insert(peer);
    http::Request::from_parts(head, Upload(incoming))
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
