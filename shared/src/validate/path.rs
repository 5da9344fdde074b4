use percent_encoding::percent_decode_str;
use uuid::Uuid;

use super::{number::EXACT, parse_uuid};
use crate::printable::is_control;

/// What a part of a path can be. Each value has one spelling, so that a record has one address.
pub trait PathValue: Sized {
    /// From the part as it was sent; `None` for what is none.
    fn parse(text: &str) -> Option<Self>;
}

/// 36 characters, with hyphens.
impl PathValue for Uuid {
    fn parse(text: &str) -> Option<Self> {
        parse_uuid(text)
    }
}

/// Decimal, without leading zeros or a plus, and what an input could have: beyond 2^53 it is not the
/// same number everywhere.
impl PathValue for i64 {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let usual = digits.bytes().all(|byte| byte.is_ascii_digit())
            && (text == "0" || !digits.starts_with('0'));
        text.parse().ok().filter(|number| usual && (-EXACT..=EXACT).contains(number))
    }
}

/// Decoded, and without control characters.
impl PathValue for String {
    fn parse(text: &str) -> Option<Self> {
        let is_hex = |at| text.as_bytes().get(at).is_some_and(u8::is_ascii_hexdigit);
        if text.match_indices('%').any(|(at, _)| !is_hex(at + 1) || !is_hex(at + 2)) {
            return None;
        }
        let text = percent_decode_str(text).decode_utf8().ok()?;
        (!text.contains(is_control)).then(|| text.into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_one_spelling() {
        for (text, value) in [("0", Some(0)), ("-7", Some(-7)), ("9007199254740991", Some(EXACT))] {
            assert_eq!(i64::parse(text), value, "{text}");
        }
        for text in [
            "",
            "-",
            "-0",
            "+7",
            "07",
            "7.0",
            " 7",
            "%37",
            "9007199254740992",
            "-9007199254740992",
            "9223372036854775808",
            "٧",
        ] {
            assert_eq!(i64::parse(text), None, "{text}");
        }
        assert_eq!(String::parse("a%20b%2Fc+%C3%A9").as_deref(), Some("a b/c+é"));
        for text in ["%00", "%ff", "a%0Ab%07", "%", "%2", "%zz", "a%2gb", "%+1"] {
            assert_eq!(String::parse(text), None, "{text}");
        }
    }
}
