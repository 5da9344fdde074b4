//! What Unicode says of text: which spellings are one, which characters are seen, which case.

use unicase::UniCase;
use unicode_normalization::char::{canonical_combining_class, compose, decompose_canonical};
use unicode_security::GeneralSecurityProfile as _;

/// Text in Normalization Form C (UAX 15): what looks the same and means the same has one spelling.
/// The crate's own iterator can do the compatibility forms as well, and brings their tables: a
/// hundred kilobytes.
pub fn normalize(text: &str) -> String {
    let apart = decompose(text);
    let mut composed: Vec<(u8, char)> = Vec::with_capacity(apart.len());
    let mut starter: Option<usize> = None;
    for (class, c) in apart {
        if let Some(starter) = starter {
            // A mark of its class or a higher one keeps it from the starter.
            let between = composed[starter + 1..].last();
            let blocked = between.is_some_and(|(before, _)| *before >= class);
            if !blocked && let Some(one) = compose(composed[starter].1, c) {
                composed[starter].1 = one;
                continue;
            }
        }
        if class == 0 {
            starter = Some(composed.len());
        }
        composed.push((class, c));
    }
    composed.into_iter().map(|(_, c)| c).collect()
}

/// Letters and marks apart, each with its combining class, in canonical order (Form D).
fn decompose(text: &str) -> Vec<(u8, char)> {
    let mut apart = Vec::with_capacity(text.len());
    for c in text.chars() {
        decompose_canonical(c, |c| apart.push((canonical_combining_class(c), c)));
    }
    for marks in apart.split_mut(|(class, _)| *class == 0) {
        marks.sort_by_key(|(class, _)| *class);
    }
    apart
}

/// Text as it is searched for in any case: Unicode's full case folding (`CaseFolding.txt`, C and F,
/// not the Turkic T), which depends neither on a letter's place nor on a language.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        UniCase::unicode(text).to_folded_case()
    }
}

/// Whether a character beyond ASCII may stand in a name that people have to tell from others, by
/// the profile of UTS 39: letters, marks and digits in use today. What is invisible, unassigned,
/// private, a control, or a variant of another character (full-width forms, ligatures) may not; nor,
/// here, the punctuation that the profile has for some languages: `‐` is no `-`.
pub fn is_identifier(c: char) -> bool {
    let punctuation = matches!(
        c,
        '\u{b7}'
            | '\u{375}'
            | '\u{58a}'
            | '\u{5f3}'
            | '\u{5f4}'
            | '\u{6fd}'
            | '\u{6fe}'
            | '\u{f0b}'
            | '\u{2010}'
            | '\u{2019}'
            | '\u{2027}'
            | '\u{30a0}'
            | '\u{30fb}'
    );
    !c.is_ascii() && c.identifier_allowed() && !punctuation
}

/// Whether each mark alters a letter or a digit, and none the one that has it already.
pub fn marks_are_seen(text: &str) -> bool {
    let mut before = '-';
    decompose(text).into_iter().all(|(class, c)| {
        let on = std::mem::replace(&mut before, c);
        class == 0 || (on != '-' && on != c)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use unicode_normalization::UnicodeNormalization as _;

    use super::*;

    #[test]
    fn every_character_is_normalized_as_the_crate_does() {
        let differs = ('\0'..=char::MAX)
            .map(String::from)
            .find(|c| normalize(c) != c.nfc().collect::<String>());
        assert_eq!(differs, None);
    }

    proptest! {
        #[test]
        fn every_text_is_normalized_as_the_crate_does(
            text in "[aeiouAEsSzqé가각\u{1100}-\u{11c2}\u{300}-\u{345}\u{5b0}-\u{5c2}\u{915}\u{93c}\u{94d}\u{9c7}\u{9be}\u{1e00}-\u{1eff}\u{1f00}-\u{1fff}\u{1d15e}\u{1d165}]{0,12}",
            other in ".{0,20}",
        ) {
            for text in [text, other] {
                prop_assert_eq!(normalize(&text), text.nfc().collect::<String>());
            }
        }
    }

    #[test]
    fn what_differs_in_case_alone_folds_to_one() {
        for (texts, folded) in [
            (&["ΟΔΥΣΣΕΥΣ", "Οδυσσευς", "οδυσσευσ"][..], "οδυσσευσ"),
            (&["STRASSE", "Straße", "STRAẞE"], "strasse"),
            (&["ﬁNE", "FINE", "ﬁne"], "fine"),
            (&["ŉ", "ʼN"], "ʼn"),
            (&["K", "K", "k"], "k"),
            (&["Å", "Å", "å"], "å"),
            (&["ſ", "S", "s"], "s"),
            (&["Ǆ", "ǅ", "ǆ"], "ǆ"),
            (&["Ꭰ", "ꭰ"], "Ꭰ"),
            (&["ᲐᲑ", "აბ"], "აბ"),
            (&["ᾳ", "ᾼ", "ΑΙ"], "αι"),
            (&["ΐ", "ΐ"], "ι\u{308}\u{301}"),
            (&["µ", "Μ", "μ"], "μ"),
            (&["ﬅ", "ﬆ", "ST"], "st"),
            (&["և", "ԵՒ"], "եւ"),
            (&["𐐀", "𐐨"], "𐐨"),
            // Not the Turkic folding: the dot is a mark of its own, and ı is no i.
            (&["İ", "i\u{307}"], "i\u{307}"),
            (&["ı"], "ı"),
            (&["I", "i"], "i"),
        ] {
            for text in texts {
                assert_eq!(fold(text), folded, "{text}");
            }
        }
    }

    /// Of all of Unicode: a fold is final, and a letter's other cases fold to the same.
    #[test]
    fn folding_is_blind_to_case() {
        let mut characters = ('\0'..=char::MAX).filter(|c| !matches!(c, 'İ' | 'ı'));
        let differs = characters.find(|c| {
            let folded = fold(&c.to_string());
            let cases =
                [c.to_uppercase().collect::<String>(), c.to_lowercase().collect(), folded.clone()];
            cases.iter().any(|case| fold(case) != folded)
        });
        assert_eq!(differs, None);
    }

    #[test]
    fn one_text_has_one_spelling() {
        for (spelled, normal) in [
            ("e\u{301}", "é"),
            ("\u{212b}", "Å"),
            ("q\u{307}\u{323}", "q\u{323}\u{307}"),
            ("\u{1112}\u{1161}\u{11ab}", "한"),
            ("\u{958}", "\u{915}\u{93c}"),
            ("ﬁＡ", "ﬁＡ"),
        ] {
            assert_eq!(normalize(spelled), normal);
        }
    }

    #[test]
    fn what_nobody_sees_is_no_identifier() {
        for c in "éßאあ한中ñйสर".chars() {
            assert!(is_identifier(c), "{c}");
        }
        for c in [
            '\u{0}',
            '\u{7f}',
            '\u{a0}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{180b}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{2028}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2800}',
            '\u{3000}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{1d173}',
            '\u{e0001}',
            '\u{e0061}',
            '\u{e0100}',
            // Unassigned, no character, private use.
            '\u{378}',
            '\u{fdd0}',
            '\u{ffff}',
            '\u{e000}',
            '\u{f0000}',
            '\u{10ffff}',
            // Variants of other characters.
            'ａ',
            '．',
            '。',
            'ﬁ',
            '①',
            'ℎ',
            '𝐚',
            'K',
            '´',
            '‐',
            '’',
            '·',
            '❤',
        ] {
            assert!(!is_identifier(c), "{c:?}");
        }
    }
}
