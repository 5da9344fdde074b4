//! The admin listener: figures for those who run the server, and nothing else.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header, request::Parts};
use trireme_core::{Code, Error, host::Peer, problem};

use super::{Service, Upload};

/// The text format of Prometheus, version 0.0.4.
const METRICS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Answers `/metrics` and `/health/live`.
pub struct Admin<R> {
    render: R,
}

impl<R: Fn() -> String> Admin<R> {
    /// `render` gives the figures at the moment.
    pub fn new(render: R) -> Self {
        Self { render }
    }
}

impl<R: Fn() -> String + 'static> Service for Admin<R> {
    async fn respond(&self, _: Peer, request: Request<Upload>) -> Response<Bytes> {
        let (body, media) = match request.uri().path() {
            "/metrics" => (Bytes::from((self.render)()), METRICS),
            "/health/live" => (Bytes::from_static(br#"{"status":"alive"}"#), JSON),
            _ => return problem(&Error::not_found()),
        };
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let error = Error::new(Code::METHOD_NOT_ALLOWED, "This can only be read.");
            return problem(
                &error.with_header(header::ALLOW, HeaderValue::from_static("GET, HEAD")),
            );
        }
        let mut response = Response::new(body);
        response.headers_mut().insert(header::CONTENT_TYPE, media);
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    fn is_health(&self, path: &str) -> bool {
        path == "/health/live"
    }

    fn refuse(&self, _: Peer, _: &Parts, error: Error) -> Response<Bytes> {
        problem(&error)
    }

    fn panicked(&self, _: &Method) -> Response<Bytes> {
        problem(&Error::internal("the admin listener panicked"))
    }
}

fn problem(error: &Error) -> Response<Bytes> {
    // Nobody looks for these requests in the log, so they have no id.
    problem::response(error, "none")
}
