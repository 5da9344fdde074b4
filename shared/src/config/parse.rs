use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::RangeInclusive,
    time::Duration,
};

use http::HeaderName;

use super::{
    DatabaseUrl, Environment, Faults, Filter, LogFormat, PostgresUrl, Proxies,
    variables::{VARIABLES, Variable},
};
use crate::http::cors::OriginPattern;

/// How many in how long: `60/60s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    pub requests: u32,
    pub window: Duration,
}

impl Quota {
    pub const fn new(requests: u32, seconds: u64) -> Self {
        Self { requests, window: Duration::from_secs(seconds) }
    }

    fn parse(text: &str) -> Option<Self> {
        let (requests, window) = text.split_once('/')?;
        let requests = requests.trim().parse().ok().filter(|&count| count > 0)?;
        let window = window.trim();
        let (number, unit) = window.split_at(window.find(|c: char| !c.is_ascii_digit())?);
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return None,
        };
        let seconds = number.parse::<u64>().ok()?.checked_mul(unit)?;
        (1..=86_400).contains(&seconds).then(|| Self::new(requests, seconds))
    }
}

/// Reads variables and gathers their faults. A method that finds a fault notes it and gives a
/// stand-in, which [`Reader::finish`] never lets out.
pub struct Reader<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
    product: &'static [Variable],
    environment: Option<Environment>,
    faults: Vec<String>,
}

