//! The headers that every answer has.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, header};
use trireme_core::{Code, error::Result};

use super::request_id;
use crate::rate_limit::Standing;

const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");
const CSP_API: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const CSP_DOCS: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Adds what is missing; `api` is false for the pages under `/docs`.
pub fn add(hsts: bool, id: &str, api: bool, response: &mut Response<Bytes>) {
    let headers = response.headers_mut();
    headers.reserve(10);
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(request_id::HEADER, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CONTENT_SECURITY_POLICY, if api { CSP_API } else { CSP_DOCS });
    if !api {
        headers.insert(CORP, HeaderValue::from_static("same-origin"));
    }
    if hsts {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// The answer to HEAD is GET's without the body; its length is still told.
pub fn drop_body(response: &mut Response<Bytes>) {
    let length = std::mem::take(response.body_mut()).len();
    if length > 0 {
        response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
}

/// Tells where a rate limit stands, whether the answer is good or bad. A refusal by another limit
/// tells of that one alone, so that a client waits for what it has to.
pub fn announce(standing: &Standing, result: Result<Response<Bytes>>) -> Result<Response<Bytes>> {
    match result {
        Ok(mut response) => {
            standing.announce(response.headers_mut());
            Ok(response)
        }
        Err(error) if error.code == Code::RATE_LIMITED => Err(error),
        Err(error) => Err(standing.announced(error)),
    }
}
