//! Who is believed about clients: `TRUSTED_PROXIES`.

use std::net::IpAddr;

/// A network of addresses; IPv4 is kept as IPv4-mapped IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    network: u128,
    bits: u32,
}

impl Cidr {
    /// All of IPv4.
    const V4: Self = Self { network: 0xffff << 32, bits: 96 };

    /// An address, or a network such as `10.0.0.0/8`.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let plain = |bits: &&str| bits.bytes().all(|byte| byte.is_ascii_digit());
        let bits = bits.map(|bits| Some(bits).filter(plain)?.parse().ok());
        let bits: u32 = bits.unwrap_or(Some(width))?;
        (bits <= width).then(|| Self { network: number(address), bits: bits + 128 - width })
    }

    pub fn contains(self, address: IpAddr) -> bool {
        self.shares(number(address), self.bits)
    }

    fn holds(self, other: Self) -> bool {
        self.bits <= other.bits && self.shares(other.network, self.bits)
    }

    fn shares(self, number: u128, bits: u32) -> bool {
        bits == 0 || (number ^ self.network) >> (128 - bits) == 0
    }

    /// How many addresses there are in it, as a power of two, and whether they are IPv4's.
    fn size(self) -> (bool, u32) {
        if Self::V4.holds(self) {
            (true, 128 - self.bits)
        } else if self.holds(Self::V4) {
            (true, 32)
        } else {
            (false, 128 - self.bits)
        }
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// Networks that can be named instead of numbered: where platforms' proxies connect from, as the
/// platforms say themselves (Cloudflare's list: <https://www.cloudflare.com/ips/>), and what the
/// RFCs 1918, 3927, 4193 and 4291 set apart.
const NAMED: [(&str, &[&str]); 5] = [
    ("loopback", &["127.0.0.0/8", "::1"]),
    ("private", &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]),
    ("link_local", &["169.254.0.0/16", "fe80::/10"]),
    ("railway", &["100.64.0.0/10"]),
    (
        "cloudflare",
        &[
            "173.245.48.0/20",
            "103.21.244.0/22",
            "103.22.200.0/22",
            "103.31.4.0/22",
            "141.101.64.0/18",
            "108.162.192.0/18",
            "190.93.240.0/20",
            "188.114.96.0/20",
            "197.234.240.0/22",
            "198.41.128.0/17",
            "162.158.0.0/15",
            "104.16.0.0/13",
            "104.24.0.0/14",
            "172.64.0.0/13",
            "131.0.72.0/22",
            "2400:cb00::/32",
            "2606:4700::/32",
            "2803:f800::/32",
            "2405:b500::/32",
            "2405:8100::/32",
            "2a06:98c0::/29",
            "2c0f:f248::/32",
        ],
    ),
];

fn named(name: &str) -> Option<impl Iterator<Item = Cidr>> {
    let (_, networks) = NAMED.iter().find(|(known, _)| *known == name)?;
    Some(networks.iter().filter_map(|network| Cidr::parse(network)))
}

/// The proxies whose word about a client counts.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    networks: Vec<Cidr>,
    /// Whoever connects is one, and nobody behind it: `*`.
    peer: bool,
}

/// All networks of a family hold at most this many addresses together, as a power of two: one in 64.
/// Whoever is trusted can claim to be anybody.
const MOST_V4: u32 = 26;
const MOST_V6: u32 = 122;

impl Proxies {
    /// Reads addresses, networks, and names of networks; or `*` alone. The error says what is
    /// wrong without repeating it.
    pub fn parse(items: &[String]) -> Result<Self, &'static str> {
        if items.iter().any(|item| item == "*") {
            return match items {
                [_] => Ok(Self { networks: Vec::new(), peer: true }),
                _ => Err("has * beside others; it stands alone"),
            };
        }
        let mut networks = Vec::new();
        for item in items {
            match named(item) {
                Some(range) => networks.extend(range),
                None => networks.push(Cidr::parse(item).ok_or(
                    "must be addresses, networks such as 10.0.0.0/8, names of networks (loopback, private, link_local, railway, cloudflare), or *",
                )?),
            }
        }
        if is_too_wide(&networks) {
            return Err(
                "trusts so many addresses that anybody could claim to be anybody, and no limit by address would hold; name the networks that your proxy connects from, or write * if nobody but your proxy can connect",
            );
        }
        Ok(Self { networks, peer: false })
    }

    pub fn trusts(&self, address: IpAddr) -> bool {
        self.peer || self.networks.iter().any(|network| network.contains(address))
    }

    /// Whether what the peer says is believed, and not what it says of others.
    pub fn only_peer(&self) -> bool {
        self.peer
    }

    /// What to write into `TRUSTED_PROXIES` to trust this address.
    pub fn to_trust(address: IpAddr) -> String {
        let holds =
            |name: &str| named(name).is_some_and(|mut range| range.any(|it| it.contains(address)));
        let name = NAMED.iter().map(|(name, _)| *name).find(|name| holds(name));
        name.map_or_else(|| address.to_canonical().to_string(), str::to_owned)
    }
}

