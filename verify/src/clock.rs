//! The one place where the suite asks what time it is.
//!
//! Durations are what the suite measures and a report says when it was made, so it needs
//! the clocks that handlers are denied.

use std::time::{Instant, SystemTime};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

#[expect(clippy::disallowed_methods, reason = "the suite runs on a native host and measures time")]
pub fn now() -> Instant {
    Instant::now()
}

/// The wall clock in RFC 3339, UTC, whole seconds.
#[expect(clippy::disallowed_methods, reason = "a report says when it was made")]
pub fn wall() -> String {
    let now = OffsetDateTime::from(SystemTime::now()).replace_nanosecond(0);
    now.ok().and_then(|now| now.format(&Rfc3339).ok()).unwrap_or_default()
}
