//! A `postgresql://` URL, read: whom to connect to, and by which TLS.

use std::{fmt, time::Duration};

use percent_encoding::percent_decode_str;
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};

use crate::Secret;

/// Parameters that tokio-postgres reads by itself and as libpq means them.
const PASSED_ON: [&str; 12] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "sslnegotiation",
    "target_session_attrs",
];

/// The same for the TCP connection; a platform that opens it lets nobody set them.
const KEEPALIVES: [&str; 4] =
    ["keepalives", "keepalives_idle", "keepalives_interval", "keepalives_retries"];

/// Parameters for other drivers, which are often in a URL that is handed out; they mean
/// nothing here, and nothing is lost by that.
const MEANINGLESS: [&str; 9] = [
    "connection_limit",
    "gssencmode",
    "pgbouncer",
    "pool_timeout",
    "prepared_statement_cache_size",
    "sslsni",
    "statement_cache_size",
    "supa",
    "uselibpqcompat",
];

/// A fault of the URL, in words that name the parameter and never its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlError(pub String);

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for UrlError {}

impl From<String> for UrlError {
    fn from(fault: String) -> Self {
        Self(fault)
    }
}

/// What a URL says, and not yet how a host does it.
pub struct Url {
    /// All but what `mode` and `roots` say of verifying. At least one host is in it.
    pub config: Config,
    pub mode: Mode,
    /// `sslrootcert`.
    pub roots: Option<String>,
    /// `tcp_user_timeout`, which tokio-postgres would take for seconds; libpq has milliseconds.
    pub user_timeout: Option<Duration>,
}

impl Url {
    /// Reads a URL. `application_name` is what the server shows for a connection whose URL
    /// does not name it.
    pub fn parse(url: &Secret, application_name: &str) -> Result<Self, UrlError> {
        let (address, query) = split(url.reveal());
        let mut rest = address.to_owned();
        let mut mode = None;
        let mut roots = None;
        let mut user_timeout = None;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            match key {
                "sslmode" | "ssl" => mode = Some(Mode::parse(key, value)?),
                "sslrootcert" => roots = Some(decode(key, value)?),
                "tcp_user_timeout" => {
                    let millis =
                        value.parse().map_err(|_| invalid(key, "a number of milliseconds"))?;
                    user_timeout = Some(Duration::from_millis(millis));
                }
                "user" => {
                    return Err(UrlError("the user belongs before the host, not in `user`".into()));
                }
                key if MEANINGLESS.contains(&key) => {}
                key if KEEPALIVES.contains(&key) && cfg!(target_arch = "wasm32") => {}
                key if PASSED_ON.contains(&key) || KEEPALIVES.contains(&key) => {
                    rest.push(if rest.len() == address.len() { '?' } else { '&' });
                    rest.push_str(pair);
                }
                key => {
                    return Err(UrlError(format!(
                        "the parameter `{}` is not known",
                        printable(key)
                    )));
                }
            }
        }

        // It names a parameter that it could not read, and shows no value.
        let mut config: Config = rest.parse().map_err(|error| UrlError(super::explain(&error)))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(UrlError("no host is named".into()));
        }
        if config.get_application_name().is_none() {
            config.application_name(application_name);
        }
        let mode = mode.unwrap_or(Mode::Prefer);
        config.ssl_mode(mode.ssl_mode(&config));
        Ok(Self { config, mode, roots, user_timeout })
    }
}

/// `sslmode`, as libpq has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl Mode {
    /// `sslmode` of libpq, and `ssl` as asyncpg and others write it.
    fn parse(key: &str, value: &str) -> Result<Self, UrlError> {
        Ok(match value {
            "disable" => Self::Disable,
            "false" | "0" if key == "ssl" => Self::Disable,
            "allow" | "prefer" => Self::Prefer,
            "require" => Self::Require,
            "true" | "1" if key == "ssl" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return Err(invalid(key, "disable, prefer, require, verify-ca or verify-full")),
        })
    }

    fn ssl_mode(self, config: &Config) -> SslMode {
        let sockets_only = config.get_hostaddrs().is_empty()
            && config.get_hosts().iter().all(|host| !matches!(host, Host::Tcp(_)));
        match self {
            // PostgreSQL has no TLS on a Unix socket, and libpq asks for none.
            _ if sockets_only => SslMode::Disable,
            Self::Disable => SslMode::Disable,
            Self::Prefer => SslMode::Prefer,
            Self::Require | Self::VerifyCa | Self::VerifyFull => SslMode::Require,
        }
    }
}

/// The parameters begin at the first `?` behind the credentials.
fn split(url: &str) -> (&str, &str) {
    let credentials = url.find('@').map_or(0, |at| at + 1);
    match url[credentials..].find('?') {
        Some(mark) => (&url[..credentials + mark], &url[credentials + mark + 1..]),
        None => (url, ""),
    }
}

fn decode(key: &str, value: &str) -> Result<String, UrlError> {
    let text = percent_decode_str(value).decode_utf8();
    Ok(text.map_err(|_| invalid(key, "UTF-8"))?.into_owned())
}

fn invalid(key: &str, due: &str) -> UrlError {
    UrlError(format!("the parameter `{key}` has to be {due}"))
}

/// A misplaced `&` or `?` in a password would make part of it look like a parameter's name.
fn printable(key: &str) -> &str {
    let is_name =
        key.len() <= 40 && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if is_name { key } else { "…" }
}
