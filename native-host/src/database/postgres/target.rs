//! A `postgresql://` URL, read: whom to connect to, by which TLS, and what is between.

use std::{fmt, path::PathBuf, time::Duration};

use percent_encoding::percent_decode_str;
use shared::Secret;
use tokio_postgres::{
    Config,
    config::{Host, SslMode, SslNegotiation},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::database::tls::{self, Roots, Verify};

/// How long an attempt to connect may take from the name look-up to the first answer, unless
/// the URL's `connect_timeout` says otherwise. Less than the five seconds in which service
/// has to be back after the database is: one attempt may have been lost on the way.
const CONNECT_LIMIT: Duration = Duration::from_secs(4);

/// Sent but unacknowledged for so long: the other end is gone without a word.
const SILENCE: Duration = Duration::from_secs(6);

/// Parameters that tokio-postgres reads by itself and as libpq means them.
const PASSED_ON: [&str; 16] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "sslnegotiation",
    "target_session_attrs",
];

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

/// Where a connection leads.
#[derive(Clone)]
pub struct Target {
    pub config: Config,
    pub tls: MakeRustlsConnect,
    pub connect_limit: Duration,
}

/// Without TLS's inner life; tokio-postgres leaves the password out.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("config", &self.config).finish_non_exhaustive()
    }
}

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

impl Target {
    /// Reads a URL. `application_name` is what the server shows for a connection whose URL
    /// does not name it.
    pub fn parse(url: &Secret, application_name: &str) -> Result<Self, UrlError> {
        let (address, query) = split(url.reveal());
        let mut rest = address.to_owned();
        let mut mode = None;
        let mut roots = None;
        let mut user_timeout = SILENCE;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            match key {
                "sslmode" | "ssl" => mode = Some(Mode::parse(key, value)?),
                "sslrootcert" => roots = Some(PathBuf::from(decode(key, value)?)),
                // Milliseconds, as libpq has it; tokio-postgres would take them for seconds.
                "tcp_user_timeout" => {
                    let millis =
                        value.parse().map_err(|_| invalid(key, "a number of milliseconds"))?;
                    user_timeout = Duration::from_millis(millis);
                }
                "user" => {
                    return Err(UrlError("the user belongs before the host, not in `user`".into()));
                }
                key if MEANINGLESS.contains(&key) => {}
                key if PASSED_ON.contains(&key) => {
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

        let mut config: Config = rest.parse().map_err(|error| UrlError(explain(&error)))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(UrlError("no host is named".into()));
        }
        if config.get_application_name().is_none() {
            config.application_name(application_name);
        }
        // An idle connection that a firewall has forgotten is found within half a minute.
        if config.get_keepalives_interval().is_none() {
            config.keepalives_idle(Duration::from_secs(10));
            config.keepalives_interval(Duration::from_secs(5));
            config.keepalives_retries(3);
        }
        config.tcp_user_timeout(user_timeout);

        let mode = mode.unwrap_or(Mode::Prefer);
        config.ssl_mode(mode.ssl_mode(&config));
        let direct_tls = config.get_ssl_negotiation() == SslNegotiation::Direct;
        let tls = tls::connector(mode.verify(roots.is_some()), Roots::from(roots), direct_tls)?;
        let connect_limit = config.get_connect_timeout().copied().unwrap_or(CONNECT_LIMIT);
        config.connect_timeout(connect_limit);
        Ok(Self { config, tls, connect_limit })
    }

    /// Host and port as an operator wrote them, for messages.
    pub fn place(&self) -> String {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(folder) => folder.display().to_string(),
        });
        let hosts: Vec<_> = if self.config.get_hosts().is_empty() {
            self.config.get_hostaddrs().iter().map(ToString::to_string).collect()
        } else {
            hosts.collect()
        };
        let ports: Vec<_> = self.config.get_ports().iter().map(ToString::to_string).collect();
        format!(
            "{} port {}",
            hosts.join(", "),
            if ports.is_empty() { "5432".into() } else { ports.join(", ") }
        )
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
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
            && config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        match self {
            // PostgreSQL has no TLS on a Unix socket, and libpq asks for none.
            _ if sockets_only => SslMode::Disable,
            Self::Disable => SslMode::Disable,
            Self::Prefer => SslMode::Prefer,
            Self::Require | Self::VerifyCa | Self::VerifyFull => SslMode::Require,
        }
    }

    /// `require` with a root certificate verifies it, as in libpq.
    fn verify(self, has_root: bool) -> Verify {
        match self {
            Self::VerifyFull => Verify::Full,
            Self::VerifyCa => Verify::Authority,
            Self::Require if has_root => Verify::Authority,
            Self::Disable | Self::Prefer | Self::Require => Verify::Nothing,
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

/// tokio-postgres names a parameter that it could not read, and shows no value.
fn explain(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Target, String> {
        Target::parse(&Secret::new(url), "trireme").map_err(|error| error.to_string())
    }

    #[test]
    fn reads_what_providers_hand_out() {
        for parameters in [
            "",
            "?sslmode=require&channel_binding=require",
            "?ssl=require",
            "?pgbouncer=true&connection_limit=1",
            "?sslmode=prefer&application_name=me&connect_timeout=3",
            "?target_session_attrs=read-write&keepalives_idle=5",
        ] {
            let target = parse(&format!("postgresql://u:p@one:1,two:2/d{parameters}")).unwrap();
            assert_eq!(target.config.get_dbname(), Some("d"), "{parameters}");
            assert_eq!(target.place(), "one, two port 1, 2");
        }
    }

    #[test]
    fn a_fault_names_the_parameter_and_no_value() {
        let fault = |parameters: &str| {
            parse(&format!("postgresql://u:hush@host/d?{parameters}")).unwrap_err()
        };
        assert_eq!(fault("sslmod=require"), "the parameter `sslmod` is not known");
        assert_eq!(fault("hush%23&x=1"), "the parameter `…` is not known");
        assert!(fault("sslmode=hush").starts_with("the parameter `sslmode` has to be disable"));
        for parameters in
            ["port=hush", "connect_timeout=hush", "tcp_user_timeout=hush", "sslrootcert=/hush/%FF"]
        {
            let fault = fault(parameters);
            let name = parameters.split('=').next().unwrap();
            assert!(fault.contains(name) && !fault.contains("hush"), "{fault}");
        }
        assert_eq!(parse("postgresql:///d").unwrap_err(), "no host is named");
    }

    #[test]
    fn the_password_is_never_shown() {
        let target = parse("postgresql://u:hush@host/d").unwrap();
        assert!(!format!("{target:?}").contains("hush"));
    }

    #[test]
    fn a_question_mark_in_the_password_starts_no_parameters() {
        let target = parse("postgresql://u:a?b=c@host/d?sslmode=disable").unwrap();
        assert_eq!(target.config.get_password(), Some(&b"a?b=c"[..]));
        assert_eq!(target.config.get_ssl_mode(), SslMode::Disable);
    }

    #[test]
    fn a_unix_socket_has_no_tls() {
        let target = parse("postgresql:///d?host=/run/postgresql&sslmode=require").unwrap();
        assert_eq!(target.config.get_ssl_mode(), SslMode::Disable);
        assert_eq!(target.place(), "/run/postgresql port 5432");
    }
}
