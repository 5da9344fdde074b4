//! Access tokens: what is in them, and what is not let in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde_json::{Value, json};

use crate::context::{Context, ME};
use crate::outcome::{Verdict, failed};
use crate::request::Request;
use crate::token::{Jwt, altered};

/// Keys that people leave in place; the last ones are long enough for a server to take.
const GUESSES: &[&str] = &[
    "",
    "secret",
    "changeme",
    "your-256-bit-secret",
    "a-string-secret-at-least-256-bits-long",
    "change-me-change-me-change-me-change-me",
    "00000000000000000000000000000000",
];

async fn alices(context: &Context) -> Verdict<Jwt> {
    match Jwt::parse(&context.alice().await?.session.access_token) {
        Some(jwt) => Ok(jwt),
        None => failed("the access token of a registration", "a JWT", "something else"),
    }
}

async fn refused(context: &Context, what: &str, token: &str) -> Verdict {
    let answer = context.send(Request::get(ME).bearer(token)).await?;
    answer.must(answer.status == 401, format!("status 401 for {what}"))?.unauthorized().map(drop)
}

pub async fn claims(context: &Context) -> Verdict {
    let alice = context.alice().await?;
    let Jwt { header, claims, .. } = alices(context).await?;
    let lifetime = claims["exp"].as_u64().zip(claims["iat"].as_u64()).map(|(exp, iat)| exp - iat);
    let held = header["typ"] == "at+jwt"
        && matches!(header["alg"].as_str(), Some("HS256" | "EdDSA" | "ES256"))
        && header["kid"].is_string()
        && ["iss", "aud", "jti", "sid"].iter().all(|claim| !claims[claim].is_null())
        && claims["sub"] == *alice.id
        && lifetime == alice.registered.at("/expires_in")?.as_u64();
    let expected = "typ at+jwt, a kid; iss aud sub iat exp jti sid; exp - iat = expires_in";
    if held { Ok(()) } else { failed("the access token", expected, format!("{header} {claims}")) }
}

pub async fn missing_or_garbage(context: &Context) -> Verdict {
    context.send(Request::get(ME)).await?.unauthorized()?;
    let basic = Request::get(ME).header("authorization", "Basic YTpi");
    context.send(basic).await?.unauthorized()?;
    for garbage in ["", "garbage", "a.b.c", "..", "e30.e30.", &"x".repeat(2000)] {
        refused(context, "garbage", garbage).await?;
    }
    refused(context, "bytes beyond ASCII", "\u{e9}").await
}

pub async fn altered_parts(context: &Context) -> Verdict {
    let token = &context.alice().await?.session.access_token;
    for (part, name) in ["header", "payload", "signature"].into_iter().enumerate() {
        let altered = altered(token, part).unwrap_or_default();
        refused(context, &format!("an altered {name}"), &altered).await?;
    }
    let mut other = alices(context).await?;
    other.claims["sub"] = json!(context.bob().await?.id);
    refused(context, "another's `sub` under the old signature", &other.unsigned()).await?;
    refused(context, "a token with one part more", &format!("{token}.e30")).await
}

pub async fn no_algorithm(context: &Context) -> Verdict {
    let mut jwt = alices(context).await?;
    for alg in ["none", "None", "nOnE", ""] {
        jwt.header["alg"] = alg.into();
        refused(context, &format!("alg `{alg}` with the old signature"), &jwt.unsigned()).await?;
        let bare = Jwt { signature: String::new(), ..jwt.clone() };
        refused(context, &format!("alg `{alg}` without signature"), &bare.unsigned()).await?;
    }
    Ok(())
}

/// Tokens signed with keys that are not the server's: guesses, one that the header brings
/// along, and the public key taken for a shared secret. That a token which the server
/// itself signed expires cannot be seen from here without waiting its lifetime out; the
/// expired one below is signed with a wrong key and only has to be refused like the others.
pub async fn forged(context: &Context) -> Verdict {
    let mut jwt = alices(context).await?;
    let exp = jwt.claims["exp"].clone();
    jwt.claims["exp"] = json!(1_000_000_000);
    refused(context, "an expired token with a wrong key", &jwt.signed(b"wrong")).await?;
    jwt.claims["exp"] = exp;

    jwt.header["alg"] = "HS256".into();
    for key in GUESSES {
        refused(context, &format!("HS256 with the key `{key}`"), &jwt.signed(key.as_bytes()))
            .await?;
    }
    let own = json!({"kty": "oct", "k": BASE64.encode("brought along"), "alg": "HS256"});
    for (member, value) in [
        ("jwk", own),
        ("jku", json!("https://example.com/jwks.json")),
        ("x5u", json!("https://example.com/cert.pem")),
        ("crit", json!(["unknown"])),
    ] {
        let mut forged = jwt.clone();
        forged.header[member] = value;
        refused(context, &format!("a header with {member}"), &forged.signed(b"brought along"))
            .await?;
    }
    let keys = context.send(Request::get("/.well-known/jwks.json")).await?;
    let keys = keys.json.as_ref().and_then(|set| set["keys"].as_array());
    for key in keys.into_iter().flatten() {
        let x = BASE64.decode(key["x"].as_str().unwrap_or_default()).unwrap_or_default();
        refused(context, "HS256 with the public key", &jwt.signed(&x)).await?;
        refused(
            context,
            "HS256 with the public JWK",
            &jwt.signed(Value::to_string(key).as_bytes()),
        )
        .await?;
    }
    Ok(())
}

pub async fn swapped_kinds(context: &Context) -> Verdict {
    let session = &context.alice().await?.session;
    refused(context, "a refresh token", &session.refresh_token).await?;
    // A server may also know by its form that it is no refresh token.
    context.refresh(&session.access_token).await?.is_one_of(&[401, 422]).map(drop)
}

/// The scheme's name is case-insensitive (RFC 9110, section 11.1).
pub async fn scheme_in_any_case(context: &Context) -> Verdict {
    let token = &context.alice().await?.session.access_token;
    let request = Request::get(ME).header("authorization", format!("bearer {token}"));
    context.send(request).await?.is(200).map(drop)
}
