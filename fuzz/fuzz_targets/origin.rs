//! An `Origin`, and a pattern of CORS_ORIGINS: what a pattern lets through ends as it does, in
//! one label more than nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use trireme_core::http::cors::OriginPattern;

fuzz_target!(|input: (&str, &str)| {
    let (pattern, origin) = input;
    let fixed = OriginPattern::parse("https://*-team.vercel.app").expect("the pattern is good");
    if fixed.matches(origin) {
        let lower = origin.to_ascii_lowercase();
        let label = lower.strip_prefix("https://").and_then(|rest| rest.strip_suffix("-team.vercel.app"));
        assert!(label.is_some_and(|label| !label.is_empty() && !label.contains(['.', '/', '@', ':'])));
    }
    if let Some(parsed) = OriginPattern::parse(pattern) {
        let _ = parsed.matches(origin);
        assert!(parsed.has_wildcard() || parsed.matches(pattern), "an exact origin matches itself");
    }
});
