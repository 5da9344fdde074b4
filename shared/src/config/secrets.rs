//! Secrets: the keys that sign, and those of a product.

use super::{Environment, parse::Reader};
use crate::{Secret, auth::keys::Ring};

impl Reader<'_> {
    /// JWT_PRIVATE_KEY, else JWT_SECRETS, else JWT_SECRET and its other names, else `spare`.
    pub fn ring(&mut self, strict: bool, spare: Option<&str>) -> Ring {
        if let Some(pem) = self.text("JWT_PRIVATE_KEY") {
            return Ring::of_private(&pem).unwrap_or_else(|| {
                self.fault("JWT_PRIVATE_KEY", "must be a PKCS#8 PEM of an Ed25519 or a P-256 key (openssl genpkey -algorithm ed25519)");
                Ring::of_secret("")
            });
        }
        let listed = self.list("JWT_SECRETS");
        if !listed.is_empty() {
            return self.listed(strict, &listed);
        }
        for name in ["JWT_SECRET", "BETTER_AUTH_SECRET", "SECRET_KEY"] {
            if let Some(secret) = self.text(name) {
                self.check(name, strict, &secret);
                return Ring::of_secret(&secret);
            }
        }
        if spare.is_none() {
            self.fault("JWT_SECRET", "is missing; make one with: openssl rand -base64 48");
        }
        Ring::of_secret(spare.unwrap_or_default())
    }

    fn listed(&mut self, strict: bool, listed: &[String]) -> Ring {
        let mut secrets: Vec<(&str, &str)> = Vec::new();
        for item in listed {
            let Some((id, secret)) = item.split_once(':').filter(|(id, _)| !id.is_empty()) else {
                self.fault("JWT_SECRETS", "must read like 2:new,1:old");
                continue;
            };
            if secrets.iter().any(|(other, _)| *other == id) {
                self.fault("JWT_SECRETS", "gives an id twice");
            }
            self.check("JWT_SECRETS", strict, secret);
            secrets.push((id, secret));
        }
        Ring::of_secrets(&secrets)
    }

    fn check(&mut self, name: &str, strict: bool, secret: &str) {
        if secret.len() < 32 {
            self.fault(name, "must have at least 32 bytes; make one with: openssl rand -base64 48");
        } else if strict && is_placeholder(secret) {
            self.fault(name, "is a placeholder; make a secret with: openssl rand -base64 48");
        }
    }

    /// A product's: how long it has to be is for those to say who gave it.
    pub fn secret(&mut self, name: &str) -> Option<Secret> {
        let secret = self.text(name)?;
        if self.environment() != Environment::Development && is_placeholder(&secret) {
            self.fault(name, "is a placeholder");
        }
        Some(Secret::new(secret))
    }
}

/// What stands in examples, or has too little in it to be a secret.
fn is_placeholder(secret: &str) -> bool {
    const WORDS: &[&str] = &[
        "change-me",
        "changeme",
        "change_me",
        "change-this",
        "change_this",
        "changethis",
        "placeholder",
        "your-secret",
        "your_secret",
        "yoursecret",
        "example",
        "insecure",
        "replace-me",
        "replace_me",
        "replaceme",
        "default-secret",
        "dev-secret",
        "development",
        "test-secret",
        "super-secret",
        "supersecret",
        "secret-key-here",
        "password",
        "not-a-secret",
        "123456789",
        "abcdefghij",
    ];
    let lower = secret.to_lowercase();
    let distinct: std::collections::BTreeSet<_> = secret.bytes().collect();
    distinct.len() < 8 || WORDS.iter().any(|word| lower.contains(word))
}
