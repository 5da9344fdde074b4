//! What ids, times and codes look like on the wire, and when two values are the same.

use serde_json::Value;

/// Whether the text is a lower-case, hyphenated UUID of any version.
pub fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        })
}

/// Whether the text is a UUIDv7 of the RFC 9562 variant.
pub fn is_uuid_v7(text: &str) -> bool {
    let bytes = text.as_bytes();
    is_uuid(text) && bytes[14] == b'7' && matches!(bytes[19], b'8' | b'9' | b'a' | b'b')
}

/// Whether the text is a time in UTC with milliseconds: `2026-11-20T12:00:00.000Z`.
pub fn is_time(text: &str) -> bool {
    const FORM: &[u8] = b"0000-00-00T00:00:00.000Z";
    text.len() == FORM.len()
        && text.bytes().zip(FORM).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            _ => byte == *form,
        })
}

/// Whether the text could be a stable code such as `invalid_text`.
pub fn is_code(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && !text.ends_with('_')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Whether two values are the same to a reader of JSON, to whom 1.0 is 1.
pub fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() != b.is_f64() => {
            a.as_f64() == b.as_f64()
        }
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_each_shape_and_its_near_misses() {
        assert!(is_uuid_v7("019ab1f2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"));
        assert!(!is_uuid_v7("019ab1f2-7c3d-4e4f-8a5b-6c7d8e9f0a1b"));
        assert!(is_uuid("019ab1f2-7c3d-4e4f-8a5b-6c7d8e9f0a1b"));
        assert!(!is_uuid("019AB1F2-7c3d-4e4f-8a5b-6c7d8e9f0a1b"));
        assert!(is_time("2026-11-20T12:00:00.000Z"));
        assert!(!is_time("2026-11-20T12:00:00Z"));
        assert!(!is_time("2026-11-20T12:00:00.000+0"));
        assert!(is_same(&1.into(), &1.0.into()) && !is_same(&1.into(), &1.5.into()));
        assert!(is_code("not_found") && !is_code("NotFound") && !is_code("not_") && !is_code(""));
    }
}
