//! Names as declarations have them, looked at when a program is compiled.

/// `like_this_1`.
pub const fn is_snake(name: &str) -> bool {
    is_separated(name, b'a'..=b'z')
}

/// `LIKE_THIS_1`.
pub const fn is_upper_snake(name: &str) -> bool {
    is_separated(name, b'A'..=b'Z')
}

/// Words of these letters and digits with one `_` between; a letter comes first.
const fn is_separated(name: &str, letters: std::ops::RangeInclusive<u8>) -> bool {
    let name = name.as_bytes();
    let mut at = 0;
    while at < name.len() {
        let fits = match name[at] {
            b'0'..=b'9' => at > 0,
            b'_' => at > 0 && name[at - 1] != b'_' && at + 1 < name.len(),
            letter => *letters.start() <= letter && letter <= *letters.end(),
        };
        if !fits {
            return false;
        }
        at += 1;
    }
    !name.is_empty()
}

/// `==` of constants.
pub const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    one.len() == other.len() && begins_with(one, other)
}

const fn begins_with(name: &[u8], start: &[u8]) -> bool {
    let mut at = 0;
    while at < name.len() && at < start.len() && name[at] == start[at] {
        at += 1;
    }
    at == start.len()
}

/// Whether a migration's name is its number, with zeros before it up to four digits, and words:
/// `0001_accounts`, `1001_orders`.
pub const fn is_numbered(name: &str, number: i64) -> bool {
    let name = name.as_bytes();
    let (mut read, mut at) = (0, 0);
    while at < name.len() && name[at].is_ascii_digit() && read < i64::MAX / 10 - 1 {
        read = read * 10 + (name[at] - b'0') as i64;
        at += 1;
    }
    if at < 4 || at > 4 && name[0] == b'0' || read != number || at + 1 >= name.len() {
        return false;
    }
    let mut words = at + 1;
    while words < name.len() {
        if !matches!(name[words], b'a'..=b'z' | b'0'..=b'9' | b'_') {
            return false;
        }
        words += 1;
    }
    name[at] == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words() {
        for name in ["a", "a1", "order_lines", "a_1"] {
            assert!(is_snake(name), "{name}");
            assert!(is_upper_snake(&name.to_uppercase()), "{name}");
        }
        for name in ["", "1", "_a", "a_", "a__b", "aB", "a-b", "a b", "ä", "a'", "a.b"] {
            assert!(!is_snake(name), "{name}");
        }
    }

    #[test]
    fn only_the_same_is_the_same() {
        for (one, other) in [("", "a"), ("a", ""), ("a", "ab"), ("ab", "a"), ("a", "b")] {
            assert!(!is_same(one, other), "{one} {other}");
        }
        assert!(is_same("", "") && is_same("ab", "ab"));
    }

    #[test]
    fn a_migration_has_its_number_in_its_name() {
        assert!(
            is_numbered("0001_accounts", 1)
                && is_numbered("1001_a", 1001)
                && is_numbered("12345_a_b2", 12345)
        );
        for name in
            ["1_a", "01001_a", "1001", "1001_", "1001a", "1002_a", "1001_A", "1001_a.b", "1001_ä"]
        {
            assert!(!is_numbered(name, 1001), "{name}");
        }
        assert!(!is_numbered("99999999999999999999999_a", i64::MAX));
    }
}
