//! The signatures of access tokens, for jsonwebtoken: HS256 and EdDSA (RFC 8037), ES256 (RFC 7518).
//!
//! Its own provider carries RSA and P-384 along, on which nothing here relies: a sixth of the Worker.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ed25519_dalek as ed25519;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{
    Algorithm, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, KeyUtils},
    errors::{ErrorKind, Result},
    jwk::{EllipticCurve, ThumbprintHash},
    signature::{Error, Signer},
};
use p256::{ecdsa, pkcs8::DecodePrivateKey};
use sha2::{Digest, Sha256};

type Signed = std::result::Result<Vec<u8>, Error>;

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| Ok(Box::new(Private::new(*algorithm, key)?)),
    // Tokens are checked by [`Public`]: this would make it anew for each.
    verifier_factory: |_, _| Err(ErrorKind::UnsupportedAlgorithm.into()),
    key_utils: KeyUtils {
        ec_pub_components_from_private_key: coordinates,
        ed_pub_components_from_private_key: |key, _| {
            Ok(ed25519_key(key)?.verifying_key().as_bytes().to_vec())
        },
        compute_digest: |data, hash| match hash {
            ThumbprintHash::SHA256 => Ok(Sha256::digest(data).to_vec()),
            _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
        },
        ..KeyUtils::new_unimplemented()
    },
};

/// Has to come before any other use of jsonwebtoken, which is why whoever makes keys calls it.
pub fn install() {
    // An error says that it was done before.
    let _ = PROVIDER.install_default();
}

/// What stands before an Ed25519 key in PKCS#8 as RFC 8410 has it at its shortest, which is the form
/// that jsonwebtoken knows.
const ED25519: &[u8] = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20";

/// A private key for signing, from a PEM in PKCS#8 (RFC 5958). White space is what a variable has
/// made of it: `\n` spelled out, one line, an indented block.
pub fn read_private(pem: &str) -> Option<(Algorithm, EncodingKey)> {
    let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (text, _) = rest.split_once("-----END PRIVATE KEY-----")?;
    let text: String = text.replace("\\n", "").split_whitespace().collect();
    let der = STANDARD.decode(text).ok()?;
    if let Ok(key) = ed25519_key(&der) {
        let der = [ED25519, key.as_bytes()].concat();
        return Some((Algorithm::EdDSA, EncodingKey::from_ed_der(&der)));
    }
    p256_key(&der).ok().map(|_| (Algorithm::ES256, EncodingKey::from_ec_der(&der)))
}

pub(super) fn hmac(secret: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret).expect("HMAC takes a key of any length")
}

fn p256_key(der: &[u8]) -> Result<ecdsa::SigningKey> {
    ecdsa::SigningKey::from_pkcs8_der(der).map_err(|_| ErrorKind::InvalidEcdsaKey.into())
}

fn ed25519_key(der: &[u8]) -> Result<ed25519::SigningKey> {
    ed25519::SigningKey::from_pkcs8_der(der).map_err(|_| ErrorKind::InvalidEddsaKey.into())
}

fn coordinates(der: &[u8], _: Algorithm) -> Result<(EllipticCurve, Vec<u8>, Vec<u8>)> {
    let point = p256_key(der)?.verifying_key().to_sec1_point(false);
    let (x, y) = point.x().zip(point.y()).ok_or(ErrorKind::InvalidEcdsaKey)?;
    Ok((EllipticCurve::P256, x.to_vec(), y.to_vec()))
}

enum Private {
    Hs256(Hmac<Sha256>),
    Es256(ecdsa::SigningKey),
    EdDsa(ed25519::SigningKey),
}

impl Private {
    fn new(algorithm: Algorithm, key: &EncodingKey) -> Result<Self> {
        if key.family() != algorithm.family() {
            return Err(ErrorKind::InvalidKeyFormat.into());
        }
        match algorithm {
            Algorithm::HS256 => Ok(Self::Hs256(hmac(key.as_bytes()))),
            Algorithm::ES256 => p256_key(key.as_bytes()).map(Self::Es256),
            Algorithm::EdDSA => ed25519_key(key.as_bytes()).map(Self::EdDsa),
            _ => Err(ErrorKind::UnsupportedAlgorithm.into()),
        }
    }
}

impl Signer<Vec<u8>> for Private {
    fn try_sign(&self, message: &[u8]) -> Signed {
        Ok(match self {
            Self::Hs256(mac) => mac.clone().chain_update(message).finalize().into_bytes().to_vec(),
            Self::Es256(key) => {
                let signature: ecdsa::Signature = ecdsa::signature::Signer::sign(key, message);
                signature.to_bytes().to_vec()
            }
            Self::EdDsa(key) => ed25519::Signer::sign(key, message).to_bytes().to_vec(),
        })
    }
}

