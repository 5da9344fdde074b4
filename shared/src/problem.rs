//! Errors as `application/problem+json` (RFC 9457).

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{Error, Fault};

/// The document that every error is (RFC 9457).
#[derive(Serialize, JsonSchema)]
pub struct Problem<'a> {
    /// `urn:trireme:error:` and the code.
    #[serde(rename = "type")]
    #[schemars(extend("format" = "uri"), example = &"urn:trireme:error:not_found")]
    pub type_uri: String,
    /// What the code means, in a few words.
    #[schemars(example = &"Not found")]
    pub title: &'a str,
    /// The status of the response.
    #[schemars(range(min = 400, max = 599), extend("format" = "int32"), example = 404)]
    pub status: u16,
    /// What went wrong this time, for people.
    #[schemars(example = &"There is no such resource.")]
    pub detail: &'a str,
    /// Stable and documented; programs decide by it.
    #[schemars(extend("pattern" = "^[a-z][a-z0-9_]*$"), example = &"not_found")]
    pub code: &'a str,
    /// As in the header `X-Request-Id`.
    #[schemars(example = &"01a1f8d3-ea00-7a5e-8c1f-3d2b9e4f6a70")]
    pub request_id: &'a str,
    /// Every fault of the input, where there are any.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schemars(default)]
    pub errors: &'a [Fault],
}

/// The answer that stands for an error.
pub fn response(error: &Error, request_id: &str) -> Response<Bytes> {
    let problem = Problem {
        type_uri: format!("urn:trireme:error:{}", error.code.as_str()),
        title: error.code.title(),
        status: error.code.status(),
        detail: &error.detail,
        code: error.code.as_str(),
        request_id,
        errors: &error.faults,
    };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() =
        StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if error.code.status() == 401 {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = error.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    for (name, value) in &error.headers {
        headers.append(name.clone(), value.clone());
    }
    response
}
