//! Access tokens: what is issued is accepted, and nothing else is.

use std::{collections::HashMap, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Value, json};
use sha2::Sha256;
use trireme_core::{
    Secret, Timestamp, Uuid,
    auth::access::{Refusal, issue, verify},
    config::{Auth, Config, Platform},
};

const SECRET: &str = "k9dJ2mQx7vLr4TzYw8NbHc5GfPs3AeRu";
const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);
const USER: Uuid = Uuid::from_u128(1);
const SESSION: Uuid = Uuid::from_u128(2);

fn auth(variables: &[(&str, &str)]) -> Auth {
    let variables: HashMap<_, _> = variables.iter().copied().collect();
    let lookup = |name: &str| variables.get(name).map(ToString::to_string);
    Config::from_variables(
        lookup,
        &Platform { spare: Some(Secret::default()), ..Platform::default() },
        &[],
    )
    .unwrap()
    .auth
}

fn shared_secret() -> Auth {
    auth(&[("JWT_SECRET", SECRET)])
}

fn token(auth: &Auth) -> String {
    let ends = NOW.plus(Duration::from_secs(86_400));
    issue(auth, NOW, ends, USER, SESSION, Uuid::from_u128(3)).0.reveal().to_owned()
}

/// A token with a good signature and anything else changed.
fn forged(auth: &Auth, header: impl Fn(&mut Header), claims: impl Fn(&mut Value)) -> String {
    let mut head = Header::new(Algorithm::HS256);
    head.typ = Some("at+jwt".to_owned());
    head.kid = Some(auth.keys.signer().id.clone());
    header(&mut head);
    let mut body = json!({
        "iss": "trireme", "aud": "trireme", "sub": USER, "sid": SESSION, "jti": USER,
        "iat": NOW.seconds(), "exp": NOW.seconds() + 900,
    });
    claims(&mut body);
    let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let message = format!("{}.{}", encoded(&json!(head)), encoded(&body));
    let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap().chain_update(&message);
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// What `openssl genpkey -algorithm ed25519` writes: PKCS#8 in its first version (RFC 8410).
fn ed25519() -> String {
    let mut der = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec();
    der.extend([7; 32]);
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

#[test]
fn issued_tokens_are_accepted_by_every_algorithm() {
    let (ed, ec) = (&*ed25519(), &*rcgen::KeyPair::generate().unwrap().serialize_pem());
    for (variables, algorithm) in [
        ([("JWT_SECRET", SECRET)], Algorithm::HS256),
        ([("JWT_PRIVATE_KEY", ed)], Algorithm::EdDSA),
        ([("JWT_PRIVATE_KEY", ec)], Algorithm::ES256),
    ] {
        let auth = auth(&variables);
        let token = token(&auth);
        let caller = verify(&auth, NOW, &token).unwrap();
        assert_eq!((caller.user, caller.session), (USER, Some(SESSION)));
        assert_eq!(jsonwebtoken::decode_header(&token).unwrap().alg, algorithm);
    }
}

#[test]
fn a_token_ends_with_its_session() {
    let auth = shared_secret();
    for (left, lasts) in [(5, 5), (899, 899), (900, 900), (901, 900)] {
        let ends = NOW.plus(Duration::from_secs(left));
        assert_eq!(issue(&auth, NOW, ends, USER, SESSION, USER).1, lasts);
    }
}

#[test]
fn a_rotated_key_still_verifies_and_a_removed_one_does_not() {
    let new = "another secret of thirty-two bytes or more";
    let old = token(&shared_secret());
    let rotated = auth(&[("JWT_SECRETS", &format!("2:{new},1:{SECRET}"))]);
    assert!(verify(&rotated, NOW, &old).is_ok());
    assert!(verify(&auth(&[("JWT_SECRETS", &format!("2:{new}"))]), NOW, &old).is_err());
    let renewed = token(&rotated);
    assert_eq!(verify(&shared_secret(), NOW, &renewed), Err(Refusal::UnknownKey));
}

#[test]
fn time_is_the_hosts_and_leeway_is_short() {
    let auth = shared_secret();
    let token = token(&auth);
    let after = |seconds| verify(&auth, NOW.plus(Duration::from_secs(seconds)), &token);
    assert!(after(899).is_ok());
    assert!(after(900 + 29).is_ok());
    assert_eq!(after(900 + 30), Err(Refusal::Expired));
    let not_before = |seconds: i64| {
        let claims = |claims: &mut Value| claims["nbf"] = json!(NOW.seconds() + seconds);
        verify(&auth, NOW, &forged(&auth, |_| {}, claims))
    };
    assert!(not_before(30).is_ok());
    assert_eq!(not_before(31), Err(Refusal::NotYet));
}

#[test]
fn what_is_forged_is_refused() {
    let auth = shared_secret();
    let same_header = |_: &mut Header| {};
    let claim = |name: &'static str, value: Value| {
        forged(&auth, same_header, move |claims| claims[name] = value.clone())
    };
    let without = |name: &'static str| {
        forged(&auth, same_header, move |claims| {
            claims.as_object_mut().unwrap().remove(name);
        })
    };
    assert!(
        verify(&auth, NOW, &forged(&auth, same_header, |_| {})).is_ok(),
        "the forger's tools work"
    );

    assert_eq!(verify(&auth, NOW, &claim("iss", json!("else"))), Err(Refusal::Issuer));
    assert_eq!(verify(&auth, NOW, &claim("aud", json!("else"))), Err(Refusal::Audience));
    assert_eq!(verify(&auth, NOW, &claim("aud", json!(["else"]))), Err(Refusal::Audience));
    assert!(verify(&auth, NOW, &claim("aud", json!(["else", "trireme"]))).is_ok());
    assert_eq!(verify(&auth, NOW, &claim("nbf", json!(NOW.seconds() + 120))), Err(Refusal::NotYet));
    assert_eq!(verify(&auth, NOW, &claim("exp", json!("never"))), Err(Refusal::Malformed));
    for name in ["exp", "sub", "sid", "iss", "aud"] {
        assert_eq!(verify(&auth, NOW, &without(name)), Err(Refusal::Malformed), "{name}");
    }
    let header = |change: fn(&mut Header)| verify(&auth, NOW, &forged(&auth, change, |_| {}));
    assert_eq!(header(|head| head.typ = Some("JWT".to_owned())), Err(Refusal::Type));
    assert_eq!(header(|head| head.typ = None), Err(Refusal::Type));
    assert_eq!(header(|head| head.kid = None), Err(Refusal::UnknownKey));
    assert_eq!(header(|head| head.kid = Some("../key".to_owned())), Err(Refusal::UnknownKey));
    assert_eq!(header(|head| head.alg = Algorithm::HS512), Err(Refusal::Algorithm));
}

