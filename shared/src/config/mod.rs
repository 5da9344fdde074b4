//! Environment variables to [`Config`]: read once, all faults reported at once, by name and
//! without values. The variables themselves are listed in [`variables`].

mod filter;
mod mail;
pub(crate) mod parse;
pub mod postgres_url;
mod proxies;
mod secrets;
mod settings;
pub mod variables;

use std::{fmt, net::IpAddr, ops::RangeInclusive, time::Duration};

use ::http::HeaderName;

pub use filter::Filter;
pub use parse::Quota;
pub use postgres_url::PostgresUrl;
pub use proxies::{Cidr, Proxies};
pub use settings::Settings;
pub use variables::{Kind, Variable};

use crate::{
    Secret,
    auth::keys::Ring,
    http::cors::OriginPattern,
    mail::{Mailbox, Smtp},
};

/// Of a limit in milliseconds: up to ten minutes.
const MILLIS: RangeInclusive<u32> = 1..=600_000;

/// Of how long something is valid: up to ten years.
const SECONDS: RangeInclusive<u32> = 1..=10 * 366 * 86_400;

/// Everything that an operator can set, read and checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub environment: Environment,
    pub listen: Listen,
    pub database: Database,
    pub auth: Auth,
    pub http: Http,
    pub limits: Limits,
    pub mail: Mail,
    pub log: Log,
    /// What the product declares.
    pub settings: Settings,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    Development,
    Staging,
    Production,
}

#[derive(Clone, Debug)]
pub struct Listen {
    pub port: u16,
    /// `[::]` is dual stack.
    pub bind: IpAddr,
    /// Where `/metrics` is; no listener without it.
    pub admin_port: Option<u16>,
    pub admin_bind: IpAddr,
    pub shutdown_grace: Duration,
    /// What answers and bodies on their way may hold of the process's memory.
    pub memory_budget: usize,
    /// Open connections of one IPv4 address, or of one IPv6 network of 64 bits.
    pub connections_per_address: usize,
}

#[derive(Clone, Debug)]
pub struct Database {
    pub url: DatabaseUrl,
    /// PostgreSQL past the pooler, for migrations.
    pub direct_url: Option<PostgresUrl>,
    pub pool_min: usize,
    pub pool_max: usize,
    pub acquire_timeout: Duration,
    pub statement_timeout: Duration,
    pub migrate_on_start: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    Postgres(PostgresUrl),
    /// A file's path, or `:memory:`.
    Sqlite(String),
    /// A database that the platform holds, by one of the schemes of [`Platform::bindings`] and
    /// the name that the platform knows it by: `d1://DB`.
    Binding(&'static str, String),
}

/// What configuring depends on besides variables.
#[derive(Clone, Debug, Default)]
pub struct Platform {
    /// Schemes of `DATABASE_URL` for the databases that the platform holds itself. Where there
    /// are any, there is no file system, and so no `sqlite://`, and no socket of SMTP.
    pub bindings: &'static [&'static str],
    /// Signs tokens in development when no key is set. Without it a key is always required, as
    /// where a service is many instances from the start.
    pub spare: Option<Secret>,
}

#[derive(Clone, Debug)]
pub struct Auth {
    pub keys: Ring,
    pub issuer: String,
    pub audience: String,
    pub access_token_ttl: Duration,
    pub refresh_token_ttl: Duration,
    pub session_max_age: Duration,
    pub bcrypt_cost: u32,
    /// False acts as one fixed local user; development only.
    pub required: bool,
}

#[derive(Clone, Debug)]
pub struct Http {
    pub cors_origins: Vec<OriginPattern>,
    /// What a page may send besides what every page may.
    pub cors_allowed_headers: Vec<HeaderName>,
    /// Lower-case, without port; empty allows every host.
    pub allowed_hosts: Vec<String>,
    /// An origin, without a trailing slash.
    pub public_url: Option<String>,
    pub trusted_proxies: Proxies,
    pub enforce_https: bool,
    pub hsts: bool,
    pub body_limit: usize,
    pub request_timeout: Duration,
    pub api_docs: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub auth_per_address: Quota,
    pub auth_per_account: Quota,
}

#[derive(Clone, Debug)]
pub struct Mail {
    pub transport: Transport,
    pub from: Mailbox,
    /// Where links lead: an origin, with or without a path, without a trailing slash.
    pub app_url: String,
}

/// What takes mail.
#[derive(Clone, Debug)]
pub enum Transport {
    None,
    /// The log and a page: development without any other.
    Shown,
    Smtp(Smtp),
    Resend {
        key: Secret,
        url: String,
    },
    Postmark(Secret),
}

#[derive(Clone, Debug)]
pub struct Log {
    pub filter: Filter,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    Pretty,
}

impl Environment {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

/// Every fault of the configuration; each names its variable and never shows a value.
#[derive(Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The configuration has {} fault(s):", self.0.len())?;
        for fault in &self.0 {
            writeln!(f, "  {fault}")?;
        }
        f.write_str("The command's `config` explains every variable, and so does docs/configuration.md of Trireme.")
    }
}
impl std::error::Error for Faults {}

