//! The document as it is served.

/// A committed OpenAPI document without its white space: what [`Product::DOCUMENT`] is. A test or
/// the check of a build keeps the file equal to what the `openapi` command prints.
///
/// [`Product::DOCUMENT`]: crate::Product::DOCUMENT
#[macro_export]
macro_rules! document {
    ($file:literal) => {{
        const COMMITTED: &[u8] = include_bytes!($file);
        static TEXT: [u8; $crate::openapi::compact(COMMITTED, &mut [])] = {
            let mut text = [0; $crate::openapi::compact(COMMITTED, &mut [])];
            $crate::openapi::compact(COMMITTED, &mut text);
            text
        };
        &TEXT
    }};
}

/// Copies a JSON text without the white space between its tokens, as far as there is room, and
/// answers how long it is.
#[doc(hidden)]
pub const fn compact(text: &[u8], room: &mut [u8]) -> usize {
    let (mut read, mut written) = (0, 0);
    let (mut quoted, mut escaped) = (false, false);
    while read < text.len() {
        let byte = text[read];
        read += 1;
        if quoted || !byte.is_ascii_whitespace() {
            if written < room.len() {
                room[written] = byte;
            }
            written += 1;
        }
        if byte == b'"' && !escaped {
            quoted = !quoted;
        }
        escaped = byte == b'\\' && !escaped;
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_tokens_goes() {
        let text = br#"{ "a b" : [ 1 , "\" \\" , "\\\" " ] }"#;
        let mut room = [0; 64];
        let length = compact(text, &mut room);
        assert_eq!(room[..length], *br#"{"a b":[1,"\" \\","\\\" "]}"#);
    }
}
