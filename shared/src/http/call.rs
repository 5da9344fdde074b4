//! One outbound HTTP call: what is asked of whom, and the bounds of its answer.

use std::{error, fmt, net::IpAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};

use super::address::is_public;
use crate::config::Environment;

const TIME: Duration = Duration::from_secs(10);
const SIZE: usize = 1 << 20;
const USER_AGENT: &str = concat!("trireme/", env!("CARGO_PKG_VERSION"));

/// A call that [`Host::fetch`](crate::host::Host::fetch) makes. Building it never fails: what is wrong
/// with it is [`FetchError::Refused`] when it is made.
///
/// ```
/// use std::time::Duration;
///
/// use trireme_core::http::call::Call;
///
/// let call = Call::to_operators("https://api.example.com/emails")
///     .header(http::header::AUTHORIZATION, "Bearer …")
///     .body("application/json", "{}")
///     .within(Duration::from_secs(5));
/// ```
#[derive(Clone)]
pub struct Call {
    url: Result<Uri, FetchError>,
    by_stranger: bool,
    method: Option<Method>,
    headers: HeaderMap,
    body: Bytes,
    time: Duration,
    size: usize,
}

impl Call {
    /// To a URL of the configuration: `https`, and in development `http` to this machine.
    pub fn to_operators(url: &str) -> Self {
        Self::new(url, false)
    }

    /// To a URL that a caller can influence: `https`, and nothing but public addresses.
    pub fn to_strangers(url: &str) -> Self {
        Self::new(url, true)
    }

    fn new(url: &str, by_stranger: bool) -> Self {
        Self {
            url: url.parse().map_err(|_| FetchError::Refused("the URL can't be read")),
            by_stranger,
            method: None,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            time: TIME,
            size: SIZE,
        }
    }

    /// GET when it is not set, POST with a body.
    pub fn method(mut self, method: Method) -> Self {
        self.method = Some(method);
        self
    }

    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(mut value) => {
                value.set_sensitive(true);
                self.headers.insert(name, value);
            }
            Err(_) => self.url = Err(FetchError::Refused("a header can't have this value")),
        }
        self
    }

    pub fn body(mut self, media_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.method.get_or_insert(Method::POST);
        self.header(header::CONTENT_TYPE, media_type)
    }

    /// How long all of it may take, from looking the name up to the answer's last byte; 10 s when
    /// it is not set.
    pub fn within(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    /// How many bytes the answer's body may have; 1 MiB when it is not set.
    pub fn at_most(mut self, size: usize) -> Self {
        self.size = size;
        self
    }

    /// For a host: the request, once it is known that it may be sent.
    pub fn checked(self, environment: Environment) -> Result<Checked, FetchError> {
        let url = self.url?;
        let reach = reach(&url, self.by_stranger, environment)?;
        let mut request = Request::new(self.body);
        *request.method_mut() = self.method.unwrap_or_default();
        *request.uri_mut() = url;
        *request.headers_mut() = self.headers;
        for (name, value) in
            [(header::USER_AGENT, USER_AGENT), (header::ACCEPT_ENCODING, "identity")]
        {
            request.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
        }
        Ok(Checked { request, reach, time: self.time, size: self.size })
    }
}

/// Paths, queries, headers and bodies hold secrets.
impl fmt::Debug for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.as_ref().ok().and_then(Uri::host);
        out.debug_struct("Call")
            .field("method", &self.method)
            .field("host", &host)
            .finish_non_exhaustive()
    }
}

/// What a host sends, and within which bounds.
pub struct Checked {
    pub request: Request<Bytes>,
    pub reach: Reach,
    pub time: Duration,
    /// Of the answer's body, in bytes.
    pub size: usize,
}

/// Whom a call may be connected to. A host that looks names up itself holds the addresses that it
/// connects to against it; the others leave it at what the URL says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    Anywhere,
    /// This machine, in the clear.
    Loopback,
    Public,
}

impl Reach {
    pub fn permits(self, address: IpAddr) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Loopback => address.to_canonical().is_loopback(),
            Self::Public => is_public(address),
        }
    }
}

fn reach(url: &Uri, by_stranger: bool, environment: Environment) -> Result<Reach, FetchError> {
    let refused = |why| Err(FetchError::Refused(why));
    let Some(authority) = url.authority() else { return refused("the URL names no host") };
    let host = authority.host();
    // Also whoever puts a user's name and password before the host.
    let port = authority.as_str().strip_prefix(host);
    if !port.is_some_and(|port| port.is_empty() || port[1..].parse().is_ok_and(|it: u16| it > 0)) {
        return refused("the URL has more than a host and a port before its path");
    }
    let host = Host::read(host)?;
    match url.scheme_str() {
        Some("https") if !by_stranger => Ok(Reach::Anywhere),
        Some("https") if host.may_be_public() => Ok(Reach::Public),
        Some("https") => refused("the address is not a public one"),
        Some("http") if !by_stranger && host.is_loopback() => match environment {
            Environment::Development => Ok(Reach::Loopback),
            _ => refused("plain http is for development"),
        },
        _ => refused("the URL is not https"),
    }
}

enum Host<'u> {
    Address(IpAddr),
    Name(&'u str),
}

