//! What happens to every request before and after the service sees it.

use std::{net::IpAddr, panic::AssertUnwindSafe};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderValue, Request, Response, header};
use http_body_util::Full;
use hyper::body::Incoming;
use shared::{Code, Error, host::Peer};

use super::{HEADER_COUNT, Service, body::Upload, framing::Verdict, watch::Watch};

pub async fn answer<S: Service>(
    service: &S,
    watch: &Watch,
    peer: IpAddr,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let verdict = watch.verdict();
    // A client that waits for `100 Continue` may send its body or the next request after an
    // early answer: nobody knows which.
    let awaited = request.headers().contains_key(header::EXPECT);
    let (mut request, rest) = {
        let (head, incoming) = request.into_parts();
        let (upload, rest) = Upload::new(incoming, watch.limits().body);
        (Request::from_parts(head, upload), rest)
    };
    request.extensions_mut().insert(Peer { address: peer, trusted_platform: false, https: false });

    let method = request.method().clone();
    let mut response = match fault(&request, verdict) {
        Some(fault) => service.refuse(&method, fault),
        // A panic costs its own request an answer of 500, and nothing else.
        None => AssertUnwindSafe(service.respond(request))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| service.panicked(&method)),
    };

    if !watch.is_http2() {
        let finished = match rest {
            _ if verdict == Verdict::Ambiguous => false,
            Some(rest) => rest.discard(awaited).await,
            None => true,
        };
        if !finished {
            watch.leave_unread();
        }
        if !finished || verdict == Verdict::Last || watch.draining() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
    response.map(Full::new)
}

/// Why a request is not let through.
fn fault<B>(request: &Request<B>, verdict: Verdict) -> Option<Error> {
    let (uri, headers) = (request.uri(), request.headers());
    if verdict == Verdict::Ambiguous {
        Some(Error::new(Code::MalformedRequest, "The length of the body is ambiguous."))
    } else if uri.authority().is_some() && uri.scheme().is_none() {
        // Only a proxy is asked in this form.
        Some(Error::new(Code::MalformedRequest, "The target is not a path."))
    } else if headers.len() > HEADER_COUNT {
        Some(Error::new(Code::HeadersTooLarge, "There are too many headers."))
    } else {
        None
    }
}
