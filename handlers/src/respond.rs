//! Answers of handlers that went well.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use shared::{Error, error::Result};

/// A JSON body.
pub fn json<T: Serialize + ?Sized>(status: StatusCode, body: &T) -> Result<Response<Bytes>> {
    Ok(bytes(status, "application/json", encode(body)?.into()))
}

/// JSON in its bytes, for a body that is kept as well as sent.
pub fn encode<T: Serialize + ?Sized>(body: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(body).map_err(Error::internal)
}

pub fn bytes(status: StatusCode, media: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response
}

pub fn no_content() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// Adds a header whose value is ours, and therefore plain text.
pub fn with(mut response: Response<Bytes>, name: HeaderName, value: &str) -> Response<Bytes> {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
    response
}
