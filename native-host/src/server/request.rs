//! What happens to every request before and after the service sees it.

use std::{net::IpAddr, panic::AssertUnwindSafe};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body_util::Full;
use hyper::body::Incoming;
use shared::host::Peer;

use super::{
    HEADER_COUNT, Service,
    body::Upload,
    framing::{Refusal, TOO_LONG, TOO_MANY, Verdict},
    watch::Watch,
};

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
    let mut response = match refusal(&request, verdict, watch) {
        Some(refusal) => service.refuse(&request.into_parts().0, refusal.into()),
        // A panic costs its own request an answer of 500, and nothing else.
        None => AssertUnwindSafe(service.respond(request))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| service.panicked(&method)),
    };

    if !watch.is_http2() {
        let finished = match rest {
            _ if matches!(verdict, Verdict::Refused(_)) => false,
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
fn refusal<B>(request: &Request<B>, verdict: Verdict, watch: &Watch) -> Option<Refusal> {
    let (uri, headers) = (request.uri(), request.headers());
    if let Verdict::Refused(refusal) = verdict {
        Some(refusal)
    } else if uri.authority().is_some() && uri.scheme().is_none() {
        // Only a proxy is asked in this form.
        Some(Refusal::Malformed("The target is not a path."))
    } else if headers.len() > HEADER_COUNT {
        Some(TOO_MANY)
    } else if watch.is_http2() && list_size(headers) > watch.limits().header_bytes as usize {
        Some(TOO_LONG)
    } else {
        None
    }
}

/// As HTTP/2 counts it (RFC 9113 section 6.5.2).
fn list_size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum()
}
