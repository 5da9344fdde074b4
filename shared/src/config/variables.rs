//! Every variable, in one table: `trireme config` shows it and docs/configuration.md is
//! checked against it.

/// One environment variable.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    pub name: &'static str,
    /// In words; what holds when it is not set.
    pub default: &'static str,
    pub secret: bool,
    pub meaning: &'static str,
}

const fn open(name: &'static str, default: &'static str, meaning: &'static str) -> Variable {
    Variable { name, default, secret: false, meaning }
}

const fn secret(name: &'static str, default: &'static str, meaning: &'static str) -> Variable {
    Variable { name, default, secret: true, meaning }
}

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

/// For a host that has just started to log.
pub fn warn_of_ignored(is_set: impl Fn(&str) -> bool) {
    for variable in NOT_YET.iter().filter(|name| is_set(name)) {
        tracing::warn!(variable, "is set, but this version does not serve it: it changes nothing");
    }
}
