//! The public keys of access tokens as a JWK Set (RFC 7517); empty where a secret is shared.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use schemars::JsonSchema;
use serde::Serialize;
use shared::{auth::keys::Ring, error::Result, host::Host};

use crate::{context::Context, openapi::Operation, respond};

#[derive(Serialize, JsonSchema)]
struct KeySet {
    keys: Vec<serde_json::Map<String, serde_json::Value>>,
}

/// The document, made once.
pub fn document(keys: &Ring) -> Bytes {
    serde_json::json!({ "keys": keys.public }).to_string().into()
}

#[expect(clippy::unused_async, reason = "every endpoint has this form")]
pub async fn handle<H: Host>(cx: &Context<'_, H>) -> Result<Response<Bytes>> {
    let mut response = respond::bytes(StatusCode::OK, "application/json", cx.app.jwks.clone());
    let cache = HeaderValue::from_static("public, max-age=300");
    response.headers_mut().insert(header::CACHE_CONTROL, cache);
    Ok(response)
}

pub fn describe(op: Operation) -> Operation {
    op.answers::<KeySet>(200, "A JWK Set; empty where tokens are signed with a shared secret.")
}