impl JwtSigner for Private {
    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Hs256(_) => Algorithm::HS256,
            Self::Es256(_) => Algorithm::ES256,
            Self::EdDsa(_) => Algorithm::EdDSA,
        }
    }
}

/// What a key's signatures are checked by: made ready once, since each request has one.
#[derive(Clone)]
pub enum Public {
    Hs256(Hmac<Sha256>),
    Es256(ecdsa::VerifyingKey),
    EdDsa(ed25519::VerifyingKey),
}

/// More than any signature has, in bytes.
const SIGNATURE: usize = 96;

impl Public {
    pub fn of_secret(secret: &[u8]) -> Self {
        Self::Hs256(hmac(secret))
    }

    pub fn of_private(algorithm: Algorithm, key: &EncodingKey) -> Result<Self> {
        Ok(match Private::new(algorithm, key)? {
            Private::Hs256(mac) => Self::Hs256(mac),
            Private::Es256(key) => Self::Es256(*key.verifying_key()),
            Private::EdDsa(key) => Self::EdDsa(key.verifying_key()),
        })
    }

    /// Whether the signature, as a token has it, is the message's.
    pub fn verifies(&self, message: &[u8], signature: &str) -> bool {
        let mut bytes = [0; SIGNATURE];
        let Ok(length) = URL_SAFE_NO_PAD.decode_slice(signature, &mut bytes) else { return false };
        let signature = &bytes[..length];
        match self {
            Self::Hs256(mac) => mac.clone().chain_update(message).verify_slice(signature).is_ok(),
            Self::Es256(key) => ecdsa::Signature::from_slice(signature)
                .and_then(|it| ecdsa::signature::Verifier::verify(key, message, &it))
                .is_ok(),
            Self::EdDsa(key) => ed25519::Signature::from_slice(signature)
                .and_then(|it| key.verify_strict(message, &it))
                .is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::crypto::sign;

    use super::*;

    /// The claims of RFC 7515, appendix A.
    const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

    #[track_caller]
    fn verifies(key: &Public, message: &str, signature: &str) {
        let verified = |message: &str, signature: &str| key.verifies(message.as_bytes(), signature);
        assert!(verified(message, signature));
        assert!(!verified(&message[1..], signature), "another message");
        assert!(!verified(message, &signature[4..]), "a signature that is too short");
        assert!(!verified(message, &signature.repeat(4)), "a signature that is too long");
        assert!(!verified(message, &format!("AAAA{}", &signature[4..])), "another signature");
    }

    fn bytes<const LENGTH: usize>(text: &str) -> [u8; LENGTH] {
        URL_SAFE_NO_PAD.decode(text).unwrap().try_into().unwrap()
    }

    #[test]
    fn hs256_is_that_of_rfc_7515() {
        let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow==";
        let message = format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{CLAIMS}");
        let signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        install();
        let key = EncodingKey::from_urlsafe_base64_secret(secret).unwrap();
        verifies(&Public::of_secret(key.as_bytes()), &message, signature);
        assert_eq!(sign(message.as_bytes(), &key, Algorithm::HS256).unwrap(), signature);
    }

    #[test]
    fn es256_is_that_of_rfc_7515() {
        let [x, y]: [[u8; 32]; 2] = [
            "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        ]
        .map(bytes);
        let key = ecdsa::VerifyingKey::from_sec1_bytes(&[&[4], &x[..], &y].concat()).unwrap();
        let message = format!("eyJhbGciOiJFUzI1NiJ9.{CLAIMS}");
        let signature = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        verifies(&Public::Es256(key), &message, signature);
    }

    #[test]
    fn eddsa_is_that_of_rfc_8037() {
        let key = bytes("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        let key = ed25519::VerifyingKey::from_bytes(&key).unwrap();
        let message = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        verifies(&Public::EdDsa(key), message, signature);
        // The same key, as PKCS#8.
        let pem = "-----BEGIN PRIVATE KEY-----\n\
                   MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
                   -----END PRIVATE KEY-----\n";
        install();
        let (algorithm, private) = read_private(pem).unwrap();
        assert_eq!(sign(message.as_bytes(), &private, algorithm).unwrap(), signature);
        verifies(&Public::of_private(algorithm, &private).unwrap(), message, signature);
        assert!(
            Public::of_private(Algorithm::HS256, &private).is_err(),
            "a private key is no secret"
        );
    }
}
