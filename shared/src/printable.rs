//! Characters that are not seen: what they may not do to a terminal or a log, and that a name can't
//! be made of them alone.

use std::{borrow::Cow, fmt::Write as _};

/// Control characters, but for those that text has: tab and line breaks.
pub fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

/// What Unicode calls default-ignorable: characters without a shape of their own, among them those
/// that turn the direction of writing, join letters, or fill a letter's place.
fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether there is nothing to be seen: white space, or characters without a shape.
pub fn is_blank(text: &str) -> bool {
    // The last is a Braille pattern of no dots.
    text.chars().all(|c| c.is_whitespace() || c.is_control() || is_ignorable(c) || c == '\u{2800}')
}

/// What would steer whatever shows it. The selectors of a character's variant, which belong to
/// many an emoji, only do that to the character before them.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}')
        || is_ignorable(c) && !matches!(c, '\u{fe00}'..='\u{fe0f}')
}

/// Text from elsewhere on one line of output for a person: what steers is written as
/// `\u{1b}`, `\n`.
pub fn printable(text: &str) -> Cow<'_, str> {
    escape(text, steers, |c, out| out.extend(c.escape_default()))
}

/// As [`printable`], over several lines: line breaks and tabs stay.
pub fn printable_lines(text: &str) -> Cow<'_, str> {
    let steers = |c| steers(c) && !matches!(c, '\n' | '\t');
    escape(text, steers, |c, out| out.extend(c.escape_default()))
}

/// As [`printable_lines`], of JSON, which means the same afterwards: such characters stand in
/// strings alone there.
pub fn printable_json(text: &str) -> Cow<'_, str> {
    let steers = |c| steers(c) && !matches!(c, '\n' | '\t');
    escape(text, steers, |c, out| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            // A string takes everything.
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

fn escape(
    text: &str,
    steers: impl Fn(char) -> bool,
    write: impl Fn(char, &mut String),
) -> Cow<'_, str> {
    if !text.chars().any(&steers) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if steers(c) { write(c, &mut out) } else { out.push(c) }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Of each kind one: C0, DEL, C1, direction, width, separators, fillers, tags.
    const STEERING: [char; 16] = [
        '\u{0}',
        '\u{1b}',
        '\u{7}',
        '\r',
        '\u{7f}',
        '\u{9b}',
        '\u{85}',
        '\u{202e}',
        '\u{2066}',
        '\u{61c}',
        '\u{200b}',
        '\u{feff}',
        '\u{2028}',
        '\u{3164}',
        '\u{e0041}',
        '\u{ad}',
    ];

    #[test]
    fn what_steers_is_shown() {
        for c in STEERING {
            let text = format!("a{c}b");
            for shown in [printable(&text), printable_lines(&text)] {
                assert!(shown.starts_with("a\\") && shown.ends_with('b'), "{shown}");
                assert!(!shown.contains(c));
            }
        }
        assert_eq!(printable("\u{1b}[2J\n\u{9b}"), "\\u{1b}[2J\\n\\u{9b}");
        assert_eq!(printable_lines("a\n\tb\r"), "a\n\tb\\r");
        for plain in ["", "Ada", "Ådá 🦑❤\u{fe0f}", "שלום", "مرحبا", "e\u{301}", "a\\u{1b}"]
        {
            assert!(matches!(printable(plain), Cow::Borrowed(same) if same == plain), "{plain}");
        }
    }

    #[test]
    fn a_blank_shows_nothing() {
        for blank in ["", " ", "\t\n", "\u{a0}\u{3000}\u{2003}", "\u{200b}\u{3164}\u{2800}\u{fe0f}"]
        {
            assert!(is_blank(blank), "{blank:?}");
        }
        for seen in ["a", " . ", "\u{200f}א", "\u{301}", "👩\u{200d}🚀"] {
            assert!(!is_blank(seen), "{seen:?}");
        }
    }

    proptest! {
        #[test]
        fn json_means_the_same(text in any::<String>(), steering in prop::sample::select(&STEERING)) {
            let value = serde_json::json!({ "a": format!("{text}{steering}"), "b": [1] });
            for json in [value.to_string(), format!("{value:#}")] {
                let shown = printable_json(&json);
                prop_assert_eq!(&serde_json::from_str::<serde_json::Value>(&shown).unwrap(), &value);
                prop_assert!(!shown.contains(|c| steers(c) && c != '\n'), "{}", shown);
            }
        }
    }
}
