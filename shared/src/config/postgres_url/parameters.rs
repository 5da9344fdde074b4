//! What is behind the `?`.

use std::collections::BTreeMap;

use super::{
    UrlFault,
    address::{check_address, check_host, check_port, decode},
};

/// What a parameter may be.
enum Kind {
    Text,
    Hosts,
    Ports,
    Addresses,
    Number,
    OneOf(&'static [&'static str]),
    /// For other drivers, or what always holds here. Often in a URL that is handed out, and
    /// nothing is lost without it.
    Meaningless,
    Unsupported(&'static str),
}

use Kind::{Addresses, Hosts, Meaningless, Number, OneOf, Ports, Text, Unsupported};

const MODES: Kind = OneOf(&["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]);
const NO_CLIENT_CERTIFICATES: Kind = Unsupported("client certificates can't be used");
const NO_REVOCATION: Kind = Unsupported("lists of revoked certificates can't be used");
const NO_KERBEROS: Kind = Unsupported("Kerberos can't be used");
const NO_FILES: Kind = Unsupported("everything has to be in the URL itself");

const KNOWN: &[(&str, Kind)] = &[
    ("application_name", Text),
    ("channel_binding", OneOf(&["disable", "prefer", "require"])),
    ("client_encoding", OneOf(&["auto", "utf8", "UTF8", "utf-8", "UTF-8"])),
    ("connect_timeout", Number),
    ("connection_limit", Meaningless),
    ("dbname", Text),
    ("fallback_application_name", Meaningless),
    ("gssdelegation", NO_KERBEROS),
    ("gssencmode", OneOf(&["disable", "prefer"])),
    ("gsslib", NO_KERBEROS),
    ("host", Hosts),
    ("hostaddr", Addresses),
    ("keepalives", Number),
    ("keepalives_idle", Number),
    ("keepalives_interval", Number),
    ("keepalives_retries", Number),
    ("krbsrvname", NO_KERBEROS),
    ("load_balance_hosts", OneOf(&["disable", "random"])),
    ("options", Text),
    ("passfile", NO_FILES),
    ("password", Text),
    ("pgbouncer", Meaningless),
    ("pool_timeout", Meaningless),
    ("port", Ports),
    ("prepared_statement_cache_size", Meaningless),
    ("replication", Unsupported("it is not for queries")),
    ("require_auth", Unsupported("leave it out")),
    ("requirepeer", Unsupported("leave it out")),
    ("service", NO_FILES),
    ("servicefile", NO_FILES),
    (
        "ssl",
        OneOf(&[
            "disable",
            "allow",
            "prefer",
            "require",
            "verify-ca",
            "verify-full",
            "true",
            "false",
            "1",
            "0",
        ]),
    ),
    ("ssl_max_protocol_version", OneOf(&["TLSv1.3"])),
    ("ssl_min_protocol_version", OneOf(&["TLSv1", "TLSv1.1", "TLSv1.2"])),
    ("sslcert", NO_CLIENT_CERTIFICATES),
    ("sslcertmode", OneOf(&["disable", "allow"])),
    ("sslcompression", Meaningless),
    ("sslcrl", NO_REVOCATION),
    ("sslcrldir", NO_REVOCATION),
    ("sslkey", NO_CLIENT_CERTIFICATES),
    ("sslmode", MODES),
    ("sslnegotiation", OneOf(&["postgres", "direct"])),
    ("sslpassword", NO_CLIENT_CERTIFICATES),
    ("sslrootcert", Text),
    ("sslsni", Meaningless),
    ("statement_cache_size", Meaningless),
    ("supa", Meaningless),
    ("target_session_attrs", OneOf(&["any", "read-write", "read-only"])),
    ("tcp_user_timeout", Number),
    ("uselibpqcompat", Meaningless),
    ("user", Text),
];

/// Whether tokio-postgres reads it as libpq does, unless it belongs before the `?`. It would take
/// `tcp_user_timeout` for seconds.
pub fn is_of_tokio_postgres(name: &str) -> bool {
    name.starts_with("keepalives")
        || [
            "application_name",
            "channel_binding",
            "connect_timeout",
            "hostaddr",
            "load_balance_hosts",
            "options",
            "sslnegotiation",
            "target_session_attrs",
        ]
        .contains(&name)
}

/// Adds what is said. A parameter outdoes what is said before the `?`, as in libpq.
pub fn read(query: &str, said: &mut BTreeMap<&'static str, String>) -> Result<(), UrlFault> {
    let mut seen = Vec::new();
    for (number, pair) in query.split('&').enumerate().filter(|(_, pair)| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        // What is not known may be a piece of a password that has an & in it.
        let Some((name, kind)) = KNOWN.iter().find(|(known, _)| *known == name) else {
            return Err(UrlFault(format!(
                "the parameter behind the ? that is number {} is not known, or has an & in it that has to be written %26",
                number + 1
            )));
        };
        let place = if *name == "ssl" { "sslmode" } else { name };
        if seen.contains(&place) {
            return Err(UrlFault(format!("the parameter `{name}` is given twice")));
        }
        seen.push(place);
        let value = decode(value)?;
        if let Some(value) = check(name, kind, value)? {
            said.insert(place, value);
        }
    }
    Ok(())
}

/// What to keep, if anything.
fn check(name: &str, kind: &Kind, value: String) -> Result<Option<String>, UrlFault> {
    let due = |due: &str| UrlFault(format!("the parameter `{name}` has to be {due}"));
    match kind {
        // As if it were not there, which is what libpq makes of nothing.
        _ if value.is_empty() => return Ok(None),
        Text => {}
        Hosts => value.split(',').try_for_each(check_host)?,
        Ports => {
            let ports = value.split(',').map(|port| match port {
                "" => Ok("5432".to_owned()),
                port => check_port(port).map_err(|_| due("a number from 1 to 65535")),
            });
            return Ok(Some(ports.collect::<Result<Vec<_>, _>>()?.join(",")));
        }
        Addresses => value.split(',').try_for_each(check_address)?,
        Number => {
            let _: u32 = value.parse().map_err(|_| due("a whole number"))?;
        }
        OneOf(values) => {
            if !values.contains(&value.as_str()) {
                return Err(due(&list(values)));
            }
        }
        Meaningless => return Ok(None),
        Unsupported(why) => {
            return Err(UrlFault(format!("the parameter `{name}` is not supported: {why}")));
        }
    }
    Ok(Some(match (name, value.as_str()) {
        // As asyncpg and others write it.
        ("ssl", "true" | "1") => "require".to_owned(),
        ("ssl", "false" | "0") => "disable".to_owned(),
        _ => value,
    }))
}

fn list(values: &[&str]) -> String {
    let (last, others) = values.split_last().unwrap_or((&"", &[]));
    if others.is_empty() { (*last).to_owned() } else { format!("{} or {last}", others.join(", ")) }
}