impl<'a> Reader<'a> {
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>, product: &'static [Variable]) -> Self {
        Self { lookup, product, environment: None, faults: Vec::new() }
    }

    pub fn finish<T>(self, config: T) -> Result<T, Faults> {
        if self.faults.is_empty() { Ok(config) } else { Err(Faults(self.faults)) }
    }

    pub fn fault(&mut self, name: &str, fault: &str) {
        self.faults.push(format!("{name} {fault}."));
    }

    pub fn text(&self, name: &str) -> Option<String> {
        debug_assert!(
            VARIABLES.iter().chain(self.product).any(|variable| variable.name == name),
            "{name} is not among the variables"
        );
        (self.lookup)(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    pub fn list(&self, name: &str) -> Vec<String> {
        let text = self.text(name).unwrap_or_default();
        text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    pub fn environment(&mut self) -> Environment {
        if let Some(environment) = self.environment {
            return environment;
        }
        let environment = match self.text("ENVIRONMENT").as_deref() {
            None | Some("development") => Environment::Development,
            Some("staging") => Environment::Staging,
            Some("production") => Environment::Production,
            Some(_) => {
                self.fault("ENVIRONMENT", "must be development, staging or production");
                // The strictest, so that the other faults are named as well.
                Environment::Production
            }
        };
        *self.environment.insert(environment)
    }

    pub fn optional_number(&mut self, name: &str, range: RangeInclusive<i64>) -> Option<i64> {
        let text = self.text(name)?;
        let number = text.parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            let (least, most) = range.into_inner();
            self.fault(name, &format!("must be a whole number from {least} to {most}"));
        }
        number
    }

    pub fn number(&mut self, name: &str, default: i64, range: RangeInclusive<i64>) -> i64 {
        self.optional_number(name, range).unwrap_or(default)
    }

    pub fn millis(&mut self, name: &str, default: u32, range: RangeInclusive<u32>) -> Duration {
        Duration::from_millis(self.natural(name, default, range))
    }

    pub fn seconds(&mut self, name: &str, default: u32, range: RangeInclusive<u32>) -> Duration {
        Duration::from_secs(self.natural(name, default, range))
    }

    fn natural(&mut self, name: &str, default: u32, range: RangeInclusive<u32>) -> u64 {
        let range = i64::from(*range.start())..=i64::from(*range.end());
        self.number(name, default.into(), range).unsigned_abs()
    }

    pub fn flag(&mut self, name: &str, default: bool) -> bool {
        match self.text(name).as_deref() {
            None => default,
            Some("true" | "1" | "yes") => true,
            Some("false" | "0" | "no") => false,
            Some(_) => {
                self.fault(name, "must be true or false");
                default
            }
        }
    }

    /// One of some words; the first if there is none.
    pub fn choice(&mut self, name: &str, words: &'static [&'static str]) -> &'static str {
        let default = words.first().copied().unwrap_or_default();
        let Some(text) = self.text(name) else { return default };
        words.iter().copied().find(|word| *word == text).unwrap_or_else(|| {
            self.fault(name, &format!("must be one of: {}", words.join(", ")));
            default
        })
    }

    pub fn quota(&mut self, name: &str, default: Quota) -> Quota {
        let Some(text) = self.text(name) else { return default };
        Quota::parse(&text).unwrap_or_else(|| {
            self.fault(name, "must read like 60/60s: a count from 1, and seconds (s), minutes (m) or hours (h) up to a day");
            default
        })
    }

    /// The address of the API. Without authentication whoever can connect is the one user, so it is
    /// this machine's alone.
    pub fn bind(&mut self, required: bool) -> IpAddr {
        let any = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        let default = if required { any } else { Ipv4Addr::LOCALHOST.into() };
        let bind = self.address("BIND", default);
        if !required && !bind.to_canonical().is_loopback() {
            self.fault(
                "BIND",
                "must be a loopback address, such as 127.0.0.1, while AUTH_REQUIRED is false",
            );
        }
        bind
    }

    /// The address of the admin listener, whose figures are nobody else's business.
    pub fn admin_bind(&mut self) -> IpAddr {
        self.address("ADMIN_BIND", Ipv4Addr::LOCALHOST.into())
    }

    fn address(&mut self, name: &str, default: IpAddr) -> IpAddr {
        let Some(text) = self.text(name) else { return default };
        let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        let address = match bracketed {
            Some(text) => text.parse().ok().map(IpAddr::V6),
            None => text.parse().ok(),
        };
        address.unwrap_or_else(|| {
            self.fault(name, "must be an IP address, such as 127.0.0.1 or [::]");
            default
        })
    }

    pub fn log_filter(&mut self) -> Filter {
        let Some(text) = self.text("LOG_LEVEL") else { return Filter::default() };
        Filter::parse(&text).unwrap_or_else(|| {
            self.fault(
                "LOG_LEVEL",
                "must be a level (error, warn, info, debug, trace, off), or a filter such as info,trireme=debug",
            );
            Filter::default()
        })
    }

    pub fn log_format(&mut self, production: bool) -> LogFormat {
        match self.text("LOG_FORMAT").as_deref() {
            None if production => LogFormat::Json,
            None | Some("pretty") => LogFormat::Pretty,
            Some("json") => LogFormat::Json,
            Some(_) => {
                self.fault("LOG_FORMAT", "must be json or pretty");
                LogFormat::Json
            }
        }
    }

    pub fn database_url(
        &mut self,
        bindings: &'static [&'static str],
        production: bool,
    ) -> DatabaseUrl {
        let stand_in = DatabaseUrl::Sqlite("trireme.sqlite3".to_owned());
        let has_files = bindings.is_empty();
        let Some(text) = self.text("DATABASE_URL") else {
            if production && has_files {
                self.fault("DATABASE_URL", "is missing; production needs a postgres:// URL");
            } else if !has_files {
                self.fault("DATABASE_URL", &format!("is missing; write {}", schemes(bindings)));
            }
            return stand_in;
        };
        if let Some(rest) = PostgresUrl::strip_scheme(&text) {
            return self
                .postgres_url("DATABASE_URL", rest, has_files)
                .map_or(stand_in, DatabaseUrl::Postgres);
        }
        if let Some((scheme, name)) = text.split_once("://")
            && let Some(known) = bindings.iter().find(|known| known.eq_ignore_ascii_case(scheme))
        {
            if !is_binding(name) {
                self.fault("DATABASE_URL", &format!("names no binding; write {known}://NAME"));
            }
            return DatabaseUrl::Binding(known, name.to_owned());
        }
        let Some(path) = text.strip_prefix("sqlite:").filter(|_| has_files) else {
            self.fault("DATABASE_URL", &format!("must begin with {}", schemes(bindings)));
            return stand_in;
        };
        if production {
            self.fault("DATABASE_URL", "must be PostgreSQL in production, not SQLite");
        }
        let path = path.strip_prefix("//").unwrap_or(path);
        // The path is shown, in errors and at the start.
        let credentials = path.split_once('@').is_some_and(|(before, _)| before.contains(':'));
        if credentials || path.contains("://") {
            self.fault("DATABASE_URL", "has a user and a password, and SQLite knows neither");
        }
        let path = path.split('?').next().unwrap_or(path);
        if path.is_empty() {
            self.fault(
                "DATABASE_URL",
                "names no file; write sqlite://path/to/file or sqlite::memory:",
            );
        }
        DatabaseUrl::Sqlite(path.to_owned())
    }

    pub fn direct_url(&mut self, bindings: &[&str]) -> Option<PostgresUrl> {
        const NAME: &str = "DIRECT_DATABASE_URL";
        let text = self.text(NAME)?;
        let Some(rest) = PostgresUrl::strip_scheme(&text) else {
            self.fault(NAME, "must be a postgres:// URL");
            return None;
        };
        self.postgres_url(NAME, rest, bindings.is_empty())
    }

    fn postgres_url(&mut self, name: &str, rest: &str, has_files: bool) -> Option<PostgresUrl> {
        let url = PostgresUrl::parse(rest).and_then(|url| {
            if !has_files {
                url.without_files()?;
            }
            Ok(url)
        });
        url.inspect_err(|fault| self.faults.push(format!("{name}: {fault}."))).ok()
    }

    pub fn public_url(&mut self) -> Option<String> {
        let text = self.text("PUBLIC_URL")?;
        let origin = text.trim_end_matches('/').to_ascii_lowercase();
        if OriginPattern::parse(&origin).is_none_or(|pattern| pattern.has_wildcard()) {
            self.fault("PUBLIC_URL", "must be an origin such as https://api.example.com");
        }
        Some(origin)
    }

    pub fn allowed_hosts(&mut self) -> Vec<String> {
        let hosts: Vec<_> =
            self.list("ALLOWED_HOSTS").iter().map(|host| host.to_ascii_lowercase()).collect();
        let is_bare = |host: &String| {
            let v6 = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
            v6.is_some_and(|v6| v6.parse::<Ipv6Addr>().is_ok())
                || host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
        };
        if !hosts.iter().all(is_bare) {
            self.fault(
                "ALLOWED_HOSTS",
                "must be host names without scheme, port or *; leave it unset to allow every host",
            );
        }
        hosts
    }

    pub fn trusted_proxies(&mut self) -> Proxies {
        Proxies::parse(&self.list("TRUSTED_PROXIES")).unwrap_or_else(|fault| {
            self.fault("TRUSTED_PROXIES", fault);
            Proxies::default()
        })
    }

    pub fn cors_allowed_headers(&mut self) -> Vec<HeaderName> {
        let items = self.list("CORS_ALLOWED_HEADERS");
        // With credentials a browser takes `*` for a header of that name.
        let names: Option<_> =
            items.iter().map(|item| item.parse().ok().filter(|_| item != "*")).collect();
        names.unwrap_or_else(|| {
            self.fault(
                "CORS_ALLOWED_HEADERS",
                "must be names of headers, separated by commas; * is none",
            );
            Vec::new()
        })
    }

    pub fn cors_origins(&mut self, production: bool) -> Vec<OriginPattern> {
        let items = self.list("CORS_ORIGINS");
        if items.is_empty() {
            if production {
                self.fault(
                    "CORS_ORIGINS",
                    "is empty; name the origins that may call, such as https://app.example.com",
                );
                return Vec::new();
            }
            let development = self.environment() == Environment::Development;
            return OriginPattern::parse("http://localhost:3000")
                .filter(|_| development)
                .into_iter()
                .collect();
        }
        let patterns: Vec<_> = items.iter().filter_map(|item| OriginPattern::parse(item)).collect();
        if patterns.len() != items.len() {
            self.fault(
                "CORS_ORIGINS",
                "must be exact origins such as https://app.example.com, or have one leading * inside the first label with a fixed rest of that label, such as https://*-team.vercel.app",
            );
        }
        patterns
    }
}

/// How a `DATABASE_URL` may begin, in words.
fn schemes(bindings: &[&str]) -> String {
    let own = if bindings.is_empty() { &["sqlite"] } else { bindings };
    let (last, others) = own.split_last().unwrap_or((&"sqlite", &[]));
    let others: String = others.iter().map(|scheme| format!(", {scheme}://")).collect();
    format!("postgres://, postgresql://, postgresql+asyncpg://{others} or {last}://")
}

/// A platform calls a binding by a name such as a program's variable has.
fn is_binding(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    !name.is_empty() && name.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas_read_like_words() {
        assert_eq!(Quota::parse("60/60s"), Some(Quota::new(60, 60)));
        assert_eq!(Quota::parse("5/2m"), Some(Quota::new(5, 120)));
        for wrong in ["60", "0/60s", "60/60", "60/0s", "60/25h", "/s", "1/ms"] {
            assert_eq!(Quota::parse(wrong), None, "{wrong}");
        }
    }
}
