//! SCRAM-SHA-256 (RFC 5802, RFC 7677) as PostgreSQL has it: the user is known before, and there is
//! no channel binding.

use base64::{Engine, engine::general_purpose::STANDARD};
use pbkdf2::pbkdf2_hmac;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::auth::keys::mac;

/// What the server calls this.
pub const MECHANISM: &str = "SCRAM-SHA-256";

/// PostgreSQL's default is 4096. What a server asks beyond this is no protection but an attack.
const MAX_ROUNDS: u32 = 100_000;

/// What a password is to one server, which is what takes long to find out.
#[derive(Clone)]
pub struct Keys {
    salt: Vec<u8>,
    rounds: u32,
    client: [u8; 32],
    server: [u8; 32],
}

impl Keys {
    pub fn derive(password: &[u8], challenge: &Challenge<'_>) -> Self {
        // Prepared where it can be, as the server does (RFC 4013); else its bytes are taken.
        let text = std::str::from_utf8(password).ok();
        let prepared = text.and_then(|text| stringprep::saslprep(text).ok());
        let password = prepared.as_deref().map_or(password, str::as_bytes);
        let mut salted = [0; 32];
        pbkdf2_hmac::<Sha256>(password, &challenge.salt, challenge.rounds, &mut salted);
        Self {
            salt: challenge.salt.clone(),
            rounds: challenge.rounds,
            client: mac(&salted, &[b"Client Key"]),
            server: mac(&salted, &[b"Server Key"]),
        }
    }

    /// Whether these are the keys that are asked for.
    pub fn fit(&self, challenge: &Challenge<'_>) -> bool {
        (&self.salt, self.rounds) == (&challenge.salt, challenge.rounds)
    }

    /// The client's proof, and the server's signature that has to follow.
    fn sign(&self, exchange: &str) -> ([u8; 32], [u8; 32]) {
        let stored: [u8; 32] = Sha256::digest(self.client).into();
        let mut proof = mac(&stored, &[exchange.as_bytes()]);
        proof.iter_mut().zip(self.client).for_each(|(byte, key)| *byte ^= key);
        (proof, mac(&self.server, &[exchange.as_bytes()]))
    }
}

/// The client's first message; `nonce` is printable and has no comma.
pub fn first(nonce: &str) -> String {
    format!("n,,n=,r={nonce}")
}

/// The server's first message.
pub struct Challenge<'a> {
    text: &'a str,
    nonce: &'a str,
    salt: Vec<u8>,
    rounds: u32,
}

impl<'a> Challenge<'a> {
    /// `None` where it is none, or answers somebody else's message.
    pub fn read(message: &'a [u8], our_nonce: &str) -> Option<Self> {
        let text = std::str::from_utf8(message).ok()?;
        let mut parts = text.split(',');
        let mut part = |name: &str| parts.next()?.strip_prefix(name);
        let nonce = part("r=")?;
        let salt = STANDARD.decode(part("s=")?).ok()?;
        let rounds = part("i=")?.parse().ok()?;
        let ours = nonce.len() > our_nonce.len() && nonce.starts_with(our_nonce);
        (ours && (1..=MAX_ROUNDS).contains(&rounds)).then_some(Self { text, nonce, salt, rounds })
    }

    /// The client's last message, and what to hold the server's against.
    pub fn answer(&self, keys: &Keys, our_nonce: &str) -> (String, Signature) {
        // `biws` is `n,,`: no channel binding.
        let bare = format!("c=biws,r={}", self.nonce);
        let exchange = format!("n=,r={our_nonce},{},{bare}", self.text);
        let (proof, signature) = keys.sign(&exchange);
        (format!("{bare},p={}", STANDARD.encode(proof)), Signature(signature))
    }
}

/// By which a server shows that it knows the password, too.
pub struct Signature([u8; 32]);

impl Signature {
    pub fn is_in(&self, message: &[u8]) -> bool {
        let given = message.strip_prefix(b"v=").and_then(|text| STANDARD.decode(text).ok());
        given.is_some_and(|given| given.ct_eq(&self.0).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
    /// The server's first message in RFC 7677, section 3.
    const FIRST: &[u8] =
        b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";

    #[test]
    fn signs_as_in_rfc_7677() {
        let challenge = Challenge::read(FIRST, NONCE).unwrap();
        let keys = Keys::derive(b"pencil", &challenge);
        let bare = format!("c=biws,r={}", challenge.nonce);
        let (proof, signature) = keys.sign(&format!("n=user,r={NONCE},{},{bare}", challenge.text));
        assert_eq!(STANDARD.encode(proof), "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        let last = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
        assert!(Signature(signature).is_in(last));
        assert!(!Signature([0; 32]).is_in(last), "another server's");
        assert!(!Signature(signature).is_in(b"v="));
        assert!(!Signature(signature).is_in(b"e=other-error"));
    }

    #[test]
    fn a_challenge_has_to_continue_our_nonce_and_be_bearable() {
        assert!(Challenge::read(FIRST, NONCE).is_some());
        let with = |from: &str, to: &str| {
            let text = std::str::from_utf8(FIRST).unwrap().replace(from, to);
            Challenge::read(text.as_bytes(), NONCE).is_some()
        };
        assert!(!with("rOpr", "rOpR"), "another's nonce");
        assert!(!with("%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", ""), "nothing of the server's");
        assert!(!with("4096", "0"));
        assert!(!with("4096", "100001"));
        assert!(!with("i=4096", ""));
        assert!(!with("W22Z", "§"));
    }

    #[test]
    fn keys_fit_one_salt() {
        let challenge = Challenge::read(FIRST, NONCE).unwrap();
        let keys = Keys::derive(b"pencil", &challenge);
        assert!(keys.fit(&challenge));
        let other = String::from_utf8_lossy(FIRST).replace("W22", "W23");
        assert!(!keys.fit(&Challenge::read(other.as_bytes(), NONCE).unwrap()));
        let other = String::from_utf8_lossy(FIRST).replace("4096", "4097");
        assert!(!keys.fit(&Challenge::read(other.as_bytes(), NONCE).unwrap()));
    }
}
