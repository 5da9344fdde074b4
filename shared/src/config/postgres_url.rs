//! A `postgresql://` URL, read: one reader, with one set of faults, on every host.
//!
//! It means what libpq means by it, but for one thing: where two readings are possible, as with an
//! `@` in a password, none is taken. The wrong one would show part of the password as a host.

mod address;
mod parameters;

use std::{collections::BTreeMap, fmt, fmt::Write as _, str::FromStr, time::Duration};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::Secret;

/// What a URL says, by libpq's keywords; checked, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(BTreeMap<&'static str, String>);

/// Why a URL can't be used. The text never holds a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlFault(pub String);

/// `sslmode`, as libpq has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl PostgresUrl {
    /// What follows the scheme, if it is one of PostgreSQL's.
    pub(super) fn strip_scheme(text: &str) -> Option<&str> {
        let (scheme, rest) = text.split_once("://")?;
        let known = ["postgres", "postgresql", "postgresql+asyncpg"];
        known.iter().any(|known| scheme.eq_ignore_ascii_case(known)).then_some(rest)
    }

    /// Reads what follows the scheme.
    pub(super) fn parse(rest: &str) -> Result<Self, UrlFault> {
        let (address, query) = address::split(rest)?;
        let mut said = address::read(address)?;
        parameters::read(query, &mut said)?;
        let url = Self(said);
        url.agrees_with_itself()?;
        Ok(url)
    }

    fn agrees_with_itself(&self) -> Result<(), UrlFault> {
        let fault = |text: &str| Err(UrlFault(text.to_owned()));
        let said = |keyword| self.get(keyword).unwrap_or_default();
        address::check_names(said("user"), said("dbname"), self.get("password").is_some())?;
        let [hosts, addresses] = [self.hosts().count(), self.list("hostaddr").count()];
        let targets = hosts.max(addresses);
        if targets == 0 {
            return fault("no host is named");
        }
        if hosts != addresses && hosts.min(addresses) > 0 {
            return fault("`hostaddr` has to name as many addresses as there are hosts");
        }
        let ports = self.list("port").count();
        if ports > 1 && ports != targets {
            return fault("there have to be as many ports as hosts, or one for all");
        }
        let mode = self.mode();
        if self.roots() == Some("system") && mode != Mode::VerifyFull {
            return fault(
                "`sslrootcert=system` needs `sslmode=verify-full`: a public authority vouches for anybody's name",
            );
        }
        let direct = self.get("sslnegotiation") == Some("direct");
        if direct && matches!(mode, Mode::Disable | Mode::Allow | Mode::Prefer) {
            return fault("`sslnegotiation=direct` needs `sslmode=require` or more");
        }
        if mode == Mode::VerifyFull && hosts == 0 {
            return fault("`sslmode=verify-full` needs the host's name besides its address");
        }
        Ok(())
    }

    /// Where there are no files, and the platform does TLS: what can't be had then.
    pub fn without_files(&self) -> Result<(), UrlFault> {
        let fault = |text: &str| Err(UrlFault(text.to_owned()));
        if self.hosts().any(is_folder) {
            return fault("a host can't be a folder here: there are no Unix sockets");
        }
        if self.get("sslnegotiation") == Some("direct") {
            return fault("`sslnegotiation` can't be direct here");
        }
        match (self.mode(), self.roots()) {
            (_, Some(roots)) if roots != "system" => {
                fault("`sslrootcert` can't name a file here, where there are none")
            }
            (Mode::VerifyCa, _) => fault(
                "`sslmode=verify-ca` can't be had here: the platform knows the public authorities alone, which vouch for anybody's name; write verify-full",
            ),
            _ => Ok(()),
        }
    }

    fn get(&self, keyword: &str) -> Option<&str> {
        self.0.get(keyword).map(String::as_str)
    }

    fn list(&self, keyword: &str) -> impl Iterator<Item = &str> {
        self.get(keyword).into_iter().flat_map(|list| list.split(','))
    }

    /// Names, addresses, and folders of Unix sockets.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.list("host")
    }

    /// `sslrootcert`.
    pub fn roots(&self) -> Option<&str> {
        self.get("sslrootcert")
    }

    /// PostgreSQL has no TLS on a Unix socket, and libpq asks for none there.
    pub fn mode(&self) -> Mode {
        let sockets_only = self.get("hostaddr").is_none() && self.hosts().all(is_folder);
        match self.get("sslmode") {
            _ if sockets_only => Mode::Disable,
            Some(mode) => Mode::parse(mode).unwrap_or(Mode::VerifyFull),
            None if self.roots() == Some("system") => Mode::VerifyFull,
            None => Mode::Prefer,
        }
    }

    /// `tcp_user_timeout`; zero is the system's.
    pub fn user_timeout(&self) -> Option<Duration> {
        self.get("tcp_user_timeout")?.parse().ok().map(Duration::from_millis)
    }

    /// The URL as tokio-postgres reads it, which knows fewer parameters and less of TLS: what it
    /// does not know is left out, and so are those that are not `wanted`. `application_name` is what
    /// the server shows for a connection whose URL does not name it.
    pub fn written(&self, application_name: &str, wanted: impl Fn(&str) -> bool) -> Secret {
        let mode = match self.mode() {
            Mode::Disable => "disable",
            Mode::Allow | Mode::Prefer => "prefer",
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => "require",
        };
        let mut url = "postgresql://".to_owned();
        if let Some(user) = self.get("user") {
            url += &encode(user);
            if let Some(password) = self.get("password") {
                let _ = write!(url, ":{}", encode(password));
            }
            url.push('@');
        }
        let ports: Vec<_> = self.list("port").collect();
        for (number, host) in self.hosts().enumerate() {
            let port = ports.get(number).or(ports.first()).unwrap_or(&"5432");
            let comma = if number == 0 { "" } else { "," };
            let (open, close) = if host.contains(':') { ("[", "]") } else { ("", "") };
            let host = if host.contains(':') { host.replace('%', "%25") } else { encode(host) };
            let _ = write!(url, "{comma}{open}{host}{close}:{port}");
        }
        let _ = write!(url, "/{}?sslmode={mode}", encode(self.get("dbname").unwrap_or_default()));
        let mut add = |name: &str, value: &str| {
            let _ = write!(url, "&{name}={}", encode(value));
        };
        if self.get("application_name").is_none() {
            add("application_name", application_name);
        }
        for (name, value) in &self.0 {
            let elsewhere = match *name {
                "user" | "host" | "dbname" => true,
                "password" => self.get("user").is_some(),
                "port" => self.get("host").is_some(),
                name => !parameters::is_of_tokio_postgres(name),
            };
            if !elsewhere && wanted(name) {
                add(name, value);
            }
        }
        Secret::new(url)
    }
}

impl Mode {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }
}

pub fn is_folder(host: &str) -> bool {
    host.starts_with('/')
}

/// All but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

impl FromStr for PostgresUrl {
    type Err = UrlFault;

    fn from_str(text: &str) -> Result<Self, UrlFault> {
        let rest = Self::strip_scheme(text)
            .ok_or_else(|| UrlFault("it has to begin with postgres://".to_owned()))?;
        Self::parse(rest)
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl fmt::Display for UrlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::error::Error for UrlFault {}

impl From<String> for UrlFault {
    fn from(fault: String) -> Self {
        Self(fault)
    }
}
