//! Where SQL is code, and where it is quoted or a comment.

use std::iter;

/// A statement in pieces, and of each whether it is code: neither quoted nor a comment.
pub fn pieces(sql: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = sql;
    iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let opaque = opaque(rest);
        let (piece, after) = rest.split_at(opaque.unwrap_or_else(|| code(rest)));
        rest = after;
        Some((piece, opaque.is_none()))
    })
}

/// The statement with what `write` puts in place of each `$n`, by its number. Where that writes
/// nothing and says so, the text stays.
pub fn with_arguments(sql: &str, mut write: impl FnMut(&mut String, usize) -> bool) -> String {
    let mut whole = String::with_capacity(sql.len());
    for (piece, is_code) in pieces(sql) {
        let mut rest = piece;
        while let Some(at) = rest.find('$').filter(|_| is_code) {
            let digits = rest[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
            let end = at + 1 + digits;
            whole.push_str(&rest[..at]);
            if !rest[at + 1..end].parse().is_ok_and(|number| write(&mut whole, number)) {
                whole.push_str(&rest[at..end]);
            }
            rest = &rest[end..];
        }
        whole.push_str(rest);
    }
    whole
}

/// How long the quoted text or the comment is that this begins with.
fn opaque(sql: &str) -> Option<usize> {
    let end = |open: usize, close: &str| {
        Some(sql[open..].find(close).map_or(sql.len(), |at| open + at + close.len()))
    };
    match sql.as_bytes() {
        [b'\'', ..] => end(1, "'"),
        [b'"', ..] => end(1, "\""),
        [b'-', b'-', ..] => end(2, "\n"),
        [b'/', b'*', ..] => end(2, "*/"),
        _ => None,
    }
}

/// How much code it begins with.
fn code(sql: &str) -> usize {
    let mut marks = sql.match_indices(['\'', '"', '-', '/']).map(|(at, _)| at);
    marks.find(|&at| opaque(&sql[at..]).is_some()).unwrap_or(sql.len())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_argument_is_none_in_quotes_and_comments() {
        let marked = |sql| {
            with_arguments(sql, |whole, number| number < 12 && write!(whole, "<{number}>").is_ok())
        };
        for (sql, expected) in [
            ("a = $1 AND b = $11+$2", "a = <1> AND b = <11>+<2>"),
            ("-- costs_$1\nSELECT $1", "-- costs_$1\nSELECT <1>"),
            ("SELECT '$1', 'it''s $1', $1", "SELECT '$1', 'it''s $1', <1>"),
            ("SELECT \"$1\" - $1 / $2", "SELECT \"$1\" - <1> / <2>"),
            ("/* $1 -- ' */ $1 -- ' $1", "/* $1 -- ' */ <1> -- ' $1"),
            ("'$.a' || $1 || '$", "'$.a' || <1> || '$"),
            ("$ $x $12 $", "$ $x $12 $"),
            ("'é$1' é$1é", "'é$1' é<1>é"),
        ] {
            assert_eq!(marked(sql), expected);
        }
        assert_eq!(
            with_arguments("$1 $99999999999999999999", |_, _| false),
            "$1 $99999999999999999999"
        );
    }

    proptest! {
        #[test]
        fn pieces_are_the_whole(sql in "[a$1'\"/*\\-\né ]{0,40}") {
            let whole: String = pieces(&sql).map(|(piece, _)| piece).collect();
            prop_assert_eq!(&whole, &sql);
            prop_assert_eq!(with_arguments(&sql, |_, _| false), sql);
        }
    }
}
