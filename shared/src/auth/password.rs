//! Passwords and their hashes (bcrypt).

use std::borrow::Cow;

use schemars::JsonSchema;
use serde_json::Value;

use crate::{
    Secret,
    validate::{Field, FieldFault},
};

/// bcrypt reads no more; a longer password is refused, not cut.
pub const MOST_BYTES: usize = 72;
pub const LEAST_BYTES: usize = 8;
/// A stored hash that costs more is refused unread: it would occupy a thread for seconds.
pub const MOST_COST: u32 = 16;

/// One a line, in lower case, sorted; those of at least [`LEAST_BYTES`].
const COMMON: &str = include_str!("common_passwords.txt");

/// A password as it was typed, for comparing with a hash.
#[derive(Clone, Debug, Default)]
pub struct Password(Secret);

/// A password that may be set: 8 to 72 bytes, and not among the most common ones.
#[derive(Clone, Debug, Default)]
pub struct NewPassword(Password);

impl Field for Password {
    fn read(value: Value) -> Result<Self, FieldFault> {
        Ok(Self(Secret::new(String::read(value)?)))
    }
}

impl Field for NewPassword {
    fn read(value: Value) -> Result<Self, FieldFault> {
        let text = String::read(value)?;
        if !(LEAST_BYTES..=MOST_BYTES).contains(&text.len()) {
            return Err(("length", "Must have 8 to 72 bytes.".into()));
        }
        if is_common(&text) {
            return Err(("common_password", "Is among the most common passwords.".into()));
        }
        Ok(Self(Password(Secret::new(text))))
    }
}

fn is_common(password: &str) -> bool {
    let lower = password.to_lowercase();
    let mut characters = lower.chars();
    let first = characters.next();
    characters.all(|character| Some(character) == first)
        || COMMON.lines().any(|common| common == lower)
}

impl std::ops::Deref for NewPassword {
    type Target = Password;
    fn deref(&self) -> &Password {
        &self.0
    }
}

/// What comparing found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Right,
    /// Right, and the hash costs less than it should by now.
    RightButCheap,
    Wrong,
}

impl Password {
    /// Hundreds of milliseconds of computation at cost 12.
    pub fn hash(&self, cost: u32, salt: [u8; 16]) -> Result<String, bcrypt::BcryptError> {
        bcrypt::hash_with_salt(self.0.reveal(), cost, salt).map(|parts| parts.to_string())
    }

    /// Compares with a stored hash, or, where there is none, takes as long and is wrong.
    pub fn verify(&self, stored: Option<&str>, cost: u32) -> Verdict {
        let too_long = self.0.reveal().len() > MOST_BYTES;
        let stored =
            stored.filter(|hash| !too_long && cost_of(hash).is_some_and(|cost| cost <= MOST_COST));
        let hash = stored.map_or_else(|| Cow::Owned(nobody(cost)), Cow::Borrowed);
        let right = bcrypt::verify(self.0.reveal(), &hash).unwrap_or(false);
        if !right && let Some(cheaper) = stored.and_then(cost_of) {
            // 2^c + 2^c + 2^(c+1) + … is 2^cost: as long as for a hash that costs what is due.
            for cost in cheaper..cost {
                let _ = bcrypt::verify(self.0.reveal(), &nobody(cost));
            }
        }
        match stored {
            Some(hash) if right && cost_of(hash) < Some(cost) => Verdict::RightButCheap,
            Some(_) if right => Verdict::Right,
            _ => Verdict::Wrong,
        }
    }
}

/// A hash that no password has been found for, at the cost that real ones have.
fn nobody(cost: u32) -> String {
    format!("$2b${cost:02}$TriremeTriremeTriremeuNobodyNobodyNobodyNobodyNobodyO")
}

/// `$2b$12$…` costs 12.
fn cost_of(hash: &str) -> Option<u32> {
    hash.split('$').nth(2)?.parse().ok()
}

impl JsonSchema for Password {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Password".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "password", "examples": ["correct horse battery"] })
    }
}

impl JsonSchema for NewPassword {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "NewPassword".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "format": "password", "minLength": LEAST_BYTES.div_ceil(4), "maxLength": MOST_BYTES,
            "description": "8 to 72 bytes in UTF-8, and not among the most common passwords.",
            "examples": ["correct horse battery"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::read(Value::from(text)).unwrap()
    }

    #[test]
    fn a_password_matches_its_own_hash() {
        let hash = password("correct horse").hash(4, [7; 16]).unwrap();
        assert_eq!(password("correct horse").verify(Some(&hash), 4), Verdict::Right);
        assert_eq!(password("correct horse").verify(Some(&hash), 5), Verdict::RightButCheap);
        assert_eq!(password("wrong horse").verify(Some(&hash), 4), Verdict::Wrong);
        assert_eq!(password("correct horse").verify(None, 4), Verdict::Wrong);
    }

    #[test]
    fn the_stand_in_is_computed_and_not_refused() {
        assert!(!bcrypt::verify("anything", &nobody(4)).unwrap(), "an error would answer at once");
    }

    #[test]
    fn a_hash_that_costs_too_much_is_not_read() {
        let hash = nobody(20);
        assert_eq!(password("x").verify(Some(&hash), 4), Verdict::Wrong);
    }

    #[test]
    fn weak_passwords_are_named() {
        let code = |text: &str| NewPassword::read(Value::from(text)).err().map(|fault| fault.0);
        assert_eq!(code("short"), Some("length"));
        assert_eq!(code(&"é".repeat(37)), Some("length"));
        assert_eq!(code("Password123"), Some("common_password"));
        assert_eq!(code("aaaaaaaaaaaa"), Some("common_password"));
        assert_eq!(code("a\u{0}aaaaaaaaaaa"), Some("invalid_text"));
        assert_eq!(code("correct horse"), None);
        assert!(COMMON.lines().is_sorted() && COMMON.lines().all(|line| line.len() >= LEAST_BYTES));
    }
}