#[test]
fn headers_that_only_a_forger_writes_are_refused() {
    let auth = shared_secret();
    let kid = &auth.keys.signer().id;
    let genuine = token(&auth);
    let (message, signature) = genuine.rsplit_once('.').unwrap();
    let claims = message.split_once('.').unwrap().1;
    let with = |header: Value| {
        format!("{}.{claims}.{signature}", URL_SAFE_NO_PAD.encode(header.to_string()))
    };

    let none = with(json!({"alg": "none", "typ": "at+jwt", "kid": kid}));
    assert_eq!(verify(&auth, NOW, &none), Err(Refusal::Algorithm));
    let critical = with(json!({"alg": "HS256", "typ": "at+jwt", "kid": kid, "crit": ["exp"]}));
    assert_eq!(verify(&auth, NOW, &critical), Err(Refusal::Critical));
    let own_key = with(
        json!({"alg": "HS256", "typ": "at+jwt", "kid": kid, "jwk": {"kty": "oct"}, "jku": "https://evil.example"}),
    );
    assert_eq!(verify(&auth, NOW, &own_key), Err(Refusal::Signature));
    for broken in [
        "",
        ".",
        "..",
        "a.b.c",
        "a.b",
        &message[..20],
        &format!("{genuine}x"),
        &format!("{message}."),
    ] {
        assert!(verify(&auth, NOW, broken).is_err(), "{broken}");
    }
}
