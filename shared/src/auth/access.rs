//! Access tokens: JWT (RFC 7519) in the profile of RFC 9068.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, Header};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Secret, Timestamp, config::Auth};

/// Seconds by which two clocks may differ.
const LEEWAY: i64 = 30;

/// Whoever a token speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub user: Uuid,
    /// `None` only under `AUTH_REQUIRED=false`.
    pub session: Option<Uuid>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: Uuid,
    iat: i64,
    exp: i64,
    jti: Uuid,
    sid: Uuid,
}

/// A token that ends after the configured time, or with its session if that is earlier.
pub fn issue(
    auth: &Auth,
    now: Timestamp,
    session_ends: Timestamp,
    user: Uuid,
    session: Uuid,
    id: Uuid,
) -> (Secret, i64) {
    let ends = now.plus(auth.access_token_ttl).min(session_ends);
    let key = auth.keys.signer();
    let mut header = Header::new(key.algorithm);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some(key.id.clone());
    let claims = Claims {
        iss: &auth.issuer,
        aud: &auth.audience,
        sub: user,
        iat: now.seconds(),
        exp: ends.seconds(),
        jti: id,
        sid: session,
    };
    let token = jsonwebtoken::encode(&header, &claims, &key.encoding)
        .expect("the key was made for its algorithm and the claims are plain");
    (Secret::new(token), ends.seconds() - now.seconds())
}

/// The fields of a header that decide; the rest (`jku`, `x5u`, `jwk`, …) is never looked at.
#[derive(Deserialize)]
struct TokenHeader<'a> {
    alg: &'a str,
    typ: Option<&'a str>,
    kid: Option<&'a str>,
    crit: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct TokenClaims<'a> {
    iss: &'a str,
    aud: Audience<'a>,
    sub: Uuid,
    exp: i64,
    nbf: Option<i64>,
    sid: Uuid,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience<'a> {
    One(#[serde(borrow)] &'a str),
    Several(#[serde(borrow)] Vec<&'a str>),
}

/// Why a token is not accepted, for the log and the tests; the caller hears one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    Malformed,
    Algorithm,
    Critical,
    Type,
    UnknownKey,
    Signature,
    Expired,
    NotYet,
    Issuer,
    Audience,
}

/// Checks a token against the configuration. The algorithm is the key's, whatever the token says.
pub fn verify(auth: &Auth, now: Timestamp, token: &str) -> Result<Caller, Refusal> {
    let (message, signature) = token.rsplit_once('.').ok_or(Refusal::Malformed)?;
    let (header, claims) = message.split_once('.').ok_or(Refusal::Malformed)?;
    let header = decode(header)?;
    let header: TokenHeader = serde_json::from_slice(&header).map_err(|_| Refusal::Malformed)?;
    if header.crit.is_some() {
        return Err(Refusal::Critical);
    }
    if !header.typ.is_some_and(|typ| typ.eq_ignore_ascii_case("at+jwt")) {
        return Err(Refusal::Type);
    }
    let key = header.kid.and_then(|id| auth.keys.find(id)).ok_or(Refusal::UnknownKey)?;
    if header.alg != name(key.algorithm) {
        return Err(Refusal::Algorithm);
    }
    if !key.public.verifies(message.as_bytes(), signature) {
        return Err(Refusal::Signature);
    }

    let claims = decode(claims)?;
    let claims: TokenClaims = serde_json::from_slice(&claims).map_err(|_| Refusal::Malformed)?;
    let now = now.seconds();
    if claims.exp.saturating_add(LEEWAY) <= now {
        return Err(Refusal::Expired);
    }
    if claims.nbf.is_some_and(|from| from.saturating_sub(LEEWAY) > now) {
        return Err(Refusal::NotYet);
    }
    if claims.iss != auth.issuer {
        return Err(Refusal::Issuer);
    }
    let for_us = match claims.aud {
        Audience::One(audience) => audience == auth.audience,
        Audience::Several(audiences) => audiences.contains(&auth.audience.as_str()),
    };
    if !for_us {
        return Err(Refusal::Audience);
    }
    Ok(Caller { user: claims.sub, session: Some(claims.sid) })
}

fn decode(part: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed)
}

const fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EdDSA => "EdDSA",
        Algorithm::ES256 => "ES256",
        _ => "HS256",
    }
}