impl<'u> Host<'u> {
    /// Forms that somebody else might read otherwise are none: `127.1`, `0x7f000001`, `%31.1.1.1`.
    fn read(host: &'u str) -> Result<Self, FetchError> {
        let inner = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        let address = match inner {
            Some(inner) => inner.parse().map(IpAddr::V6).ok(),
            None => host.parse().map(IpAddr::V4).ok(),
        };
        let name = host.strip_suffix('.').unwrap_or(host);
        let last = name.rsplit('.').next().unwrap_or_default();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        match address {
            Some(address) => Ok(Self::Address(address)),
            None if name.bytes().all(is_plain)
                && last.starts_with(|it: char| it.is_ascii_alphabetic()) =>
            {
                Ok(Self::Name(name))
            }
            None => Err(FetchError::Refused("the host can't be read")),
        }
    }

    fn is_loopback(&self) -> bool {
        match self {
            Self::Address(address) => address.is_loopback(),
            Self::Name(name) => is_below(name, "localhost"),
        }
    }

    /// As far as can be told without looking a name up.
    fn may_be_public(&self) -> bool {
        match self {
            Self::Address(address) => is_public(*address),
            Self::Name(name) => {
                // The last is how a component on Spin calls itself.
                let local = ["localhost", "local", "internal", "home.arpa", "alt"];
                name.contains('.') && !local.iter().any(|it| is_below(name, it))
            }
        }
    }
}

fn is_below(name: &str, domain: &str) -> bool {
    let Some((before, end)) =
        name.len().checked_sub(domain.len()).and_then(|at| name.split_at_checked(at))
    else {
        return false;
    };
    end.eq_ignore_ascii_case(domain) && (before.is_empty() || before.ends_with('.'))
}

/// Why a call has no answer. It names neither path nor query, no header and no body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchError {
    TimedOut,
    /// The answer is larger than the call takes; the rest was not read.
    TooLarge,
    /// Nobody answered, or broke off; with the cause, for the log.
    Unreachable(String),
    /// The call is not made, and would never be.
    Refused(&'static str),
}

impl fmt::Display for FetchError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => out.write_str("no answer in time"),
            Self::TooLarge => out.write_str("the answer is too large"),
            Self::Unreachable(cause) => write!(out, "unreachable: {cause}"),
            Self::Refused(why) => write!(out, "not called: {why}"),
        }
    }
}

impl error::Error for FetchError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn operators(url: &str) -> Result<Reach, FetchError> {
        Call::to_operators(url).checked(Environment::Development).map(|it| it.reach)
    }

    fn strangers(url: &str) -> Result<Reach, FetchError> {
        Call::to_strangers(url).checked(Environment::Development).map(|it| it.reach)
    }

    #[test]
    fn operators_call_by_https_and_this_machine_in_the_clear_while_they_develop() {
        for url in ["https://example.com", "https://10.0.0.1:8443/a?b", "https://localhost"] {
            assert_eq!(operators(url), Ok(Reach::Anywhere), "{url}");
        }
        for url in
            ["http://localhost:3001/a", "http://a.LocalHost.", "http://127.0.0.2", "http://[::1]:1"]
        {
            assert_eq!(operators(url), Ok(Reach::Loopback), "{url}");
            let production = Call::to_operators(url).checked(Environment::Production);
            assert!(matches!(production, Err(FetchError::Refused(_))), "{url}");
        }
        for url in [
            "http://example.com",
            "http://notlocalhost",
            "http://localhost.example.com",
            "ftp://localhost",
            "localhost",
            "/a",
            "",
        ] {
            assert!(matches!(operators(url), Err(FetchError::Refused(_))), "{url}");
        }
    }

    #[test]
    fn strangers_call_the_public_alone() {
        for url in [
            "https://example.com:8443/a",
            "https://1.1.1.1",
            "https://[2606:4700::1111]",
            "https://localhost.example.com",
        ] {
            assert_eq!(strangers(url), Ok(Reach::Public), "{url}");
        }
        for url in [
            "http://example.com",
            "http://localhost",
            "https://localhost",
            "https://LOCALHOST.",
            "https://a.localhost",
            "https://self.alt",
            "https://printer.local",
            "https://metadata.google.internal",
            "https://db",
            "https://127.0.0.1",
            "https://127.1",
            "https://2130706433",
            "https://0x7f000001",
            "https://0x7f.1",
            "https://a.0x1",
            "https://127.0.0.1.",
            "https://169.254.169.254",
            "https://[::1]",
            "https://[::ffff:127.0.0.1]",
            "https://[fe80::1%25eth0]",
            "https://%31%32%37.0.0.1",
            "https://a@example.com",
            "https://1.1.1.1:x@127.0.0.1",
            "https://example.com:99999",
            "https://example.com:0",
            "https://example.com:",
            "https://ex_ample.com:8x",
        ] {
            assert!(matches!(strangers(url), Err(FetchError::Refused(_))), "{url}");
        }
    }

    #[test]
    fn nothing_that_is_said_of_it_has_a_secret() {
        let url = "https://example.com/secret/path?secret=1";
        let call = Call::to_operators(url)
            .header(header::AUTHORIZATION, "secret")
            .body("text/plain", "secret");
        let text = format!("{call:?}");
        assert!(text.contains("example.com") && !text.contains("secret"), "{text}");
        let request = call.checked(Environment::Production).unwrap().request;
        assert_eq!(request.method(), Method::POST);
        assert!(!format!("{:?}", request.headers()).contains("secret"));
        let split = Call::to_operators(url).header(header::AUTHORIZATION, "secret\r\nx: y");
        let error = split.checked(Environment::Production).err().unwrap();
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
}
