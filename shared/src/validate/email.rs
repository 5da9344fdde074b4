//! Addresses of e-mail; ADR 0020 says why they are read so.

use std::borrow::Cow;

use serde_json::Value;

use super::field::{Field, FieldFault, text};
use crate::text::{is_identifier, marks_are_seen, normalize};

/// An e-mail address that an account may have: trimmed, lower-case, in Normalization Form C, and
/// beyond ASCII of identifier characters alone, so that no two accounts look the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Email(pub String);

/// An address by which an account is looked for. Accounts older than the rules of [`Email`] keep
/// the address they have, and are found by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownEmail {
    /// As [`Email`] is stored.
    pub normal: String,
    /// As it was stored before: trimmed and lower-case.
    pub typed: String,
}

const NO_EMAIL: FieldFault = ("email", Cow::Borrowed("Must be an e-mail address."));

impl Field for Email {
    fn read(value: Value) -> Result<Self, FieldFault> {
        let KnownEmail { normal, .. } = KnownEmail::read(value)?;
        if is_address(&normal, is_label) { Ok(Self(normal)) } else { Err(NO_EMAIL) }
    }
}

impl Field for KnownEmail {
    fn read(value: Value) -> Result<Self, FieldFault> {
        let typed = text(value)?.trim().to_lowercase();
        let known = Self { normal: normalize(&typed), typed };
        let may_be_known =
            [&known.normal, &known.typed].iter().any(|text| is_address(text, |_| true));
        if may_be_known { Ok(known) } else { Err(NO_EMAIL) }
    }
}

/// At least two labels: `a@b` is a valid address somewhere, and a slip of the pen everywhere else.
fn is_address(text: &str, is_label: impl Fn(&str) -> bool) -> bool {
    let Some((user, domain)) = text.rsplit_once('@').filter(|_| text.len() <= 254) else {
        return false;
    };
    is_mailbox(user)
        && domain.contains('.')
        && domain.split('.').all(|label| has_form_of_label(label) && is_label(label))
}

/// As HTML has it for `<input type=email>`.
fn is_mailbox(user: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    (1..=64).contains(&user.len()) && user.bytes().all(plain)
}

fn has_form_of_label(label: &str) -> bool {
    let plain = |c: char| {
        if c.is_ascii() {
            c.is_ascii_alphanumeric() || c == '-'
        } else {
            !c.is_whitespace() && !c.is_control()
        }
    };
    (1..=63).contains(&label.len())
        && label.chars().all(plain)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Which letters beyond ASCII a label holds is for its registry to decide, but a person has to see
/// them. A dot above that is no part of a letter (`ė`) is on one that has a dot, or makes an `i` of `ı`.
fn is_label(label: &str) -> bool {
    label.chars().all(|c| c.is_ascii() || is_identifier(c))
        && !label.contains('\u{307}')
        && marks_are_seen(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emails_are_addresses() {
        let email = |text: &str| Email::read(Value::from(text)).map(|email| email.0);
        assert_eq!(email(" Ada@Example.COM "), Ok("ada@example.com".to_owned()));
        let label = "a".repeat(63);
        let (user, longest) = ("u".repeat(64), format!("{label}.{label}.{}", "a".repeat(61)));
        for right in [
            "o'neil+tag@a-b.co.uk",
            "ada@bücher.example",
            "ada@xn--bcher-kva.example",
            &format!("{user}@{label}.example"),
            &format!("{user}@{longest}"),
        ] {
            assert_eq!(email(right), Ok(right.to_owned()));
        }
        for wrong in [
            "",
            "a@b",
            "a b@example.com",
            "@example.com",
            "a@",
            "a@.com",
            "a@example..com",
            "a@b@c.de",
            "a@-b.de",
            "a@b-.de",
            "a@b_c.de",
            "a@b\u{a0}c.de",
            &format!("{user}u@example.com"),
            &format!("a@{label}a.example"),
            &format!("{user}@{longest}a"),
        ] {
            assert!(email(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn emails_have_one_spelling_each() {
        let email = |text: &str| Email::read(Value::from(text)).map(|email| email.0);
        for same in
            ["ada@caf\u{e9}.fr", "ada@cafe\u{301}.fr", "ADA@CAFE\u{301}.FR", "Ada@CAF\u{c9}.fr"]
        {
            assert_eq!(email(same), Ok("ada@caf\u{e9}.fr".to_owned()), "{same}");
        }
        // In every place of an address: seen by nobody, or a variant of what stands there.
        for c in "\u{ad}\u{200b}\u{200d}\u{202e}\u{2060}\u{3164}\u{e0061}\u{fe0f}\u{378}\u{e000}\u{ffff}ａ．＠".chars() {
            for place in ["a_da@example.com", "ada_@example.com", "ada@_example.com", "ada@exam_ple.com", "ada@example._com", "ada@example.com_"] {
                let address = place.replace('_', &c.to_string());
                assert!(email(&address).is_err(), "{address:?}");
            }
        }
        for wrong in ["ada@İn.fr", "ada@a‐b.fr"] {
            assert!(email(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn marks_in_emails_are_seen() {
        let email = |domain: &str| Email::read(Value::from(format!("ada@{domain}")));
        for right in
            ["\u{117}a.fr", "e\u{307}a.fr", "vie\u{323}\u{302}t.vn", "हिन्दी.भारत", "1\u{323}.fr"]
        {
            assert!(email(right).is_ok(), "{right:?}");
        }
        for wrong in [
            // On the @, on a dot, on a hyphen.
            "\u{301}a.fr",
            "a.\u{301}a.fr",
            "a-\u{331}b.fr",
            // Twice, also where the first is part of a letter.
            "x\u{331}\u{331}.fr",
            "e\u{301}\u{301}.fr",
            "e\u{323}\u{323}\u{302}.fr",
            // A dot on what has one, or on what looks like an i then.
            "i\u{307}n.fr",
            "i\u{323}\u{307}n.fr",
            "\u{131}\u{307}n.fr",
            "\u{456}\u{307}n.fr",
            "\u{237}\u{307}n.fr",
            "l\u{307}n.fr",
        ] {
            assert!(email(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn accounts_of_before_are_found() {
        let known = |text: &str| {
            KnownEmail::read(Value::from(text)).map(|email| (email.normal, email.typed))
        };
        let both = |normal: &str, typed: &str| Ok((normal.to_owned(), typed.to_owned()));
        assert_eq!(known("Ada@Cafe\u{301}.fr"), both("ada@caf\u{e9}.fr", "ada@cafe\u{301}.fr"));
        assert_eq!(known("ada@a\u{200b}b.fr"), both("ada@a\u{200b}b.fr", "ada@a\u{200b}b.fr"));
        assert!(known("ada\u{200b}@a.fr").is_err(), "it never was an address");
        // Too long as it was typed, and not as it is stored.
        let long = format!("ada@{}.fr", "e\u{301}".repeat(30));
        assert_eq!(
            known(&long).map(|both| both.0),
            Email::read(Value::from(&*long)).map(|email| email.0)
        );
    }
}
