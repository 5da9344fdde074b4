//! What trusted proxies say about the client: `X-Forwarded-For`, `X-Forwarded-Proto` and
//! `Forwarded` (RFC 7239).

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;

use crate::{config::Cidr, host::Peer};

/// The client as far as it can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    pub address: IpAddr,
    /// `Some(true)` for https, `Some(false)` for http, `None` when nobody trusted said.
    pub https: Option<bool>,
}

/// Walks from the peer outwards for as long as the one who speaks is trusted; [`Cidr::ANY`]
/// trusts the peer, whoever it is, and nobody behind it. A proxy that
/// sets `X-Forwarded-For` passes a client's `Forwarded` on unread, so the latter counts only
/// where the former is absent.
pub fn client(peer: Peer, trusted: &[Cidr], headers: &HeaderMap) -> Client {
    if peer.trusted_platform {
        return Client { address: peer.address, https: Some(peer.https) };
    }
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(peer.address) {
        return Client { address: peer.address, https: peer.https.then_some(true) };
    }
    let forwarded = !headers.contains_key("x-forwarded-for") && headers.contains_key("forwarded");
    let (hops, proto) = if forwarded {
        (
            values(headers, "forwarded").map(|hop| parameter(hop, "for")).collect::<Vec<_>>(),
            values(headers, "forwarded").next_back().and_then(|hop| parameter(hop, "proto")),
        )
    } else {
        (values(headers, "x-forwarded-for").map(Some).collect(), None)
    };
    let one_hop = trusted.contains(&Cidr::ANY);
    let mut address = peer.address;
    let mut walked = 0;
    for hop in hops.into_iter().rev() {
        if !is_trusted(address) || (one_hop && walked == 1) {
            break;
        }
        // An unreadable hop hides whoever is behind it.
        let Some(next) = hop.and_then(node) else { break };
        address = next;
        walked += 1;
    }
    // Each trusted hop may have added its own word; the client's is the last hop's.
    let protos: Vec<_> = values(headers, "x-forwarded-proto").collect();
    let at = protos.len().saturating_sub(walked.max(1));
    let proto = proto.or_else(|| protos.get(at).copied());
    Client { address, https: proto.map(|proto| proto.eq_ignore_ascii_case("https")) }
}

/// The members of a comma-separated header, over all its lines.
fn values<'h>(
    headers: &'h HeaderMap,
    name: &str,
) -> impl DoubleEndedIterator<Item = &'h str> + use<'h> {
    let lines: Vec<_> =
        headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
    lines
        .into_iter()
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|item| !item.is_empty())
}

/// One `name=value` of a `Forwarded` element, without its quotes.
fn parameter<'h>(element: &'h str, name: &str) -> Option<&'h str> {
    element.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

/// An address with or without a port: `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`,
/// `[2001:db8::1]:4711`. `unknown` and obfuscated names are `None`.
fn node(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let address =
        bare.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|node| node.ip()));
    address.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ask(peer: &str, lines: &[(&'static str, &str)]) -> (String, Option<bool>) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        let peer = Peer { address: peer.parse().unwrap(), trusted_platform: false, https: false };
        let client = client(peer, &[Cidr::parse("10.0.0.0/8").unwrap()], &headers);
        (client.address.to_string(), client.https)
    }

    #[test]
    fn only_trusted_hops_are_believed() {
        let xff =
            [("x-forwarded-for", "1.1.1.1, 192.0.2.7, 10.0.0.2"), ("x-forwarded-proto", "https")];
        assert_eq!(ask("10.0.0.1", &xff), ("192.0.2.7".into(), Some(true)));
        assert_eq!(ask("203.0.113.9", &xff), ("203.0.113.9".into(), None));
        assert_eq!(ask("10.0.0.1", &[("x-forwarded-for", "unknown")]), ("10.0.0.1".into(), None));
    }

    #[test]
    fn a_star_trusts_the_peer_and_nobody_behind_it() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", "1.2.3.4, 5.6.7.8".parse().unwrap());
        let address = "10.0.0.1".parse().unwrap();
        let peer = Peer { address, trusted_platform: false, https: false };
        let client = client(peer, &[Cidr::ANY], &headers);
        assert_eq!(client.address.to_string(), "5.6.7.8");
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
    fn forwarded_counts_when_it_is_alone() {
        let line = "for=\"[2001:db8::1]:4711\";proto=http;by=10.0.0.1";
        assert_eq!(ask("10.0.0.1", &[("forwarded", line)]), ("2001:db8::1".into(), Some(false)));
        assert_eq!(
            ask("10.0.0.1", &[("forwarded", line), ("x-forwarded-for", "192.0.2.1")]).0,
            "192.0.2.1"
        );
    }

    proptest! {
        #[test]
        fn never_panics(value in "[ -~]{0,80}") {
            ask("10.0.0.1", &[("forwarded", &value)]);
            ask("10.0.0.1", &[("x-forwarded-for", &value), ("x-forwarded-proto", &value)]);
        }
    }
}
