//! Structured fields (RFC 9651), as far as the rate limit headers need them: a list of
//! strings or tokens with parameters.

use std::collections::BTreeMap;

/// One member of a list.
#[derive(Debug, PartialEq, Eq)]
pub struct Item {
    pub name: String,
    /// Bare items as they were written.
    pub parameters: BTreeMap<String, String>,
}

impl Item {
    /// A parameter that is a non-negative integer.
    pub fn count(&self, key: &str) -> Option<u64> {
        self.parameters.get(key)?.parse().ok()
    }
}

/// Parses a list, or answers `None` when it is not a valid one.
pub fn list(text: &str) -> Option<Vec<Item>> {
    let mut rest = text.trim_matches(' ');
    let mut items = Vec::new();
    loop {
        let (item, after) = item(rest)?;
        items.push(item);
        rest = after.trim_start_matches([' ', '\t']);
        if rest.is_empty() {
            return Some(items);
        }
        rest = rest.strip_prefix(',')?.trim_start_matches([' ', '\t']);
    }
}

fn item(text: &str) -> Option<(Item, &str)> {
    let (name, mut rest) = bare(text)?;
    let mut parameters = BTreeMap::new();
    while let Some(after) = rest.strip_prefix(';') {
        let after = after.trim_start_matches(' ');
        let (key, after) = span(after, |byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(&byte)
        });
        if !key.starts_with(|first: char| first.is_ascii_lowercase() || first == '*') {
            return None;
        }
        let (value, after) = match after.strip_prefix('=') {
            Some(after) => bare(after)?,
            None => ("?1".to_owned(), after),
        };
        parameters.insert(key.to_owned(), value);
        rest = after;
    }
    Some((Item { name, parameters }, rest))
}

/// A string (without its quotes), a byte sequence, a token or a number.
fn bare(text: &str) -> Option<(String, &str)> {
    if let Some(inner) = text.strip_prefix('"') {
        return string(inner);
    }
    let is_bytes = text.starts_with(':');
    let (word, rest) = span(text, |byte| {
        byte.is_ascii_alphanumeric()
            || b"!#$%&'*+-.^_`|~:/=".contains(&byte) && (byte != b'=' || is_bytes)
    });
    (!word.is_empty()).then(|| (word.to_owned(), rest))
}

fn string(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => {
                value.push(characters.next().map(|(_, c)| c).filter(|c| matches!(c, '"' | '\\'))?);
            }
            ' '..='~' => value.push(character),
            _ => return None,
        }
    }
    None
}

fn span(text: &str, wanted: impl Fn(u8) -> bool) -> (&str, &str) {
    text.split_at(text.bytes().take_while(|byte| wanted(*byte)).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_rate_limit_headers() {
        let items = list(r#""auth-address";q=60;w=60, account;q=10;w=60;pk=:Y2Q=:;x"#).unwrap();
        assert_eq!(items.len(), 2);
        assert_eq!((items[0].name.as_str(), items[0].count("q")), ("auth-address", Some(60)));
        assert_eq!((items[1].name.as_str(), items[1].count("w")), ("account", Some(60)));
        assert_eq!(items[1].parameters["pk"], ":Y2Q=:");
        assert_eq!(items[1].parameters["x"], "?1");
    }

    #[test]
    fn refuses_what_is_no_list() {
        for wrong in
            ["", "\"open", "\"a\";=1", "\"a\";Q=1", "\"a\" \"b\"", "\"a\",", "\"a\";q=", "\"é\""]
        {
            assert_eq!(list(wrong), None, "{wrong}");
        }
    }
}
