//! Origins (RFC 6454) and the patterns of `CORS_ORIGINS`.

/// An exact origin, or one with a leading `*` inside its first label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPattern {
    /// Up to the `*`: `https://`. The whole origin when there is none.
    before: String,
    /// From the `*` on: `-team.vercel.app`.
    after: Option<String>,
}

impl OriginPattern {
    /// `https://app.example.com`, `http://localhost:3000`, `https://*-team.vercel.app`. `None`
    /// for anything else: a path, a bare `*`, a `*` that is a whole label, or a second one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let (scheme, rest) = text.split_once("://")?;
        // Browsers leave the default port out.
        let rest = match scheme {
            "https" => rest.strip_suffix(":443").unwrap_or(rest),
            _ => rest.strip_suffix(":80").unwrap_or(rest),
        };
        if !matches!(scheme, "http" | "https") {
            return None;
        }
        let (wildcard, rest) = match rest.strip_prefix('*') {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        if !is_authority(rest) {
            return None;
        }
        if !wildcard {
            return Some(Self { before: format!("{scheme}://{rest}"), after: None });
        }
        // The rest of the first label must be more than separators, and a domain must follow.
        let (label, domain) = rest.split_once('.')?;
        let fixed = label.chars().any(|c| c.is_ascii_alphanumeric());
        (fixed && !domain.is_empty())
            .then(|| Self { before: format!("{scheme}://"), after: Some(rest.to_owned()) })
    }

    pub const fn has_wildcard(&self) -> bool {
        self.after.is_some()
    }

    /// Whether a request's `Origin` is this one. A `*` stands for one or more characters of a
    /// label: letters, digits and hyphens, never a dot.
    pub fn matches(&self, origin: &str) -> bool {
        let Some(after) = &self.after else { return origin.eq_ignore_ascii_case(&self.before) };
        let origin = origin.to_ascii_lowercase();
        origin
            .strip_prefix(&self.before)
            .and_then(|rest| rest.strip_suffix(after.as_str()))
            .is_some_and(|label| {
                !label.is_empty()
                    && !label.starts_with('-')
                    && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            })
    }
}

/// A host with an optional port; no user, path, query or `*`.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.ends_with(':') && !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port_ok = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_ok = match address {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && !host.starts_with('.')
                && !host.contains("..")
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        }
    };
    port_ok && host_ok
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, origin: &str) -> bool {
        OriginPattern::parse(pattern).unwrap().matches(origin)
    }

    #[test]
    fn exact_origins_are_exact() {
        assert!(matches("https://app.example.com", "https://app.example.com"));
        assert!(matches("http://localhost:3000", "http://localhost:3000"));
        assert!(matches("https://app.example.com:443", "https://app.example.com"));
        assert!(matches("http://[::1]:3000", "http://[::1]:3000"));
        for other in [
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com.evil.example",
            "https://xapp.example.com",
            "null",
            "",
        ] {
            assert!(!matches("https://app.example.com", other), "{other}");
        }
    }

    #[test]
    fn a_star_is_a_part_of_one_label() {
        let pattern = "https://*-team.vercel.app";
        assert!(matches(pattern, "https://app-git-main-team.vercel.app"));
        for other in [
            "https://-team.vercel.app",
            "https://evil.example/-team.vercel.app",
            "https://a.b-team.vercel.app",
            "https://evil-team.vercel.app.evil.example",
            "https://user@x-team.vercel.app",
            "http://app-team.vercel.app",
            "https://a:b-team.vercel.app",
        ] {
            assert!(!matches(pattern, other), "{other}");
        }
    }

    #[test]
    fn loose_patterns_are_refused() {
        for wrong in [
            "*",
            "https://*",
            "https://*.vercel.app",
            "https://*-.vercel.app",
            "https://*a",
            "https://a*b.example",
            "https://*a.*b.example",
            "https://app.example.com/",
            "https://app.example.com/x",
            "ftp://x.example",
            "app.example.com",
            "https://",
            "https://x.example:0",
            "https://u@x.example",
            "null",
        ] {
            assert_eq!(OriginPattern::parse(wrong), None, "{wrong}");
        }
    }
}
