//! What trusted proxies say about the client: `X-Forwarded-For`, `X-Forwarded-Proto` and
//! `Forwarded` (RFC 7239).

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, header};

use crate::{config::Proxies, host::Peer};

/// The client as far as it can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    pub address: IpAddr,
    /// `Some(true)` for https, `Some(false)` for http, `None` when nobody trusted said.
    pub https: Option<bool>,
}

/// Walks from the peer outwards for as long as the one who speaks is trusted. A proxy that
/// sets `X-Forwarded-For` passes a client's `Forwarded` on unread, so the latter counts only
/// where the former is absent.
pub fn client(peer: Peer, trusted: &Proxies, headers: &HeaderMap) -> Client {
    if peer.trusted_platform {
        return Client { address: peer.address, https: Some(peer.https) };
    }
    if !trusted.trusts(peer.address) {
        return Client { address: peer.address, https: peer.https.then_some(true) };
    }
    let hops: Vec<Hop> = if headers.contains_key(FOR) {
        let plain = |hop| Hop { node: node(hop), proto: None };
        members(headers, FOR, split_plain).map(plain).collect()
    } else {
        members(headers, FORWARDED, split_quoted).map(Hop::read).collect()
    };
    let mut address = peer.address;
    let mut walked = 0;
    for hop in hops.iter().rev() {
        if !trusted.trusts(address) || (trusted.only_peer() && walked == 1) {
            break;
        }
        // An unreadable hop hides whoever is behind it.
        let Some(next) = hop.node else { break };
        address = next;
        walked += 1;
    }
    // Each trusted hop may have added its own word; the client's is the last hop's.
    let outermost = |count: usize| count.saturating_sub(walked.max(1));
    let said = hops.get(outermost(hops.len())).and_then(|hop| hop.proto);
    let protos: Vec<_> = members(headers, PROTO, split_plain).collect();
    let proto = said.or_else(|| protos.get(outermost(protos.len())).copied());
    Client { address, https: proto.map(|proto| proto.eq_ignore_ascii_case(b"https")) }
}

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED: HeaderName = header::FORWARDED;

/// Whether somebody says that the request comes from elsewhere.
pub fn is_told(headers: &HeaderMap) -> bool {
    [FOR, FORWARDED, PROTO].iter().any(|name| headers.contains_key(name))
}

/// What one proxy said: who asked it, and how.
struct Hop<'h> {
    node: Option<IpAddr>,
    proto: Option<&'h [u8]>,
}

impl<'h> Hop<'h> {
    /// An element of `Forwarded`.
    fn read(element: &'h [u8]) -> Self {
        Self {
            node: parameter(element, b"for").and_then(node),
            proto: parameter(element, b"proto"),
        }
    }
}

/// The members of a comma-separated header, over all its lines, in their order. They are cut off
/// from the right, where the proxies that are nearest write, byte by byte: whatever a client has
/// written before them changes nothing about theirs.
fn members(
    headers: &HeaderMap,
    name: HeaderName,
    split: Split,
) -> impl DoubleEndedIterator<Item = &[u8]> {
    let mut members = Vec::new();
    for line in headers.get_all(name).iter().rev() {
        members.extend(parts(line.as_bytes(), b',', split));
    }
    members.into_iter().rev().filter(|member| !member.is_empty())
}

/// How the last separator in a line is found.
type Split = fn(&[u8], u8) -> Option<usize>;

/// The parts between separators, from the right.
fn parts(line: &[u8], separator: u8, split: Split) -> impl Iterator<Item = &[u8]> {
    let mut left = Some(line);
    std::iter::from_fn(move || {
        let line = left?;
        let at = split(line, separator);
        left = at.map(|at| &line[..at]);
        Some(line[at.map_or(0, |at| at + 1)..].trim_ascii())
    })
}

/// Where the last separator is.
fn split_plain(line: &[u8], separator: u8) -> Option<usize> {
    line.iter().rposition(|byte| *byte == separator)
}

