//! The keys that sign access tokens, authenticate cursors and hide who was counted.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::Mac;
use jsonwebtoken::{
    Algorithm, EncodingKey,
    jwk::{Jwk, PublicKeyUse, ThumbprintHash},
};

use super::signature::{self, Public};
use crate::Uuid;

/// One key; `id` is its `kid`.
#[derive(Clone)]
pub struct Key {
    pub id: String,
    /// Another name that its tokens may carry: the one it had before it was given a number.
    pub alias: Option<String>,
    pub algorithm: Algorithm,
    pub encoding: EncodingKey,
    pub public: Public,
    /// Authenticates cursors; derived from the key, and no way back to it.
    pub mac: [u8; 32],
    /// Hides what the table of attempts is about; derived like [`Self::mac`].
    veil: [u8; 32],
    /// Seals what the links of letters hold; derived like [`Self::mac`].
    seal: [u8; 32],
}

/// The keys in use: the first signs, all verify.
#[derive(Clone)]
pub struct Ring {
    pub keys: Vec<Key>,
    /// The public keys as a JWK Set (RFC 7517); empty for shared secrets.
    pub public: Vec<Jwk>,
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| &key.id)).finish()
    }
}

impl Ring {
    pub fn signer(&self) -> &Key {
        &self.keys[0]
    }

    pub fn find(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == id || key.alias.as_deref() == Some(id))
    }

    /// A ring of one shared secret.
    pub fn of_secret(secret: &str) -> Self {
        Self { keys: vec![Key::shared(None, secret)], public: Vec::new() }
    }

    /// A ring of shared secrets with their ids.
    pub fn of_secrets(secrets: &[(&str, &str)]) -> Self {
        let keys = secrets.iter().map(|(id, secret)| Key::shared(Some(id), secret)).collect();
        Self { keys, public: Vec::new() }
    }

    /// A ring of one private key; `None` unless it is a PKCS#8 PEM of a kind that is known.
    pub fn of_private(pem: &str) -> Option<Self> {
        let (key, public) = Key::private(pem)?;
        Some(Self { keys: vec![key], public: vec![public] })
    }
}

impl Key {
    fn shared(id: Option<&str>, secret: &str) -> Self {
        signature::install();
        let name = URL_SAFE_NO_PAD.encode(&derive(secret.as_bytes(), b"trireme key id")[..6]);
        Self {
            id: id.map_or_else(|| name.clone(), str::to_owned),
            alias: id.map(|_| name),
            algorithm: Algorithm::HS256,
            encoding: EncodingKey::from_secret(secret.as_bytes()),
            public: Public::of_secret(secret.as_bytes()),
            mac: derive(secret.as_bytes(), b"trireme cursor"),
            veil: derive(secret.as_bytes(), b"trireme veil"),
            seal: derive(secret.as_bytes(), b"trireme seal"),
        }
    }

    /// A name for something that nobody can go back from, or check a guess against, without the
    /// secret: 43 characters of base64url.
    pub fn veiled(&self, kind: &str, thing: &str) -> String {
        URL_SAFE_NO_PAD.encode(mac(&self.veil, &[kind.as_bytes(), &[0], thing.as_bytes()]))
    }

    /// A token in a form that only who has the key can read. `of` is whose it is: it has no other, so
    /// that the pad is used once.
    pub fn seal(&self, of: Uuid, token: &[u8; 32]) -> String {
        URL_SAFE_NO_PAD.encode(padded(*token, mac(&self.seal, &[of.as_bytes()])))
    }

    /// The token that [`Self::seal`] hid.
    pub fn unseal(&self, of: Uuid, sealed: &str) -> Option<[u8; 32]> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?.try_into().ok()?;
        Some(padded(bytes, mac(&self.seal, &[of.as_bytes()])))
    }

    fn private(pem: &str) -> Option<(Self, Jwk)> {
        signature::install();
        let (algorithm, encoding) = signature::read_private(pem)?;
        let mut jwk = Jwk::from_encoding_key(&encoding, algorithm).ok()?;
        let id = jwk.thumbprint(ThumbprintHash::SHA256).ok()?;
        jwk.common.key_id = Some(id.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        let key = Self {
            id,
            alias: None,
            algorithm,
            public: Public::of_private(algorithm, &encoding).ok()?,
            mac: derive(encoding.as_bytes(), b"trireme cursor"),
            veil: derive(encoding.as_bytes(), b"trireme veil"),
            seal: derive(encoding.as_bytes(), b"trireme seal"),
            encoding,
        };
        Some((key, jwk))
    }
}

fn derive(key: &[u8], purpose: &[u8]) -> [u8; 32] {
    mac(key, &[purpose])
}

/// A text under a pad, or back from under it.
pub(super) fn padded(mut text: [u8; 32], pad: [u8; 32]) -> [u8; 32] {
    text.iter_mut().zip(pad).for_each(|(byte, pad)| *byte ^= pad);
    text
}

/// HMAC-SHA256 over the parts, one after the other.
pub(crate) fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = signature::hmac(key);
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_opens_what_it_sealed_and_for_whom() {
        let ring = Ring::of_secrets(&[("2", "one secret"), ("1", "another secret")]);
        let (key, other) = (ring.signer(), ring.find("1").unwrap());
        let (ada, eve) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let sealed = key.seal(ada, &[7; 32]);
        assert_eq!(key.unseal(ada, &sealed), Some([7; 32]));
        assert_ne!(key.unseal(eve, &sealed), Some([7; 32]));
        assert_ne!(other.unseal(ada, &sealed), Some([7; 32]));
        assert_ne!(sealed, URL_SAFE_NO_PAD.encode([7; 32]));
        assert_eq!(key.unseal(ada, "short"), None);
    }
}
