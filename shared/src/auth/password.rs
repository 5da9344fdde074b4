//! Passwords and their hashes (bcrypt).

use std::borrow::Cow;

use schemars::JsonSchema;
use serde_json::Value;

use crate::{
    Secret,
    text::normalize,
    validate::{Field, FieldFault, any_text},
};

/// bcrypt reads no more; a longer password is refused, not cut.
pub const MOST_BYTES: usize = 72;
pub const LEAST_BYTES: usize = 8;
/// A stored hash that costs more is refused unread: it would occupy a thread for seconds.
pub const MOST_COST: u32 = 16;

/// One a line, in lower case, sorted; those of at least [`LEAST_BYTES`].
const COMMON: &str = include_str!("common_passwords.txt");

/// A password, for comparing with a hash. Keyboards differ in how they spell an `é`, so what is
/// hashed is Normalization Form C (NIST SP 800-63B, 3.1.1.2).
#[derive(Clone, Debug, Default)]
pub struct Password {
    normal: Secret,
    /// As it was typed, where that differs: hashes were once made of it.
    typed: Option<Secret>,
}

/// A password that may be set: 8 to 72 bytes once normalized, and not among the most common ones.
#[derive(Clone, Debug, Default)]
pub struct NewPassword(Password);

impl Field for Password {
    fn read(value: Value) -> Result<Self, FieldFault> {
        let typed = any_text(value)?;
        let normal = normalize(&typed);
        let typed = (typed != normal).then(|| Secret::new(typed));
        Ok(Self { normal: Secret::new(normal), typed })
    }
}

impl Field for NewPassword {
    fn read(value: Value) -> Result<Self, FieldFault> {
        let password = Password::read(value)?;
        let text = password.normal.reveal();
        if !(LEAST_BYTES..=MOST_BYTES).contains(&text.len()) {
            return Err(("length", "Must have 8 to 72 bytes.".into()));
        }
        if is_common(text) {
            return Err(("common_password", "Is among the most common passwords.".into()));
        }
        Ok(Self(password))
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
    /// Right, and the hash should be made anew: it costs less than it should by now, or is one of
    /// text that was not normalized.
    RightButOld,
    Wrong,
}

impl Password {
    /// Hundreds of milliseconds of computation at cost 12.
    pub fn hash(&self, cost: u32, salt: [u8; 16]) -> Result<String, bcrypt::BcryptError> {
        bcrypt::hash_with_salt(self.normal.reveal(), cost, salt).map(|parts| parts.to_string())
    }

    /// Compares with a stored hash. Whoever is wrong is told so after the work of a hash that costs
    /// `longest`, whether there is a hash, and whatever that costs; after twice as much who types
    /// what is not normalized. A right hash that costs less than `due` is old.
    pub fn verify(&self, stored: Option<&str>, due: u32, longest: u32) -> Verdict {
        let compare = |password| match compare(password, stored, longest) {
            true if stored.and_then(cost_of) < Some(due) => Verdict::RightButOld,
            true => Verdict::Right,
            false => Verdict::Wrong,
        };
        match (compare(&self.normal), &self.typed) {
            (Verdict::Wrong, Some(typed)) => match compare(typed) {
                Verdict::Wrong => Verdict::Wrong,
                // Normalized it may be longer, and bcrypt would cut it.
                _ if is_too_long(&self.normal) => Verdict::Right,
                _ => Verdict::RightButOld,
            },
            (verdict, _) => verdict,
        }
    }
}

fn is_too_long(password: &Secret) -> bool {
    password.reveal().len() > MOST_BYTES
}

fn compare(password: &Secret, stored: Option<&str>, longest: u32) -> bool {
    let too_long = is_too_long(password);
    let stored = stored.filter(|hash| !too_long && cost_of(hash) <= Some(MOST_COST));
    // What is no hash is refused at once, like none.
    let compared = stored.and_then(|hash| Some((bcrypt(password, hash)?, cost_of(hash)?)));
    match compared {
        Some((true, _)) => return true,
        // 2^c + 2^c + 2^(c+1) + … is 2^longest.
        Some((false, spent)) => {
            for cost in spent..longest {
                bcrypt(password, &nobody(cost));
            }
        }
        None => drop(bcrypt(password, &nobody(longest))),
    }
    false
}

fn bcrypt(password: &Secret, hash: &str) -> Option<bool> {
    let right = bcrypt::verify(password.reveal(), hash).ok()?;
    tracing::trace!(target: "bcrypt", cost = cost_of(hash), "compared");
    Some(right)
}

/// A hash that no password has been found for.
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
            "description": "8 to 72 bytes in UTF-8, once in Unicode's Normalization Form C; not among the most common passwords.",
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
        assert_eq!(password("correct horse").verify(Some(&hash), 4, 4), Verdict::Right);
        assert_eq!(password("correct horse").verify(Some(&hash), 5, 5), Verdict::RightButOld);
        assert_eq!(password("wrong horse").verify(Some(&hash), 4, 4), Verdict::Wrong);
        assert_eq!(password("correct horse").verify(None, 4, 4), Verdict::Wrong);
    }

    #[test]
    fn a_password_is_the_same_however_it_is_spelled() {
        let (composed, typed) = (password("caf\u{e9} noir"), password("cafe\u{301} noir"));
        let hash = composed.hash(4, [7; 16]).unwrap();
        assert_eq!(typed.hash(4, [7; 16]).unwrap(), hash);
        assert_eq!(typed.verify(Some(&hash), 4, 4), Verdict::Right);
        let before = bcrypt::hash_with_salt("cafe\u{301} noir", 4, [7; 16]).unwrap().to_string();
        assert_eq!(typed.verify(Some(&before), 4, 4), Verdict::RightButOld);
        assert_eq!(composed.verify(Some(&before), 4, 4), Verdict::Wrong);
        assert_eq!(password("cafe\u{302} noir").verify(Some(&before), 4, 4), Verdict::Wrong);
        // U+0958 is three bytes, and normalized it is six.
        let longer = "\u{958}".repeat(24);
        let before = bcrypt::hash_with_salt(&longer, 4, [7; 16]).unwrap().to_string();
        assert_eq!(password(&longer).verify(Some(&before), 4, 4), Verdict::Right);
    }

    #[test]
    fn lengths_count_what_is_hashed() {
        let code = |text: &str| NewPassword::read(Value::from(text)).err().map(|fault| fault.0);
        assert_eq!(code(&"ab\u{e9}".repeat(2)), None, "8 bytes");
        assert_eq!(code("abcdefe\u{301}"), None, "8 bytes, typed as 9");
        assert_eq!(code("abcdee\u{301}"), Some("length"), "7 bytes, typed as 8");
        assert_eq!(code(&format!("{}e\u{301}", "ab".repeat(35))), None, "72 bytes, typed as 73");
        assert_eq!(code(&format!("{}e\u{301}", "abc".repeat(24))), Some("length"), "74 bytes");
    }

    #[test]
    fn the_stand_in_is_computed_and_not_refused() {
        assert!(!bcrypt::verify("anything", &nobody(4)).unwrap(), "an error would answer at once");
    }

    #[test]
    fn a_hash_that_costs_more_than_16_is_not_read() {
        // It is the password's own, at the least of the costs that are too many.
        let hash = "$2b$17$/uaF/uaF/uaF/uaF/uaF/uUmVcjB0e5Q0hj6jnemL6kV9q0bej6Ky";
        assert_eq!(password("correct horse").verify(Some(hash), 4, 4), Verdict::Wrong);
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