/// Where the last separator is that no quotes enclose (RFC 9110, section 5.6.4).
fn split_quoted(line: &[u8], separator: u8) -> Option<usize> {
    let (mut at, mut quoted) = (line.len(), false);
    while at > 0 {
        at -= 1;
        match line[at] {
            b'"' => {
                let escapes = line[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
                quoted ^= !quoted || escapes.is_multiple_of(2);
            }
            byte if byte == separator && !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// One `name=value` of a `Forwarded` element, without its quotes.
fn parameter<'h>(element: &'h [u8], name: &[u8]) -> Option<&'h [u8]> {
    parts(element, b';', split_quoted).find_map(|pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (key, value) = (pair[..equals].trim_ascii(), pair[equals + 1..].trim_ascii());
        let bare = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
        key.eq_ignore_ascii_case(name).then(|| bare.unwrap_or(value))
    })
}

/// An address with or without a port: `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`,
/// `[2001:db8::1]:4711`. `unknown` and obfuscated names are `None`.
fn node(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address =
        bare.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|node| node.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn ask_of(
        trusted: &str,
        peer: &str,
        lines: &[(&'static str, &[u8])],
    ) -> (String, Option<bool>) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_bytes(value).unwrap());
        }
        let peer = Peer { address: peer.parse().unwrap(), trusted_platform: false, https: false };
        let client = client(peer, &Proxies::parse(&[trusted.to_owned()]).unwrap(), &headers);
        (client.address.to_string(), client.https)
    }

    fn ask(peer: &str, lines: &[(&'static str, &str)]) -> (String, Option<bool>) {
        let lines: Vec<_> = lines.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
        ask_of("10.0.0.0/8", peer, &lines)
    }

    #[test]
    fn only_trusted_hops_are_believed() {
        let xff =
            [("x-forwarded-for", "1.1.1.1, 192.0.2.7, 10.0.0.2"), ("x-forwarded-proto", "https")];
        assert_eq!(ask("10.0.0.1", &xff), ("192.0.2.7".into(), Some(true)));
        assert_eq!(ask("203.0.113.9", &xff), ("203.0.113.9".into(), None));
        assert_eq!(ask("10.0.0.1", &[("x-forwarded-for", "unknown")]), ("10.0.0.1".into(), None));
    }

    /// What a client sends stands to the left of what its proxy adds.
    #[test]
    fn nothing_that_a_client_sends_hides_it() {
        for sent in [
            &b"\xff"[..],
            b"1.1.1.1, \xc3\xa9",
            b"\x80,",
            b",,,",
            b"\"",
            b"a\"b",
            b"\\",
            b"\t",
            b"for=\"",
            b"10.0.0.9",
        ] {
            let line = [sent, b", 192.0.2.7"].concat();
            let lines = [("x-forwarded-for", &line[..])];
            assert_eq!(ask_of("10.0.0.0/8", "10.0.0.1", &lines).0, "192.0.2.7", "{sent:?}");
            let lines = [("x-forwarded-for", sent), ("x-forwarded-for", b"192.0.2.7")];
            assert_eq!(ask_of("10.0.0.0/8", "10.0.0.1", &lines).0, "192.0.2.7", "{sent:?}");
            let line = [sent, b", for=192.0.2.7;by=\"a,\\\"b\";proto=https"].concat();
            let lines = [("forwarded", &line[..])];
            let client = ask_of("10.0.0.0/8", "10.0.0.1", &lines);
            assert_eq!(client, ("192.0.2.7".into(), Some(true)), "{sent:?}");
            let lines = [("x-forwarded-proto", sent), ("x-forwarded-proto", b"https")];
            assert_eq!(ask_of("10.0.0.0/8", "10.0.0.1", &lines).1, Some(true), "{sent:?}");
        }
    }

    #[test]
    fn a_star_trusts_the_peer_and_nobody_behind_it() {
        let lines = [("x-forwarded-for", &b"1.2.3.4, 5.6.7.8"[..])];
        assert_eq!(ask_of("*", "10.0.0.1", &lines).0, "5.6.7.8");
    }

    #[test]
    fn the_scheme_is_the_outermost_trusted_hops() {
        let lines =
            [("x-forwarded-for", "192.0.2.7, 10.0.0.2"), ("x-forwarded-proto", "https, http")];
        assert_eq!(ask("10.0.0.1", &lines), ("192.0.2.7".into(), Some(true)));
        let spoofed = [("x-forwarded-for", "192.0.2.7"), ("x-forwarded-proto", "https, http")];
        assert_eq!(ask("10.0.0.1", &spoofed), ("192.0.2.7".into(), Some(false)));
    }

    #[test]
    fn nodes_are_addresses_with_or_without_a_port() {
        for (text, address) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1:4711", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
        ] {
            assert_eq!(node(text.as_bytes()), address.parse().ok(), "{text}");
        }
        for text in ["", "unknown", "_secret", "[[::1]]", "[192.0.2.1", "192.0.2.1:x", "1.2.3"] {
            assert_eq!(node(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn forwarded_counts_when_it_is_alone() {
        let lines = [("forwarded", "for=192.0.2.7;proto=https, for=10.0.0.2;proto=http")];
        assert_eq!(ask("10.0.0.1", &lines), ("192.0.2.7".into(), Some(true)));
        let line = "for=\"[2001:db8::1]:4711\";proto=http;by=10.0.0.1";
        assert_eq!(ask("10.0.0.1", &[("forwarded", line)]), ("2001:db8::1".into(), Some(false)));
        assert_eq!(
            ask("10.0.0.1", &[("forwarded", line), ("x-forwarded-for", "192.0.2.1")]).0,
            "192.0.2.1"
        );
    }

    proptest! {
        #[test]
        fn whatever_stands_before_the_last_word_changes_nothing(value in "[\t -~\u{80}-\u{ff}]{0,80}") {
            let line = format!("{value}, for=192.0.2.7");
            prop_assert_eq!(ask("10.0.0.1", &[("forwarded", &line)]).0, "192.0.2.7");
            let line = format!("{value}, 192.0.2.7");
            prop_assert_eq!(ask("10.0.0.1", &[("x-forwarded-for", &line)]).0, "192.0.2.7");
            ask("10.0.0.1", &[("forwarded", &value)]);
            ask("10.0.0.1", &[("x-forwarded-for", &value), ("x-forwarded-proto", &value)]);
        }
    }
}
