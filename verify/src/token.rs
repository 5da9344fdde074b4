//! Taking access tokens apart and forging new ones.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

/// The parts of a JWT in compact form.
#[derive(Clone, Debug, PartialEq)]
pub struct Jwt {
    pub header: Value,
    pub claims: Value,
    /// As it was written.
    pub signature: String,
}

impl Jwt {
    pub fn parse(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let mut json = || serde_json::from_slice(&BASE64.decode(parts.next()?).ok()?).ok();
        let (header, claims) = (json()?, json()?);
        let signature = parts.next()?.to_owned();
        parts.next().is_none().then_some(Self { header, claims, signature })
    }

    /// The token with its parts as they are now and the signature that it came with.
    pub fn unsigned(&self) -> String {
        format!("{}.{}", self.message(), self.signature)
    }

    /// The token signed with HMAC-SHA256 and this key, whatever the header's `alg` says.
    pub fn signed(&self, key: &[u8]) -> String {
        let message = self.message();
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes any key");
        mac.update(message.as_bytes());
        format!("{message}.{}", BASE64.encode(mac.finalize().into_bytes()))
    }

    fn message(&self) -> String {
        let encode = |part: &Value| BASE64.encode(part.to_string());
        format!("{}.{}", encode(&self.header), encode(&self.claims))
    }
}

/// Another token of the same length: one character in the middle of a part is exchanged,
/// where it decodes to other bytes.
pub fn altered(token: &str, part: usize) -> Option<String> {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let text = parts.get_mut(part)?;
    let middle = text.len() / 2;
    let other = if text.get(middle..=middle)? == "A" { "B" } else { "A" };
    text.replace_range(middle..=middle, other);
    Some(parts.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7515, appendix A.1.
    const TOKEN: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

    #[test]
    fn takes_tokens_apart_and_signs_them() {
        let jwt = Jwt::parse(TOKEN).unwrap();
        assert_eq!(jwt.header["alg"], "HS256");
        assert_eq!(jwt.claims["iss"], "joe");
        let signed = Jwt::parse(&jwt.signed(b"key")).unwrap();
        assert_eq!((&signed.header, &signed.claims), (&jwt.header, &jwt.claims));
        assert_ne!(signed.signature, jwt.signature);
        assert_eq!(Jwt::parse("a.b.c"), None);
    }

    #[test]
    fn alters_one_part_only() {
        let changed = altered(TOKEN, 2).unwrap();
        assert_eq!(changed.len(), TOKEN.len());
        assert_eq!(changed.rsplit_once('.').unwrap().0, TOKEN.rsplit_once('.').unwrap().0);
        assert_ne!(changed, TOKEN);
    }
}
