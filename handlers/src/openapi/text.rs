//! The document as it is served.

/// Kept equal to [`super::document`] by a test.
const COMMITTED: &[u8] = include_bytes!("../../../docs/openapi.json");

/// The committed document without its white space, on every host: to derive it anew at each start
/// takes an edge host longer than a request, and the schemas are a tenth of what has to be loaded.
pub static TEXT: [u8; LENGTH] = {
    let mut text = [0; LENGTH];
    compact(COMMITTED, &mut text);
    text
};

const LENGTH: usize = compact(COMMITTED, &mut []);

/// Copies a JSON text without the white space between its tokens, as far as there is room, and
/// answers how long it is.
const fn compact(text: &[u8], room: &mut [u8]) -> usize {
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
