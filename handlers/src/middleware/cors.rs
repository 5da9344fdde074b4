//! Cross-origin requests (the Fetch standard's CORS protocol).

use std::iter;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header, request::Parts};
use trireme_core::{Code, Error, config::Http, error::Result, http::cors::OriginPattern};

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
/// What every page may send: what the API reads, and what tracing adds to each request.
const REQUEST_HEADERS: &str = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, \
    X-Request-Id, traceparent, tracestate, baggage, sentry-trace";
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "ETag, Location, X-Request-Id, Retry-After, RateLimit, RateLimit-Policy, Idempotency-Replayed",
);
/// Two hours: what browsers keep at the most.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");

/// Which origins may call.
pub struct Policy {
    origins: Vec<OriginPattern>,
    public_url: Option<String>,
    request_headers: HeaderValue,
}

/// What the policy says of one request.
pub enum Verdict<'r> {
    NoOrigin,
    Allowed(&'r HeaderValue),
    /// The server's own pages; they need no CORS.
    Own,
    Refused,
}

impl Policy {
    pub fn new(config: &Http) -> Self {
        let more = config.cors_allowed_headers.iter().map(HeaderName::as_str);
        let names: Vec<_> = iter::once(REQUEST_HEADERS).chain(more).collect();
        Self {
            origins: config.cors_origins.clone(),
            public_url: config.public_url.clone(),
            // Names of headers are always values of one.
            request_headers: HeaderValue::try_from(names.join(", "))
                .unwrap_or(HeaderValue::from_static(REQUEST_HEADERS)),
        }
    }

    pub fn judge<'r>(&self, head: &'r Parts) -> Verdict<'r> {
        let mut origins = head.headers.get_all(header::ORIGIN).iter();
        let Some(value) = origins.next() else { return Verdict::NoOrigin };
        let (Ok(origin), None) = (value.to_str(), origins.next()) else { return Verdict::Refused };
        if self.origins.iter().any(|pattern| pattern.matches(origin)) {
            Verdict::Allowed(value)
        } else if self.is_own(origin, head) {
            Verdict::Own
        } else {
            Verdict::Refused
        }
    }

    fn is_own(&self, origin: &str, head: &Parts) -> bool {
        if self.public_url.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(origin)) {
            return true;
        }
        let Some((_, authority)) = origin.split_once("://") else { return false };
        let host = head.headers.get(header::HOST).map(HeaderValue::as_bytes);
        let host = host.or_else(|| head.uri.authority().map(|host| host.as_str().as_bytes()));
        host.is_some_and(|host| host.eq_ignore_ascii_case(authority.as_bytes()))
    }
}

impl Verdict<'_> {
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Refused => {
                Err(Error::new(Code::ORIGIN_NOT_ALLOWED, "This origin may not call this server."))
            }
            _ => Ok(()),
        }
    }

    /// Adds what an allowed origin is due, and nothing for any other.
    pub fn allow(&self, response: &mut Response<Bytes>) {
        let Self::Allowed(origin) = self else { return };
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, (*origin).clone());
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}

/// Answers OPTIONS: a preflight whatever the path, so that the page sees the real answer's
/// status; anything else with what the path allows.
pub fn options(
    policy: &Policy,
    verdict: &Verdict<'_>,
    allow: Option<&HeaderValue>,
) -> Result<Response<Bytes>> {
    let mut response = crate::respond::no_content();
    let headers: &mut HeaderMap = response.headers_mut();
    if let Some(allow) = allow {
        headers.insert(header::ALLOW, allow.clone());
    } else if matches!(verdict, Verdict::NoOrigin) {
        return Err(Error::not_found());
    }
    if matches!(verdict, Verdict::Allowed(_)) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, policy.request_headers.clone());
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    }
    Ok(response)
}
