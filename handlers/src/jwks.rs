//! The public keys of access tokens as a JWK Set (RFC 7517); empty where a secret is shared.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use schemars::JsonSchema;
use trireme_core::{auth::keys::Ring, error::Result, host::Host};

use crate::{context::Context, openapi::Operation, respond};

/// A JWK Set (RFC 7517).
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct KeySet {
    keys: Vec<PublicKey>,
}

/// A public key of an access token's signature.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct PublicKey {
    /// `OKP` for EdDSA, `EC` for ES256.
    #[schemars(extend("enum" = ["OKP", "EC"]))]
    kty: String,
    /// As in the header of the tokens.
    #[schemars(example = &"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
    kid: String,
    #[schemars(extend("enum" = ["EdDSA", "ES256"]))]
    alg: String,
    #[schemars(rename = "use", extend("const" = "sig"))]
    usage: String,
    #[schemars(extend("enum" = ["Ed25519", "P-256"]))]
    crv: String,
    #[schemars(example = &"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    x: String,
    /// Of EC keys.
    #[schemars(extend("type" = "string"), skip_serializing_if = "Option::is_none")]
    y: Option<String>,
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
