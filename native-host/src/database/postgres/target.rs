//! Whom to connect to, by which TLS, and what is between.

use std::{fmt, path::PathBuf, time::Duration};

use tokio_postgres::{
    Config,
    config::{Host, SslMode, SslNegotiation},
};
use tokio_postgres_rustls::MakeRustlsConnect;
pub use trireme_core::config::postgres_url::UrlFault;
use trireme_core::config::{PostgresUrl, postgres_url::Mode};

use crate::database::tls::{self, Proof, Roots};

/// How long a host may take to be reached, unless the URL's `connect_timeout` says otherwise.
/// Less than the five seconds in which service has to be back after the database is: one attempt
/// may have been lost on the way.
const CONNECT_LIMIT: Duration = Duration::from_secs(4);

/// How long all of it may take then, signing in included, which is some six round trips.
const SIGN_IN_LIMIT: Duration = Duration::from_secs(10);

/// Sent but unacknowledged for so long: the other end is gone without a word.
const SILENCE: Duration = Duration::from_secs(6);

/// Where a connection leads.
#[derive(Clone)]
pub struct Target {
    pub config: Config,
    /// What is tried when the server does not want it that way, as libpq's `allow` and `prefer` do.
    pub otherwise: Option<SslMode>,
    pub tls: MakeRustlsConnect,
    /// What TLS makes certain of, where there is TLS.
    pub proof: Proof,
    pub connect_limit: Duration,
}

/// Without TLS's inner life; tokio-postgres leaves the password out.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Target {
    /// `application_name` is what the server shows for a connection whose URL does not name it.
    pub fn new(url: &PostgresUrl, application_name: &str) -> Result<Self, UrlFault> {
        let mut config = trireme_core::postgres::config(url, application_name)
            .map_err(|error| UrlFault(trireme_core::postgres::explain(&error)))?;
        // A connection that a firewall has forgotten is found before the request on it is over,
        // and mostly before there is one.
        if config.get_keepalives_interval().is_none() {
            config.keepalives_idle(Duration::from_secs(3));
            config.keepalives_interval(Duration::from_secs(1));
            config.keepalives_retries(3);
        }
        config.tcp_user_timeout(url.user_timeout().unwrap_or(SILENCE));

        let (first, otherwise) = match url.mode() {
            Mode::Disable => (SslMode::Disable, None),
            Mode::Allow => (SslMode::Disable, Some(SslMode::Require)),
            Mode::Prefer => (SslMode::Prefer, Some(SslMode::Disable)),
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => (SslMode::Require, None),
        };
        config.ssl_mode(first);
        let roots = roots(url);
        let proof = proof(url.mode(), roots.is_some())?;
        let direct_tls = config.get_ssl_negotiation() == SslNegotiation::Direct;
        let tls = tls::connector(proof, roots.as_ref(), direct_tls)?;
        let asked = config.get_connect_timeout().copied();
        let connect_limit = asked.unwrap_or(SIGN_IN_LIMIT);
        config.connect_timeout(asked.unwrap_or(CONNECT_LIMIT));
        Ok(Self { config, otherwise, tls, proof, connect_limit })
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

/// libpq's file of authorities in the home folder counts where the URL names none, and is there.
fn roots(url: &PostgresUrl) -> Option<Roots> {
    match url.roots() {
        Some("system") => Some(Roots::System),
        Some(path) => Some(Roots::File(PathBuf::from(path))),
        None => {
            let file = std::env::home_dir()?.join(HOME_ROOTS);
            file.exists().then_some(Roots::File(file))
        }
    }
}

const HOME_ROOTS: &str = ".postgresql/root.crt";

/// In each mode, authorities that are named have to vouch for the server, as in libpq.
fn proof(mode: Mode, has_roots: bool) -> Result<Proof, UrlFault> {
    match mode {
        Mode::Disable => Ok(Proof::Nothing),
        Mode::VerifyFull if has_roots => Ok(Proof::Full),
        Mode::VerifyFull => Err(UrlFault(format!(
            "`sslmode=verify-full` needs authorities: write `sslrootcert=system` for those of this system, or name a file (there is none at ~/{HOME_ROOTS})"
        ))),
        Mode::VerifyCa if !has_roots => Err(UrlFault(format!(
            "`sslmode=verify-ca` needs the file of an authority of your own in `sslrootcert` (there is none at ~/{HOME_ROOTS}); for a public one write `sslmode=verify-full&sslrootcert=system`"
        ))),
        _ if has_roots => Ok(Proof::Authority),
        _ => Ok(Proof::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Target, String> {
        let url: PostgresUrl = url.parse().map_err(|fault: UrlFault| fault.0)?;
        Target::new(&url, "trireme").map_err(|fault| fault.0)
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
    fn the_password_is_never_shown() {
        let target = parse("postgresql://u:hush@host/d").unwrap();
        assert!(!format!("{target:?}").contains("hush"));
    }

    #[test]
    fn a_unix_socket_has_no_tls() {
        let target = parse("postgresql:///d?host=/run/postgresql&sslmode=require").unwrap();
        assert_eq!(target.config.get_ssl_mode(), SslMode::Disable);
        assert_eq!(target.place(), "/run/postgresql port 5432");
    }
}
