//! Which host was asked, and by which transport.

use bytes::Bytes;
use http::{Response, StatusCode, Version, header, request::Parts};
use trireme_core::{Code, Error, config::Config, error::Result, http::forwarded::Client};

use crate::respond;

/// Paths that a platform probes by address and without TLS.
pub fn is_probe(route: &str) -> bool {
    matches!(route, "/health" | "/health/live" | "/health/ready" | "/api/v1/health")
}

/// Exactly one host must be asked for, and one that we answer to. HTTP/1.0 has no `Host`
/// (RFC 1945): who speaks it may name none, where every name is answered to.
pub fn check_host(config: &Config, head: &Parts, probe: bool) -> Result<()> {
    let invalid = |detail| Err(Error::new(Code::INVALID_HOST, detail));
    let any = probe || config.auth.required && config.http.allowed_hosts.is_empty();
    match host(head) {
        Some(_) if any => Ok(()),
        Some(host) if is_own(config, name(host)) => Ok(()),
        Some(_) => invalid("This server does not answer to that host."),
        None if any && is_old(head) => Ok(()),
        None => invalid("The request must name exactly one host."),
    }
}

fn is_own(config: &Config, name: &str) -> bool {
    let http = &config.http;
    let public =
        http.public_url.as_deref().and_then(|url| url.split_once("://")).map(|(_, host)| host);
    http.allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
        || public.is_some_and(|public| self::name(public).eq_ignore_ascii_case(name))
        // Whoever reaches a server without authentication is its user. A page on the Internet
        // reaches it through its visitor's browser, by a name of its own that leads to this
        // machine; it can't be called by these.
        || !config.auth.required && LOCAL.iter().any(|local| local.eq_ignore_ascii_case(name))
}

const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// HTTP/1.0 without a `Host`.
fn is_old(head: &Parts) -> bool {
    head.version < Version::HTTP_11 && !head.headers.contains_key(header::HOST)
}

/// The redirect that plain HTTP gets where HTTPS is enforced. Only a trusted proxy or the
/// platform can say that a client came by plain HTTP.
pub fn to_https(
    config: &Config,
    head: &Parts,
    client: Client,
    probe: bool,
) -> Result<Option<Response<Bytes>>> {
    if !config.http.enforce_https || probe || client.https != Some(false) {
        return Ok(None);
    }
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let location = match &config.http.public_url {
        Some(url) if url.starts_with("https://") => format!("{url}{path}"),
        _ => {
            let nowhere = || Error::new(Code::INVALID_HOST, "Ask by HTTPS.");
            format!("https://{}{path}", host(head).ok_or_else(nowhere)?)
        }
    };
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    Ok(Some(respond::with(response, header::LOCATION, &location)))
}

/// The one host of a request: `Host`, or HTTP/2's `:authority`.
fn host(head: &Parts) -> Option<&str> {
    let mut hosts = head.headers.get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok()?,
        (None, None) => head.uri.authority()?.as_str(),
        _ => return None,
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    (!host.is_empty() && host.bytes().all(plain)).then_some(host)
}

/// A host without its port.
fn name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}
