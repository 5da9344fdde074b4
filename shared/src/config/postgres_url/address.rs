//! What is before the `?`: user, password, hosts, ports, the database's name.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
};

use percent_encoding::percent_decode_str;

use super::{UrlFault, is_folder};

/// How to write what has a meaning of its own in a URL.
const ENCODE: &str = "in the user and the password write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23, [ as %5B, ] as %5D, % as %25 and a blank as %20";

/// RFC 1035.
const LONGEST_NAME: usize = 253;

/// The address and the parameters behind the first `?`. Of all the ways to put a character into a
/// password that ends or begins another part of the URL, none gets past here: an `@` that is not
/// the only one, or is behind a `/` or a `?`, may be the one before the host, or may not.
pub fn split(rest: &str) -> Result<(&str, &str), UrlFault> {
    let stray = |c: char| c.is_whitespace() || c.is_control() || c == char::REPLACEMENT_CHARACTER;
    if rest.contains(stray) {
        return Err(unclear("it has a blank or another character in it that no URL has"));
    }
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, name) = address.split_once('/').unwrap_or((address, ""));
    let user = authority.split_once('@').map_or("", |(user, _)| user);
    if rest.matches('@').count() > authority.matches('@').count().min(1)
        || rest.contains('#')
        || user.contains(['[', ']'])
        || name.contains(['/', ':'])
    {
        return Err(unclear("it can be read in more than one way"));
    }
    Ok((address, query))
}

/// By libpq's keywords.
pub fn read(address: &str) -> Result<BTreeMap<&'static str, String>, UrlFault> {
    let mut said = BTreeMap::new();
    let (authority, name) = address.split_once('/').unwrap_or((address, ""));
    let (credentials, hosts) = authority.split_once('@').unwrap_or(("", authority));
    let (user, password) = match credentials.split_once(':') {
        Some((user, password)) => (decode(user)?, Some(decode(password)?)),
        None => (decode(credentials)?, None),
    };
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for host in hosts.split(',').filter(|_| !hosts.is_empty()) {
        let (name, port) = with_port(host)?;
        names.push(name);
        ports.push(port);
    }
    let values = [
        ("user", Some(user)),
        ("password", password),
        ("host", Some(names.join(","))),
        ("port", Some(ports.join(",")).filter(|ports| ports != "5432")),
        ("dbname", Some(decode(name)?)),
    ];
    let given = |(keyword, value): (_, Option<String>)| Some((keyword, value?));
    said.extend(values.into_iter().filter_map(given).filter(|(_, value)| !value.is_empty()));
    Ok(said)
}

/// The server quotes both when it refuses them, so neither may be one that has the password in it.
pub fn check_names(user: &str, database: &str, has_password: bool) -> Result<(), UrlFault> {
    if !has_password && user.contains([':', ';', ',', '|', '/', '&']) {
        return Err(unclear("the user's name may have a password in it"));
    }
    if user.contains('=') || database.contains('=') {
        return Err(unclear(
            "the name of the user or of the database has a = in it, as if a parameter were in the wrong place",
        ));
    }
    Ok(())
}

/// A host, and its port.
fn with_port(text: &str) -> Result<(String, String), UrlFault> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        rest.split_once("]:").or(rest.strip_suffix(']').map(|it| (it, ""))).ok_or_else(no_host)?
    } else {
        text.split_once(':').unwrap_or((text, ""))
    };
    let host = decode(host)?;
    check_host(&host)?;
    // An IPv6 address is in brackets, and nothing else is.
    if text.starts_with('[') != is_ipv6(&host) {
        return Err(no_host());
    }
    Ok((host, if port.is_empty() { "5432".to_owned() } else { check_port(&decode(port)?)? }))
}

pub fn check_host(host: &str) -> Result<(), UrlFault> {
    let named = host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
    let known = (is_folder(host) && !host.contains(':'))
        || is_ipv6(host)
        || (named && (1..=LONGEST_NAME).contains(&host.len()));
    if known { Ok(()) } else { Err(no_host()) }
}

/// With an interface, perhaps: `fe80::1%eth0`.
fn is_ipv6(host: &str) -> bool {
    let (address, zone) = host.split_once('%').unwrap_or((host, "0"));
    let is_zone = !zone.is_empty() && zone.bytes().all(|b| b.is_ascii_alphanumeric());
    address.parse::<Ipv6Addr>().is_ok() && is_zone
}

pub fn check_port(port: &str) -> Result<String, UrlFault> {
    match port.parse::<u16>() {
        Ok(port) if port > 0 => Ok(port.to_string()),
        _ => Err(unclear("a port has to be a number from 1 to 65535")),
    }
}

pub fn check_address(address: &str) -> Result<(), UrlFault> {
    let parsed = address.parse::<IpAddr>();
    parsed.map(drop).map_err(|_| UrlFault("`hostaddr` has to be an IP address".to_owned()))
}

pub fn decode(text: &str) -> Result<String, UrlFault> {
    let mut parts = text.split('%').skip(1);
    let is_hex = |part: &str| {
        part.as_bytes().get(..2).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    };
    if !parts.all(is_hex) {
        return Err(unclear("a % in it is not followed by two hexadecimal digits"));
    }
    let decoded = percent_decode_str(text).decode_utf8().ok().filter(|text| !text.contains('\0'));
    decoded.map(Into::into).ok_or_else(|| unclear("what is percent-encoded in it is no text"))
}

fn no_host() -> UrlFault {
    unclear("a host has to be a name, an IPv4 address, an IPv6 address in brackets or a folder")
}

fn unclear(what: &str) -> UrlFault {
    UrlFault(format!("{what}; {ENCODE}"))
}
