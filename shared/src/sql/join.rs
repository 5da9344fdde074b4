//! Texts that are put together while the program is compiled.

/// A statement's whole text, with constant parts in its `{}`, as `format!` has them: a record's
/// columns, or what several statements say.
///
/// ```
/// use trireme_core::{if_match, sql};
///
/// const COLUMNS: &str = "id, name";
/// let get = sql!("-- get_note\nSELECT {} FROM notes WHERE user_id = $1", COLUMNS);
/// assert_eq!(get, "-- get_note\nSELECT id, name FROM notes WHERE user_id = $1");
///
/// let delete = sql!("-- delete_note\nDELETE FROM notes WHERE user_id = $1 AND {}", if_match!("$2", "version"));
/// assert!(delete.ends_with("(CAST($2 AS text) IS NULL OR $2 LIKE '%,' || version || ',%')"));
/// ```
///
/// As many parts as there are places, or it does not compile:
///
/// ```compile_fail,E0080
/// trireme_core::sql!("SELECT {} FROM {}", "name");
/// ```
#[macro_export]
macro_rules! sql {
    ($template:expr $(, $part:expr)* $(,)?) => {{
        const TEMPLATE: &str = $template;
        const PARTS: &[&str] = &[$($part),*];
        const TEXT: [u8; $crate::sql::join::length(TEMPLATE, PARTS)] =
            $crate::sql::join::fill(TEMPLATE, PARTS);
        const { $crate::sql::join::text(&TEXT) }
    }};
}

/// The condition of `If-Match`: nothing is demanded by the argument of this number, or `tag`, an
/// SQL expression such as a record's `TAG`, is among what is. The argument is the precondition's `value()`.
#[macro_export]
macro_rules! if_match {
    ($number:literal, $tag:expr $(,)?) => {
        $crate::sql!(
            "(CAST({} AS text) IS NULL OR {} LIKE '%,' || {} || ',%')",
            $number,
            $number,
            $tag
        )
    };
}

/// How long the text is. Its places are as many as the parts.
pub const fn length(template: &str, parts: &[&str]) -> usize {
    let template = template.as_bytes();
    let mut length = template.len();
    let mut part = 0;
    let mut at = 0;
    while at < template.len() {
        if is_place(template, at) {
            assert!(part < parts.len(), "sql! has more places than parts");
            length = length - 2 + parts[part].len();
            part += 1;
        }
        at += 1;
    }
    assert!(part == parts.len(), "sql! has more parts than places");
    length
}

/// The text, each part in its place.
pub const fn fill<const LENGTH: usize>(template: &str, parts: &[&str]) -> [u8; LENGTH] {
    let template = template.as_bytes();
    let mut filled = [0; LENGTH];
    let mut written = 0;
    let mut part = 0;
    let mut at = 0;
    while at < template.len() {
        if is_place(template, at) {
            written = copy(parts[part].as_bytes(), &mut filled, written);
            part += 1;
            at += 2;
        } else {
            filled[written] = template[at];
            written += 1;
            at += 1;
        }
    }
    filled
}

const fn is_place(template: &[u8], at: usize) -> bool {
    template[at] == b'{' && at + 1 < template.len() && template[at + 1] == b'}'
}

const fn copy(text: &[u8], into: &mut [u8], mut at: usize) -> usize {
    let mut read = 0;
    while read < text.len() {
        into[at] = text[read];
        at += 1;
        read += 1;
    }
    at
}

/// What was joined, which is text since its parts are.
pub const fn text(bytes: &[u8]) -> &str {
    match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => panic!("texts join to text"),
    }
}
