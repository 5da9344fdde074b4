//! Which host was asked, and by which transport.

use bytes::Bytes;
use http::{Response, StatusCode, header, request::Parts};
use shared::{Code, Error, error::Result, http::forwarded::Client};

use crate::{App, respond};

/// Paths that a platform probes by address and without TLS.
pub fn is_probe(route: &str) -> bool {
    route.starts_with("/health") || route == "/api/v1/health"
}

/// Exactly one host must be asked for, and one that we answer to.
pub fn check_host(app: &App, head: &Parts, probe: bool) -> Result<()> {
    let invalid = |detail| Err(Error::new(Code::InvalidHost, detail));
    let Some(host) = host(head) else {
        return invalid("The request must name exactly one host.");
    };
    let http = &app.config.http;
    if http.allowed_hosts.is_empty() || probe {
        return Ok(());
    }
    let name = name(host);
    let own =
        http.public_url.as_deref().and_then(|url| url.split_once("://")).map(|(_, host)| host);
    if http.allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
        || own.is_some_and(|own| self::name(own).eq_ignore_ascii_case(name))
    {
        return Ok(());
    }
    invalid("This server does not answer to that host.")
}

/// The redirect that plain HTTP gets where HTTPS is enforced. Only a trusted proxy or the
/// platform can say that a client came by plain HTTP.
pub fn to_https(app: &App, head: &Parts, client: Client, probe: bool) -> Option<Response<Bytes>> {
    if !app.config.http.enforce_https || probe || client.https != Some(false) {
        return None;
    }
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    let location = match &app.config.http.public_url {
        Some(url) if url.starts_with("https://") => format!("{url}{path}"),
        _ => format!("https://{}{path}", host(head)?),
    };
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
    Some(respond::with(response, header::LOCATION, &location))
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
