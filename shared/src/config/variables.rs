//! Every variable, in one table: `trireme config` shows it and docs/configuration.md is
//! checked against it.

use std::{borrow::Cow, ops::RangeInclusive};

use super::Quota;
use crate::names::{is_same, is_upper_snake};

/// One environment variable. A product declares its own by the functions named after the kinds, as
/// constants; a name that is not fit, or is the core's, does not compile there.
///
/// ```
/// use trireme_core::config::{Quota, Variable};
///
/// pub const MAX_LINES: Variable =
///     Variable::number("MAX_LINES", 100, 1..=10_000, "Lines that one order may have.");
/// pub const SHOP_KEY: Variable = Variable::secret("SHOP_KEY", "Signs what the shop is sent.").required();
/// pub const VARIABLES: &[Variable] = &[MAX_LINES, SHOP_KEY];
/// ```
///
/// ```compile_fail
/// use trireme_core::config::Variable;
///
/// pub const PORT: Variable = Variable::number("PORT", 1, 1..=2, "It is the core's.");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    pub name: &'static str,
    pub kind: Kind,
    /// Production does not start without it.
    pub required: bool,
    pub meaning: &'static str,
}

/// What may be in a variable, and what holds when it is not set.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// One of the core's, which reads it in a manner of its own; the default is in words.
    Own {
        default: &'static str,
        secret: bool,
    },
    Flag(bool),
    Number {
        default: i64,
        least: i64,
        most: i64,
    },
    Seconds {
        default: u32,
        least: u32,
        most: u32,
    },
    Millis {
        default: u32,
        least: u32,
        most: u32,
    },
    /// Empty for no default.
    Text(&'static str),
    /// Never shown; outside development no placeholder will do.
    Secret,
    Quota(Quota),
    /// One of these words; the first is the default.
    Choice(&'static [&'static str]),
    /// Separated by commas.
    List,
}

impl Variable {
    pub const fn flag(name: &'static str, default: bool, meaning: &'static str) -> Self {
        Self::of(name, Kind::Flag(default), meaning)
    }

    pub const fn number(
        name: &'static str,
        default: i64,
        bounds: RangeInclusive<i64>,
        meaning: &'static str,
    ) -> Self {
        let (least, most) = (*bounds.start(), *bounds.end());
        assert!(least <= default && default <= most, "the default is out of bounds");
        Self::of(name, Kind::Number { default, least, most }, meaning)
    }

    pub const fn seconds(
        name: &'static str,
        default: u32,
        bounds: RangeInclusive<u32>,
        meaning: &'static str,
    ) -> Self {
        let (least, most) = (*bounds.start(), *bounds.end());
        assert!(least <= default && default <= most, "the default is out of bounds");
        Self::of(name, Kind::Seconds { default, least, most }, meaning)
    }

    pub const fn millis(
        name: &'static str,
        default: u32,
        bounds: RangeInclusive<u32>,
        meaning: &'static str,
    ) -> Self {
        let (least, most) = (*bounds.start(), *bounds.end());
        assert!(least <= default && default <= most, "the default is out of bounds");
        Self::of(name, Kind::Millis { default, least, most }, meaning)
    }

    /// An empty default is none.
    pub const fn text(name: &'static str, default: &'static str, meaning: &'static str) -> Self {
        Self::of(name, Kind::Text(default), meaning)
    }

    pub const fn secret(name: &'static str, meaning: &'static str) -> Self {
        Self::of(name, Kind::Secret, meaning)
    }

    pub const fn quota(name: &'static str, default: Quota, meaning: &'static str) -> Self {
        Self::of(name, Kind::Quota(default), meaning)
    }

    pub const fn choice(
        name: &'static str,
        words: &'static [&'static str],
        meaning: &'static str,
    ) -> Self {
        assert!(!words.is_empty(), "there is nothing to choose from");
        Self::of(name, Kind::Choice(words), meaning)
    }

    pub const fn list(name: &'static str, meaning: &'static str) -> Self {
        Self::of(name, Kind::List, meaning)
    }

    /// Production does not start without it.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn of(name: &'static str, kind: Kind, meaning: &'static str) -> Self {
        assert!(is_upper_snake(name), "a variable's name is like THIS_1");
        let mut at = 0;
        while at < VARIABLES.len() {
            assert!(!is_same(VARIABLES[at].name, name), "the core has a variable of this name");
            at += 1;
        }
        at = 0;
        while at < NOT_YET.len() {
            assert!(!is_same(NOT_YET[at], name), "the core will have a variable of this name");
            at += 1;
        }
        Self { name, kind, required: false, meaning }
    }

    pub const fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret | Kind::Own { secret: true, .. })
    }

    /// In words; what holds when it is not set.
    pub fn default(&self) -> Cow<'static, str> {
        let default = match self.kind {
            Kind::Flag(default) => default.to_string().into(),
            Kind::Number { default, .. } => default.to_string().into(),
            Kind::Seconds { default, .. } | Kind::Millis { default, .. } => {
                default.to_string().into()
            }
            Kind::Quota(Quota { requests, window }) => {
                format!("{requests}/{}s", window.as_secs()).into()
            }
            Kind::Choice(words) => words.first().copied().unwrap_or_default().into(),
            Kind::List => "none".into(),
            Kind::Text("") | Kind::Secret => "unset".into(),
            Kind::Own { default, .. } | Kind::Text(default) => default.into(),
        };
        if self.required { format!("{default} (required in production)").into() } else { default }
    }

    /// Its row in the table of a page about variables.
    pub fn row(&self) -> String {
        let secret = if self.is_secret() { " Secret." } else { "" };
        format!("| `{}` | {} | {}{secret} |", self.name, self.default(), self.meaning)
    }
}