impl Config {
    /// Reads the configuration, and the variables of the product. `lookup` gives a variable's value;
    /// an empty one counts as unset.
    pub fn from_variables(
        lookup: impl Fn(&str) -> Option<String>,
        platform: &Platform,
        product: &'static [Variable],
    ) -> Result<Self, Faults> {
        let mut read = parse::Reader::new(&lookup, product);
        let environment = read.environment();
        let production = environment == Environment::Production;
        let auth = Self::auth(&mut read, platform, production);
        let config = Self {
            environment,
            listen: Listen {
                port: read.number("PORT", 8000, 0..=65535) as u16,
                bind: read.bind(auth.required),
                admin_port: read.optional_number("ADMIN_PORT", 0..=65535).map(|port| port as u16),
                admin_bind: read.admin_bind(),
                shutdown_grace: read.seconds("SHUTDOWN_GRACE_SECONDS", 25, 1..=3600),
                memory_budget: read.number("MEMORY_BUDGET_BYTES", 128 << 20, 1 << 20..=1 << 40)
                    as usize,
                connections_per_address: read.number("CONNECTIONS_PER_ADDRESS", 1000, 1..=1_000_000)
                    as usize,
            },
            database: Self::database(&mut read, platform, production),
            auth,
            http: Self::http(&mut read, production),
            limits: Limits {
                auth_per_address: read.quota("RATE_LIMIT_AUTH_PER_ADDRESS", Quota::new(60, 60)),
                auth_per_account: read.quota("RATE_LIMIT_AUTH_PER_ACCOUNT", Quota::new(10, 60)),
            },
            mail: read.mail(platform.bindings.is_empty()),
            log: Log { filter: read.log_filter(), format: read.log_format(production) },
            settings: Settings::read(&mut read, production, product),
        };
        read.finish(config)
    }

    fn database(read: &mut parse::Reader<'_>, platform: &Platform, production: bool) -> Database {
        let url = read.database_url(platform.bindings, production);
        let (min, max) = if production { (10, 100) } else { (2, 16) };
        let pool_max = read.number("DATABASE_POOL_MAX", max, 1..=10_000);
        let pool_min = read.number("DATABASE_POOL_MIN", min.min(pool_max), 0..=10_000);
        if pool_min > pool_max {
            read.fault("DATABASE_POOL_MIN", "is greater than DATABASE_POOL_MAX");
        }
        Database {
            url,
            direct_url: read.direct_url(platform.bindings),
            pool_min: pool_min as usize,
            pool_max: pool_max as usize,
            acquire_timeout: read.millis("DATABASE_ACQUIRE_TIMEOUT_MS", 2_000, MILLIS),
            statement_timeout: read.millis("DATABASE_STATEMENT_TIMEOUT_MS", 10_000, MILLIS),
            migrate_on_start: read.flag("MIGRATE_ON_START", true),
        }
    }

    fn auth(read: &mut parse::Reader<'_>, platform: &Platform, production: bool) -> Auth {
        let development = read.environment() == Environment::Development;
        let spare = platform.spare.as_ref().filter(|_| development).map(Secret::reveal);
        let required = read.flag("AUTH_REQUIRED", true);
        if !required && !development {
            read.fault("AUTH_REQUIRED", "may be false in development only");
        }
        Auth {
            keys: read.ring(!development, spare),
            issuer: read.text("JWT_ISSUER").unwrap_or_else(|| "trireme".to_owned()),
            audience: read.text("JWT_AUDIENCE").unwrap_or_else(|| "trireme".to_owned()),
            access_token_ttl: read.seconds("ACCESS_TOKEN_TTL_SECONDS", 900, SECONDS),
            refresh_token_ttl: read.seconds("REFRESH_TOKEN_TTL_SECONDS", 30 * 86_400, SECONDS),
            session_max_age: read.seconds("SESSION_MAX_AGE_SECONDS", 180 * 86_400, SECONDS),
            bcrypt_cost: read.number("BCRYPT_COST", 12, if production { 10..=16 } else { 4..=16 })
                as u32,
            required,
        }
    }

    fn http(read: &mut parse::Reader<'_>, production: bool) -> Http {
        Http {
            cors_origins: read.cors_origins(production),
            cors_allowed_headers: read.cors_allowed_headers(),
            allowed_hosts: read.allowed_hosts(),
            public_url: read.public_url(),
            trusted_proxies: read.trusted_proxies(),
            enforce_https: read.flag("ENFORCE_HTTPS", production),
            hsts: production,
            body_limit: read.number("BODY_LIMIT_BYTES", 1 << 20, 1024..=1 << 30) as usize,
            request_timeout: read.millis("REQUEST_TIMEOUT_MS", 10_000, MILLIS),
            api_docs: read.flag("API_DOCS", !production),
        }
    }
}
