//! What happens to every request before and after the service sees it.

use std::{panic::AssertUnwindSafe, pin::pin};

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, Request, Response, Uri, header};
use hyper::body::Incoming;
use trireme_core::{Code, Error, host::Peer};

use super::{
    HEADER_COUNT, Service,
    answer::cost,
    body::Upload,
    framing::{Refusal, TOO_LONG, TOO_MANY, Verdict},
    watch::Watch,
};
use crate::budget::Share;

/// Answers the request, which `share` holds the memory of: in the end, that of the answer.
pub async fn answer<S: Service>(
    service: &S,
    watch: &Watch,
    peer: Peer,
    request: Request<Incoming>,
    share: &Share,
) -> Response<Bytes> {
    let verdict = watch.verdict();
    // A client that waits for `100 Continue` may send its body or the next request after an
    // early answer: nobody knows which.
    let awaited = request.headers().contains_key(header::EXPECT);
    let (request, rest) = {
        let (head, incoming) = request.into_parts();
        let (upload, rest) = Upload::new(incoming, watch.limits().body, share.clone());
        (Request::from_parts(head, upload), rest)
    };
    let method = request.method().clone();
    let crowd = (!service.is_health(request.uri().path())).then(|| crowd(watch, share)).flatten();
    share.insist(weight(&request));
    let refused = refusal(&request, verdict, watch).map(Error::from).or(crowd);
    let mut response = if let Some(error) = refused {
        service.refuse(peer, &request.into_parts().0, error)
    } else {
        // Pinned where it is made: it is large, and to hand it on would be to copy it.
        let respond = pin!(service.respond(peer, request));
        // A panic costs its own request an answer of 500, and nothing else.
        AssertUnwindSafe(share.scope(respond))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| service.panicked(&method))
    };
    // It is there, and what it does may be done: it is not given up for want of room.
    share.insist_on(cost(response.body().len(), watch.is_http2()));

    if !watch.is_http2() {
        let finished = match rest {
            _ if matches!(verdict, Verdict::Refused(_)) => false,
            Some(rest) => rest.discard(awaited).await,
            None => true,
        };
        if !finished {
            watch.leave_unread();
        }
        if !finished || verdict == Verdict::Last || watch.is_ending() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
    response
}

/// Why there is no place for a request now, health probes aside.
fn crowd(watch: &Watch, share: &Share) -> Option<Error> {
    if watch.is_extra() {
        return Some(Error::new(Code::OVERLOADED, "There are too many connections."));
    }
    (!share.has_room()).then(Error::no_room)
}

/// What the head of a request holds, in bytes.
fn weight<B>(request: &Request<B>) -> usize {
    let headers = request.headers().iter();
    let path = request.uri().path_and_query().map_or(0, |path| path.as_str().len());
    headers.fold(1024 + path, |sum, (name, value)| sum + name.as_str().len() + value.len())
}

/// Why a request is not let through.
fn refusal<B>(request: &Request<B>, verdict: Verdict, watch: &Watch) -> Option<Refusal> {
    let (uri, headers) = (request.uri(), request.headers());
    if let Verdict::Refused(refusal) = verdict {
        Some(refusal)
    } else if uri.authority().is_some() && uri.scheme().is_none() {
        // Only a proxy is asked in this form.
        Some(Refusal::Malformed("The target is not a path."))
    } else if !is_of_one_host(uri, headers) {
        Some(Refusal::Malformed("The target and the header Host name different hosts."))
    } else if headers.len() > HEADER_COUNT {
        Some(TOO_MANY)
    } else if watch.is_http2() && list_size(headers) > watch.limits().header_bytes as usize {
        Some(TOO_LONG)
    } else {
        None
    }
}

/// Whether the host of the target, or HTTP/2's `:authority`, is that of each `Host`: of two, another
/// server might take the other (RFC 9112 section 3.2.2, RFC 9113 section 8.3.1).
fn is_of_one_host(uri: &Uri, headers: &HeaderMap) -> bool {
    uri.authority().is_none_or(|named| {
        let named = named.as_str().as_bytes();
        headers.get_all(header::HOST).iter().all(|host| named.eq_ignore_ascii_case(host.as_bytes()))
    })
}

/// As HTTP/2 counts it (RFC 9113 section 6.5.2).
fn list_size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum()
}
