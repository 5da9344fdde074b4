//! A request as a check writes it down.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

/// A request to the server under test. Paths are relative to its address.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// Send the body without announcing its length.
    pub chunked: bool,
    /// Keep the exchange for the transcript.
    pub recorded: bool,
    /// Wait and try again when the answer is 429.
    pub patient: bool,
}

impl Request {
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            chunked: false,
            recorded: true,
            patient: true,
        }
    }

    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub fn head(path: impl Into<String>) -> Self {
        Self::new(Method::HEAD, path)
    }

    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    /// Sets a header, in place of an earlier value.
    pub fn header(mut self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        let value = HeaderValue::from_bytes(value.as_ref()).expect("checks send legal values");
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// A body of any bytes, so that broken ones can be sent too.
    pub fn body(self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.untyped_body(body).header("content-type", content_type)
    }

    /// A body that does not say what it is.
    pub fn untyped_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    /// Leaves the exchange out of the transcript, because its answer depends on timing.
    pub fn unrecorded(mut self) -> Self {
        self.recorded = false;
        self
    }

    /// Hands a 429 to the check instead of waiting.
    pub fn impatient(mut self) -> Self {
        self.patient = false;
        self
    }

    /// How reports name the request.
    pub fn title(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}
