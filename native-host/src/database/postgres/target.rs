//! A `postgresql://` URL, read: whom to connect to, by which TLS, and what is between.

use std::{fmt, path::PathBuf, time::Duration};

pub use shared::postgres::url::UrlError;
use shared::{
    Secret,
    postgres::url::{Mode, Url},
};
use tokio_postgres::{
    Config,
    config::{Host, SslNegotiation},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::database::tls::{self, Roots, Verify};

/// How long an attempt to connect may take from the name look-up to the first answer, unless
/// the URL's `connect_timeout` says otherwise. Less than the five seconds in which service
/// has to be back after the database is: one attempt may have been lost on the way.
const CONNECT_LIMIT: Duration = Duration::from_secs(4);

/// Sent but unacknowledged for so long: the other end is gone without a word.
const SILENCE: Duration = Duration::from_secs(6);

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

impl Target {
    /// Reads a URL. `application_name` is what the server shows for a connection whose URL
    /// does not name it.
    pub fn parse(url: &Secret, application_name: &str) -> Result<Self, UrlError> {
        let Url { mut config, mode, roots, user_timeout } = Url::parse(url, application_name)?;
        // An idle connection that a firewall has forgotten is found within half a minute.
        if config.get_keepalives_interval().is_none() {
            config.keepalives_idle(Duration::from_secs(10));
            config.keepalives_interval(Duration::from_secs(5));
            config.keepalives_retries(3);
        }
        config.tcp_user_timeout(user_timeout.unwrap_or(SILENCE));

        let direct_tls = config.get_ssl_negotiation() == SslNegotiation::Direct;
        let roots = roots.map(PathBuf::from);
        let tls = tls::connector(verify(mode, roots.is_some()), Roots::from(roots), direct_tls)?;
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

/// `require` with a root certificate verifies it, as in libpq.
fn verify(mode: Mode, has_root: bool) -> Verify {
    match mode {
        Mode::VerifyFull => Verify::Full,
        Mode::VerifyCa => Verify::Authority,
        Mode::Require if has_root => Verify::Authority,
        Mode::Disable | Mode::Prefer | Mode::Require => Verify::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::SslMode;

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
