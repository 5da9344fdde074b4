use http::{HeaderMap, HeaderName};
use trireme_core::host::Host;

use crate::ids;

pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The caller's own id when it is sane (1 to 128 letters, digits and `-_.`), else a new one.
pub fn of<H: Host>(headers: &HeaderMap, host: &H) -> String {
    headers
        .get(&HEADER)
        .and_then(|id| id.to_str().ok())
        .filter(|id| {
            (1..=128).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        })
        .map_or_else(|| fresh(host), str::to_owned)
}

pub fn fresh<H: Host>(host: &H) -> String {
    ids::unordered(host).to_string()
}
