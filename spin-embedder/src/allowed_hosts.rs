//! Where a component may connect to: `allowed_outbound_hosts`.

use url::Host;
use wasmtime::error::Context as _;
use wasmtime::{Result, ensure};

#[derive(Clone)]
pub struct AllowedHosts(Vec<Rule>);

/// One entry: `scheme://host:port`, each of them perhaps `*`, the port perhaps a range or left out.
#[derive(Clone)]
struct Rule {
    scheme: Option<String>,
    host: Name,
    /// The last is not part of it; `None` when any will do.
    ports: Option<(u16, u16)>,
}

#[derive(Clone)]
enum Name {
    Any,
    /// With the dot before it.
    Below(String),
    Exactly(Host),
}

impl AllowedHosts {
    /// An entry that a template made empty allows nothing.
    pub fn parse(entries: &[String]) -> Result<Self> {
        let rule = |it: &String| {
            Rule::parse(it.trim()).with_context(|| format!("allowed_outbound_hosts: {it:?}"))
        };
        entries.iter().filter(|it| !it.is_empty()).map(rule).collect::<Result<_>>().map(Self)
    }

    pub fn allows(&self, scheme: &str, host: &str, port: u16) -> bool {
        let Ok(host) = Host::parse(host) else { return false };
        self.0.iter().any(|it| it.allows(scheme, &host, port))
    }
}

impl Rule {
    fn parse(entry: &str) -> Result<Self> {
        let (scheme, rest) = entry
            .split_once("://")
            .context("has no scheme; write for example postgres://localhost:5432")?;
        ensure!(
            scheme == "*" || scheme.chars().all(char::is_alphabetic),
            "only letters are allowed in a scheme"
        );
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        ensure!(
            !rest.contains('/'),
            "a path or a range of addresses is more than the embedder knows"
        );
        // The colons of an IPv6 address are in brackets.
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port),
            _ => (rest, ""),
        };
        Ok(Self {
            scheme: (scheme != "*").then(|| scheme.to_owned()),
            host: Name::parse(host)?,
            ports: ports(port, scheme)?,
        })
    }

    fn allows(&self, scheme: &str, host: &Host, port: u16) -> bool {
        self.scheme.as_ref().is_none_or(|it| it == scheme)
            && self.host.allows(host)
            && self.ports.is_none_or(|(first, end)| (first..end).contains(&port))
    }
}

impl Name {
    fn parse(host: &str) -> Result<Self> {
        if host == "*" {
            return Ok(Self::Any);
        }
        let below = host.strip_prefix("*.");
        let name = below.unwrap_or(host);
        ensure!(!name.contains('*'), "a wildcard stands for a whole host or before its first dot");
        Ok(match (below, Host::parse(name)?) {
            (Some(_), Host::Domain(domain)) => Self::Below(format!(".{domain}")),
            (_, exact) => Self::Exactly(exact),
        })
    }

    fn allows(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Below(suffix), Host::Domain(domain)) => domain.ends_with(suffix),
            (Self::Below(_), _) => false,
            (Self::Exactly(exact), host) => exact == host,
        }
    }
}

fn ports(port: &str, scheme: &str) -> Result<Option<(u16, u16)>> {
    let one = |it: u16| Some((it, it.saturating_add(1)));
    Ok(match (port, scheme) {
        ("*", _) => None,
        ("", "postgres") => one(5432),
        ("", "http") => one(80),
        ("", "https") => one(443),
        ("", _) => wasmtime::bail!("has no port, and the scheme has none of its own"),
        (port, _) => match port.split_once("..") {
            Some((first, end)) => Some((first.parse()?, end.parse()?)),
            None => one(port.parse()?),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries() {
        for (entry, host, port, allowed) in [
            ("postgres://localhost", "localhost", 5432, true),
            ("postgres://localhost", "localhost", 5433, false),
            ("postgres://localhost:5433", "localhost", 5433, true),
            ("postgres://127.0.0.1:*", "127.0.0.1", 9, true),
            ("postgres://127.0.0.1:*", "localhost", 9, false),
            ("postgres://[::1]:10..12", "[::1]", 11, true),
            ("postgres://[::1]:10..12", "[::1]", 12, false),
            ("postgres://*.example.org:*", "db.example.org", 1, true),
            ("postgres://*.example.org:*", "example.org", 1, false),
            ("https://*:*", "localhost", 5432, false),
            ("*://*:*", "localhost", 5432, true),
            ("", "localhost", 5432, false),
        ] {
            let hosts = AllowedHosts::parse(&[entry.to_owned()]).unwrap();
            assert_eq!(hosts.allows("postgres", host, port), allowed, "{entry} {host}:{port}");
        }
    }

    #[test]
    fn what_is_no_entry() {
        for wrong in ["localhost", "*://localhost", "postgres://a/b", "postgres://a*:1"] {
            assert!(AllowedHosts::parse(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }
}
