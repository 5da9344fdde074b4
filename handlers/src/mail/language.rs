//! Which language of those that there are somebody reads best (RFC 9110, 12.5.4).

/// What is written in when nothing else fits.
pub const DEFAULT: &str = "en";

/// Written from right to left.
pub fn is_rtl(language: &str) -> bool {
    matches!(language, "ar" | "dv" | "fa" | "he" | "ps" | "ur" | "yi")
}

/// The language that is weighed most of those that `find` knows, whatever the region; of equals the first.
pub fn choose(accepted: &str, find: impl Fn(&str) -> Option<&'static str>) -> &'static str {
    let (mut best, mut weight) = (DEFAULT, 0);
    for item in accepted.split(',').take(20) {
        let mut parts = item.split(';').map(str::trim);
        let range = parts.next().unwrap_or_default();
        let language = range.split('-').next().unwrap_or_default().to_ascii_lowercase();
        let weighed =
            parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1000), thousandths);
        let Some(weighed) = weighed.filter(|&weighed| weighed > weight) else { continue };
        if let Some(found) = find(&language) {
            (best, weight) = (found, weighed);
        }
    }
    best
}

/// `0.8`, as 800.
fn thousandths(text: &str) -> Option<u32> {
    let number: f32 = text.parse().ok()?;
    (0.0..=1.0).contains(&number).then_some((number * 1000.0) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_that_is_weighed_most_is_chosen() {
        let find = |language: &str| ["en", "de", "ar"].into_iter().find(|known| *known == language);
        for (accepted, due) in [
            ("", "en"),
            ("de", "de"),
            ("DE-at, en;q=0.9", "de"),
            ("fr-FR, fr;q=0.9, de;q=0.8, ar;q=0.7", "de"),
            ("de;q=0.5, ar; q=0.6", "ar"),
            ("de;q=0, ar;q=0.1", "ar"),
            ("en;q=0.5, de;q=0.5", "en"),
            ("*", "en"),
            ("de;q=2, de;q=x, de;q=-1", "en"),
            ("zh, tlh", "en"),
        ] {
            assert_eq!(choose(accepted, find), due, "{accepted}");
        }
    }
}
