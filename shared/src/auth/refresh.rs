//! Refresh tokens: 256 random bits, known to the database by their hash alone.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use super::keys::{mac, padded};
use crate::Secret;

/// How long a token that was exchanged gives the same successor again.
pub const GRACE: std::time::Duration = std::time::Duration::from_secs(10);

/// A refresh token, as the client holds it.
#[derive(Clone)]
pub struct RefreshToken([u8; 32]);

impl RefreshToken {
    pub const fn from_random(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// `None` for text that can't be one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    pub fn to_secret(&self) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode(self.0))
    }

    /// What the database knows it by.
    pub fn hash(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.0))
    }

    /// `successor` in a form that only who presents this token can read: each token has one
    /// successor, so the pad is used once.
    pub fn seal(&self, successor: &Self) -> String {
        URL_SAFE_NO_PAD.encode(self.padded(successor.0))
    }

    /// The successor that [`Self::seal`] hid.
    pub fn unseal(&self, sealed: &str) -> Option<Self> {
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(sealed).ok()?.try_into().ok()?;
        Some(Self(self.padded(bytes)))
    }

    fn padded(&self, bytes: [u8; 32]) -> [u8; 32] {
        padded(bytes, mac(&self.0, &[b"trireme refresh successor"]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_opens_its_successor() {
        let (old, new, other) = ([1; 32], [2; 32], [3; 32]);
        let (old, new, other) = (RefreshToken(old), RefreshToken(new), RefreshToken(other));
        let sealed = old.seal(&new);
        assert_eq!(old.unseal(&sealed).unwrap().0, new.0);
        assert_ne!(other.unseal(&sealed).unwrap().0, new.0);
        assert!(!sealed.contains(new.to_secret().reveal()));
        assert_eq!(RefreshToken::parse(old.to_secret().reveal()).unwrap().0, old.0);
        assert!(RefreshToken::parse("short").is_none());
    }
}
