use std::ops::Deref;

use http::{HeaderMap, HeaderName};
use trireme_core::{Timestamp, host::Host, uuid::fmt::Hyphenated};

use crate::ids;

pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// What a request is called in its answer and in the log.
pub enum RequestId<'r> {
    /// The caller's own.
    Given(&'r str),
    Fresh([u8; Hyphenated::LENGTH]),
}

impl<'r> RequestId<'r> {
    /// The caller's own id when it is sane (1 to 128 letters, digits and `-_.`), else a new one.
    pub fn of<H: Host>(headers: &'r HeaderMap, host: &H, now: Timestamp) -> Self {
        let given = headers.get(&HEADER).and_then(|id| id.to_str().ok());
        given.filter(|id| is_sane(id)).map_or_else(
            || {
                let mut text = [0; Hyphenated::LENGTH];
                ids::unordered(host, now).hyphenated().encode_lower(&mut text);
                Self::Fresh(text)
            },
            Self::Given,
        )
    }
}

fn is_sane(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

impl Deref for RequestId<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        match self {
            Self::Given(id) => id,
            // Hexadecimal digits and hyphens.
            Self::Fresh(text) => str::from_utf8(text).unwrap_or_default(),
        }
    }
}