fn is_too_wide(networks: &[Cidr]) -> bool {
    let mut distinct: Vec<Cidr> = Vec::new();
    for network in networks {
        if !distinct.iter().any(|other| other.holds(*network)) {
            distinct.retain(|other| !network.holds(*other));
            distinct.push(*network);
        }
    }
    // Networks are nested or have nothing in common, so the sizes add up.
    let sum = |v4: bool| {
        let sizes = distinct.iter().map(|it| it.size()).filter(|(family, _)| *family == v4);
        sizes.fold(0_u128, |sum, (_, bits)| {
            sum.saturating_add(1_u128.checked_shl(bits).unwrap_or(u128::MAX))
        })
    };
    sum(true) > 1 << MOST_V4 || sum(false) > 1 << MOST_V6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(list: &str) -> Result<Proxies, &'static str> {
        Proxies::parse(&list.split(',').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn networks_hold_their_addresses() {
        let holds = |network: &str, address: &str| {
            Cidr::parse(network).unwrap().contains(address.parse().unwrap())
        };
        assert!(holds("10.0.0.0/8", "10.200.3.4"));
        assert!(holds("10.0.0.0/8", "::ffff:10.1.1.1"));
        assert!(!holds("10.0.0.0/8", "11.0.0.1"));
        assert!(holds("fd00::/8", "fd12::1"));
        assert!(!holds("::1", "::2"));
        for wrong in ["10.0.0.0/33", "10.0.0/8", "", "::/129", "10.0.0.0/+8", "10.0.0.0/", "*"] {
            assert_eq!(Cidr::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn names_stand_for_networks() {
        for (name, address) in [
            ("loopback", "127.0.0.1"),
            ("loopback", "::1"),
            ("private", "172.20.0.3"),
            ("private", "fd12::1"),
            ("link_local", "fe80::1"),
            ("railway", "100.64.0.3"),
            ("cloudflare", "172.64.1.1"),
            ("cloudflare", "2606:4700::1"),
        ] {
            let address = address.parse().unwrap();
            assert!(parse(name).unwrap().trusts(address), "{name}");
            assert_eq!(Proxies::to_trust(address), name);
        }
        for (name, networks) in NAMED {
            assert_eq!(named(name).unwrap().count(), networks.len(), "{name}");
        }
        assert!(!parse("railway").unwrap().trusts("100.128.0.1".parse().unwrap()));
        assert!(parse("loopback,private,link_local,railway,cloudflare").is_ok());
        assert_eq!(Proxies::to_trust("192.0.2.1".parse().unwrap()), "192.0.2.1");
        assert!(parse("heroku").unwrap_err().contains("names of networks"));
    }

    #[test]
    fn the_whole_internet_is_not_trusted() {
        for wide in [
            "0.0.0.0/0",
            "::/0",
            "::ffff:0:0/96",
            "::/80",
            "0.0.0.0/1,128.0.0.0/1",
            "10.0.0.0/8,0.0.0.0/1",
            "128.0.0.0/2",
            "2000::/3",
            "::/1,8000::/1",
            "0.0.0.0/5",
        ] {
            assert!(parse(wide).unwrap_err().contains("anybody"), "{wide}");
        }
        let all: Vec<_> = (0..=255).map(|first| format!("{first}.0.0.0/8")).collect();
        assert!(Proxies::parse(&all).is_err(), "together they are everything");
        assert!(parse("10.0.0.0/8,10.0.0.0/8,10.1.0.0/16,11.0.0.0/8,17.0.0.0/8,private").is_ok());
        assert!(parse("*").unwrap().only_peer());
        assert!(parse("*,10.0.0.0/8").unwrap_err().contains("alone"));
    }
}