const fn open(name: &'static str, default: &'static str, meaning: &'static str) -> Variable {
    Variable { name, kind: Kind::Own { default, secret: false }, required: false, meaning }
}

const fn secret(name: &'static str, default: &'static str, meaning: &'static str) -> Variable {
    Variable { name, kind: Kind::Own { default, secret: true }, required: false, meaning }
}

/// The core's.
pub const VARIABLES: &[Variable] = &[
    open(
        "ENVIRONMENT",
        "development",
        "`development`, `staging` or `production`. Production refuses to start with anything missing or weak.",
    ),
    open("PORT", "8000", "The port of the API."),
    open(
        "BIND",
        "[::]; 127.0.0.1 without AUTH_REQUIRED",
        "The address to listen on; `[::]` serves IPv6 and IPv4.",
    ),
    open(
        "ADMIN_PORT",
        "unset",
        "The port of the admin listener with `/metrics`; none when unset. Keep it private.",
    ),
    open(
        "ADMIN_BIND",
        "127.0.0.1",
        "The address of the admin listener; set it to a private network's for a collector that is elsewhere.",
    ),
    open(
        "SHUTDOWN_GRACE_SECONDS",
        "25",
        "How long a drain may take after SIGTERM; the process ends by then, whatever hangs.",
    ),
    open(
        "MEMORY_BUDGET_BYTES",
        "134217728",
        "What answers and bodies on their way may hold of the native host's memory, for the whole process; over it 503 `overloaded`, and the slowest readers are cut off.",
    ),
    open(
        "CONNECTIONS_PER_ADDRESS",
        "1000",
        "Open connections to the native host from one IPv4 address or one IPv6 /64; TRUSTED_PROXIES are exempt.",
    ),
    secret(
        "DATABASE_URL",
        "sqlite://trireme.sqlite3 (required in production)",
        "`postgres://`, `postgresql://` or `postgresql+asyncpg://` with `sslmode` and `sslrootcert`; `sqlite://path` or `sqlite::memory:` outside production. On Workers also `hyperdrive://BINDING` and `d1://BINDING`, on Spin `spin://LABEL`.",
    ),
    secret("DIRECT_DATABASE_URL", "DATABASE_URL", "PostgreSQL past a pooler; migrations use it."),
    open("DATABASE_POOL_MIN", "10 in production, else 2", "Connections kept open."),
    open("DATABASE_POOL_MAX", "100 in production, else 16", "Connections at most."),
    open(
        "DATABASE_ACQUIRE_TIMEOUT_MS",
        "2000",
        "How long a request waits for a connection before it is answered 503.",
    ),
    open("DATABASE_STATEMENT_TIMEOUT_MS", "10000", "How long one statement may run."),
    open("MIGRATE_ON_START", "true", "Apply pending migrations before serving."),
    secret(
        "JWT_SECRET",
        "required; on the native host in development a new random one at each start",
        "Signs access tokens by HS256; at least 32 bytes. `BETTER_AUTH_SECRET` and `SECRET_KEY` are read in its place.",
    ),
    secret("BETTER_AUTH_SECRET", "unset", "Read when JWT_SECRET is unset."),
    secret("SECRET_KEY", "unset", "Read when JWT_SECRET and BETTER_AUTH_SECRET are unset."),
    secret(
        "JWT_SECRETS",
        "unset",
        "Rotation without sign-outs: `2:new,1:old`; the first signs, all verify. Instead of JWT_SECRET.",
    ),
    secret(
        "JWT_PRIVATE_KEY",
        "unset",
        "A PKCS#8 PEM of an Ed25519 (EdDSA) or P-256 (ES256) key; signs instead of a secret. Line ends may be written as `\\n`.",
    ),
    open("JWT_ISSUER", "trireme", "The `iss` of access tokens."),
    open("JWT_AUDIENCE", "trireme", "The `aud` of access tokens."),
    open("ACCESS_TOKEN_TTL_SECONDS", "900", "How long an access token is valid."),
    open("REFRESH_TOKEN_TTL_SECONDS", "2592000", "How long a refresh token is valid (30 days)."),
    open(
        "SESSION_MAX_AGE_SECONDS",
        "15552000",
        "How long after signing in a session ends at the latest (180 days).",
    ),
    open(
        "BCRYPT_COST",
        "12",
        "The work of hashing a password, as a power of two: 10 to 16, from 4 outside production.",
    ),
    open(
        "AUTH_REQUIRED",
        "true",
        "`false` acts as one fixed local user; in development, on a loopback address, and under the names `localhost`, `127.0.0.1`, `[::1]` and those of ALLOWED_HOSTS only.",
    ),
    open(
        "CORS_ORIGINS",
        "http://localhost:3000 in development; required in production",
        "Origins that may call, separated by commas: exact ones, and `https://*-team.vercel.app` with one leading `*` inside the first label.",
    ),
    open(
        "CORS_ALLOWED_HEADERS",
        "none",
        "Headers that pages may send besides those of the API and of tracing (`traceparent`, `tracestate`, `baggage`, `sentry-trace`), separated by commas.",
    ),
    open("ALLOWED_HOSTS", "any", "Host names that the server answers to, separated by commas."),
    open(
        "PUBLIC_URL",
        "unset",
        "The origin under which callers reach the server; its host is always allowed.",
    ),
    open(
        "TRUSTED_PROXIES",
        "none",
        "Addresses and networks (`10.0.0.0/8`, `fd00::/8`) whose `Forwarded` and `X-Forwarded-*` headers are believed, separated by commas, or their names: `loopback`, `private`, `link_local`, `railway`, `cloudflare`. `*` alone believes whoever connects, and nobody behind.",
    ),
    open(
        "ENFORCE_HTTPS",
        "true in production",
        "Redirect plain HTTP (308) by a trusted proxy's `X-Forwarded-Proto`; health paths are exempt.",
    ),
    open("BODY_LIMIT_BYTES", "1048576", "The largest request body."),
    open("REQUEST_TIMEOUT_MS", "10000", "The deadline of a request; 504 after it."),
    open(
        "RATE_LIMIT_AUTH_PER_ADDRESS",
        "60/60s",
        "Requests of one address to the credential endpoints.",
    ),
    open("RATE_LIMIT_AUTH_PER_ACCOUNT", "10/60s", "Failed sign-ins of one address to one account."),
    secret(
        "SMTP_URL",
        "unset",
        "Takes mail, on the native host: `smtp://user:password@host:587` or `smtps://…:465`. Without `?tls=` (`required`, `opportunistic`, `never`) a server elsewhere has to offer STARTTLS.",
    ),
    open(
        "SMTP_HOST",
        "unset",
        "Takes mail, on the native host: instead of SMTP_URL, with the five below.",
    ),
    open("SMTP_PORT", "587, or 465 with SMTP_SSL", "The port of SMTP_HOST."),
    open("SMTP_USER", "unset", "Signs in to SMTP_HOST."),
    secret("SMTP_PASSWORD", "unset", "Signs in to SMTP_HOST."),
    open("SMTP_TLS", "true", "SMTP_HOST has to offer STARTTLS; `false` sends in the clear."),
    open("SMTP_SSL", "false", "SMTP_HOST speaks TLS from the first byte."),
    secret("RESEND_API_KEY", "unset", "Takes mail, on every host: Resend."),
    open("RESEND_BASE_URL", "https://api.resend.com", "Where Resend is called."),
    secret("POSTMARK_SERVER_TOKEN", "unset", "Takes mail, on every host: Postmark."),
    open(
        "EMAIL_FROM",
        "required where something takes mail",
        "From whom mail is: `no-reply@example.com` or `Name <no-reply@example.com>`.",
    ),
    open("EMAILS_FROM_EMAIL", "unset", "Read when EMAIL_FROM is unset."),
    open(
        "APP_URL",
        "http://localhost:3000 in development; else required where something takes mail",
        "The frontend, to which links in mail lead.",
    ),
    open("FRONTEND_HOST", "unset", "Read when APP_URL is unset."),
    open(
        "LOG_LEVEL",
        "info",
        "`error`, `warn`, `info`, `debug`, `trace` or `off`, their common synonyms (`warning`, `err`, `critical`, `fatal`, `notice`, `verbose`), or a filter such as `info,trireme=debug`.",
    ),
    open("LOG_FORMAT", "json in production, else pretty", "`json` or `pretty`."),
    open("API_DOCS", "false in production, else true", "Serve `/openapi.json` and `/docs`."),
];

/// Named by the contract and not served by this version: setting one is answered by a warning
/// at the start, since it changes nothing.
pub const NOT_YET: &[&str] = &[
    "DATABASE_REPLICA_URL",
    "OIDC_ISSUER",
    "OIDC_AUDIENCE",
    "OIDC_JWKS_URL",
    "REDIS_URL",
    "SENTRY_DSN",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_SERVICE_NAME",
    "ALERT_WEBHOOK_URL",
    "BACKUP_STORAGE",
];

/// The names of all that is read, the core's and the product's, and of what will be.
pub fn names(product: &'static [Variable]) -> impl Iterator<Item = &'static str> {
    VARIABLES.iter().chain(product).map(|variable| variable.name).chain(NOT_YET.iter().copied())
}

/// For a host that has just started to log.
pub fn warn_of_ignored(is_set: impl Fn(&str) -> bool) {
    for variable in NOT_YET.iter().filter(|name| is_set(name)) {
        tracing::warn!(variable, "is set, but this version does not serve it: it changes nothing");
    }
}
