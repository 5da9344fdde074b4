//! Configuration: what is refused, how it is named, and that no value is ever shown.

use std::{collections::HashMap, time::Duration};

use trireme_core::{
    Secret,
    config::{Config, DatabaseUrl, Environment, Faults, LogFormat, Platform, Quota},
};

const SECRET: &str = "k9dJ2mQx7vLr4TzYw8NbHc5GfPs3AeRu";

fn read(variables: &[(&str, &str)]) -> Result<Config, Faults> {
    let spare = Some(Secret::new("made up at random for development"));
    read_on(&Platform { bindings: &[], spare }, variables)
}

fn read_on(platform: &Platform, variables: &[(&str, &str)]) -> Result<Config, Faults> {
    let variables: HashMap<_, _> = variables.iter().copied().collect();
    Config::from_variables(|name| variables.get(name).map(ToString::to_string), platform, &[])
}

fn faults(variables: &[(&str, &str)]) -> Vec<String> {
    read(variables).expect_err("the configuration has a fault").0
}

fn production<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut variables = vec![
        ("ENVIRONMENT", "production"),
        ("DATABASE_URL", "postgres://app:hunter22@db.example/app"),
        ("JWT_SECRET", SECRET),
        ("CORS_ORIGINS", "https://app.example.com"),
    ];
    for (name, value) in more {
        variables.retain(|(other, _)| other != name);
        variables.push((name, value));
    }
    variables
}

#[test]
fn development_needs_nothing() {
    let config = read(&[]).unwrap();
    assert_eq!(config.environment, Environment::Development);
    assert_eq!(config.database.url, DatabaseUrl::Sqlite("trireme.sqlite3".to_owned()));
    assert_eq!((config.database.pool_min, config.database.pool_max), (2, 16));
    assert!(config.http.api_docs && !config.http.enforce_https && !config.http.hsts);
    assert_eq!(config.log.format, LogFormat::Pretty);
}

#[test]
fn production_needs_four_things_and_takes_strict_defaults() {
    let config = read(&production(&[])).unwrap();
    assert_eq!((config.database.pool_min, config.database.pool_max), (10, 100));
    assert!(!config.http.api_docs && config.http.enforce_https && config.http.hsts);
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn defaults_are_those_of_the_contract() {
    let config = read(&production(&[])).unwrap();
    let seconds = Duration::from_secs;
    assert_eq!((config.listen.port, config.listen.bind.to_string()), (8000, "::".to_owned()));
    assert_eq!((config.listen.admin_port, config.listen.shutdown_grace), (None, seconds(25)));
    assert_eq!(config.database.acquire_timeout, seconds(2));
    assert_eq!(config.database.statement_timeout, seconds(10));
    assert!(config.database.migrate_on_start && config.auth.required);
    assert_eq!(config.auth.access_token_ttl, seconds(15 * 60));
    assert_eq!(config.auth.refresh_token_ttl, seconds(30 * 86_400));
    assert_eq!(config.auth.session_max_age, seconds(180 * 86_400));
    assert_eq!(config.auth.bcrypt_cost, 12);
    assert_eq!((config.http.body_limit, config.http.request_timeout), (1_048_576, seconds(10)));
    assert_eq!(config.limits.auth_per_address, Quota::new(60, 60));
    assert_eq!(config.limits.auth_per_account, Quota::new(10, 60));
}

#[test]
fn numbers_have_bounds() {
    let years = (10 * 366 * 86_400).to_string();
    for (name, inside, outside) in [
        ("PORT", ["0", "65535"], ["-1", "65536"]),
        ("ADMIN_PORT", ["0", "65535"], ["-1", "65536"]),
        ("SHUTDOWN_GRACE_SECONDS", ["1", "3600"], ["0", "3601"]),
        ("DATABASE_POOL_MAX", ["10", "10000"], ["0", "10001"]),
        ("DATABASE_POOL_MIN", ["0", "100"], ["-1", "101"]),
        ("DATABASE_ACQUIRE_TIMEOUT_MS", ["1", "600000"], ["0", "600001"]),
        ("DATABASE_STATEMENT_TIMEOUT_MS", ["1", "600000"], ["0", "600001"]),
        ("REQUEST_TIMEOUT_MS", ["1", "600000"], ["0", "600001"]),
        ("ACCESS_TOKEN_TTL_SECONDS", ["1", &years], ["0", &format!("{years}0")]),
        ("REFRESH_TOKEN_TTL_SECONDS", ["1", &years], ["0", &format!("{years}0")]),
        ("SESSION_MAX_AGE_SECONDS", ["1", &years], ["0", &format!("{years}0")]),
        ("BCRYPT_COST", ["10", "16"], ["9", "17"]),
        ("BODY_LIMIT_BYTES", ["1024", "1073741824"], ["1023", "1073741825"]),
        ("RATE_LIMIT_AUTH_PER_ADDRESS", ["1/1s", "1/24h"], ["0/1s", "1/86401s"]),
        ("RATE_LIMIT_AUTH_PER_ACCOUNT", ["1/1s", "1/1440m"], ["1/0s", "1/1441m"]),
        ("JWT_SECRET", [SECRET, &SECRET.repeat(9)], [&SECRET[1..], "32"]),
    ] {
        for value in inside {
            assert!(read(&production(&[(name, value)])).is_ok(), "{name}={value}");
        }
        for value in outside {
            let found = faults(&production(&[(name, value)]));
            assert!(found.len() == 1 && found[0].starts_with(name), "{name}={value}: {found:?}");
        }
    }
    assert!(read(&[("BCRYPT_COST", "4")]).is_ok() && read(&[("BCRYPT_COST", "3")]).is_err());
}

#[test]
fn all_faults_are_named_at_once() {
    let found =
        faults(&[("ENVIRONMENT", "production"), ("PORT", "eighty"), ("AUTH_REQUIRED", "false")]);
    for name in ["PORT", "DATABASE_URL", "AUTH_REQUIRED", "JWT_SECRET", "CORS_ORIGINS"] {
        assert!(
            found.iter().any(|fault| fault.starts_with(name)),
            "{name} is missing in {found:?}"
        );
    }
    assert_eq!(found.len(), 5, "{found:?}");
}

#[test]
fn production_refuses_each_weakness() {
    for (name, value) in [
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "sqlite://data.sqlite3"),
        ("JWT_SECRET", ""),
        ("JWT_SECRET", "short"),
        ("JWT_SECRET", "changeme-changeme-changeme-changeme"),
        ("JWT_SECRET", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("JWT_SECRETS", "2:short"),
        ("JWT_SECRETS", "no-id-at-all-and-quite-long-enough-too"),
        ("JWT_PRIVATE_KEY", "-----BEGIN NONSENSE-----"),
        ("AUTH_REQUIRED", "false"),
        ("CORS_ORIGINS", ""),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://*.vercel.app"),
        ("CORS_ORIGINS", "https://app.example.com,https://*"),
        ("BCRYPT_COST", "4"),
        ("BCRYPT_COST", "17"),
        ("DATABASE_POOL_MIN", "200"),
        ("TRUSTED_PROXIES", "10.0.0.0/99"),
        ("RATE_LIMIT_AUTH_PER_ADDRESS", "many"),
        ("PUBLIC_URL", "not-an-origin"),
        ("LOG_FORMAT", "xml"),
        ("ENVIRONMENT", "prod"),
    ] {
        let found = faults(&production(&[(name, value)]));
        assert_eq!(found.len(), 1, "{name}={value}: {found:?}");
        assert!(found[0].starts_with(name) || name == "ENVIRONMENT", "{found:?}");
        assert!(value.len() < 6 || !found[0].contains(value), "a value is shown: {found:?}");
    }
}

#[test]
fn secrets_never_show() {
    let config =
        read(&production(&[("DIRECT_DATABASE_URL", "postgres://app:hunter22@direct/app")]))
            .unwrap();
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter22") && !shown.contains(SECRET), "{shown}");
}

#[test]
fn postgres_urls_have_many_names() {
    for url in ["postgres://u@h/d", "postgresql://u@h/d", "postgresql+asyncpg://u@h/d"] {
        let config = read(&[("DATABASE_URL", url)]).unwrap();
        assert_eq!(
            config.database.url,
            DatabaseUrl::Postgres("postgresql://u@h/d".parse().unwrap())
        );
    }
    assert_eq!(faults(&[("DATABASE_URL", "mysql://u@h/d")]).len(), 1);
}

#[test]
fn secrets_have_other_names_and_an_order() {
    let id = |variables: &[(&str, &str)]| read(variables).unwrap().auth.keys.signer().id.clone();
    let other = "another secret of thirty-two bytes or more";
    assert_eq!(
        id(&[("BETTER_AUTH_SECRET", SECRET)]),
        id(&[("JWT_SECRET", SECRET), ("SECRET_KEY", other)])
    );
    assert_ne!(id(&[("SECRET_KEY", other)]), id(&[("JWT_SECRET", SECRET)]));
    let rotated = format!("2:{other},1:{SECRET}");
    let keys = read(&[("JWT_SECRETS", &rotated)]).unwrap().auth.keys;
    assert_eq!(keys.signer().id, "2");
    assert!(
        keys.find(&id(&[("JWT_SECRET", SECRET)])).is_some(),
        "tokens from before the rotation verify"
    );
    let pem = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let ends = ["\n", "\\n", "\n    ", "\r\n", " ", "\n\n"];
    for form in ends.map(|end| pem.replace('\n', end)) {
        let keys = read(&[("JWT_PRIVATE_KEY", &form)]).unwrap().auth.keys;
        assert_eq!(keys.public.len(), 1);
        assert_eq!(keys.signer().id, id(&[("JWT_PRIVATE_KEY", &pem)]), "{form}");
    }
}

#[test]
fn a_platform_names_its_own_databases() {
    let platform = Platform { bindings: &["d1", "hyperdrive"], spare: None };
    let with = |url: &'static str| {
        read_on(&platform, &[("DATABASE_URL", url), ("JWT_SECRET", SECRET)])
            .map(|config| config.database.url)
    };
    assert_eq!(with("d1://DB"), Ok(DatabaseUrl::Binding("d1", "DB".to_owned())));
    let faults = |url| with(url).expect_err("the URL is at fault").0.join("\n");
    assert!(faults("sqlite://file").contains("hyperdrive://"), "{}", faults("sqlite://file"));
    assert!(faults("d1://").contains("d1://NAME"));
    assert!(faults("").contains("DATABASE_URL is missing"));
    assert!(read(&[("DATABASE_URL", "d1://DB")]).is_err(), "no platform, no binding");

    let no_key = read_on(&platform, &[("DATABASE_URL", "d1://DB")]);
    assert!(no_key.expect_err("instances need one key").0[0].starts_with("JWT_SECRET"));
}

#[test]
fn a_platform_keeps_its_database_in_production() {
    let platform = Platform { bindings: &["spin"], spare: None };
    let config = read_on(&platform, &production(&[("DATABASE_URL", "spin://default")])).unwrap();
    assert_eq!(config.database.url, DatabaseUrl::Binding("spin", "default".to_owned()));
}

/// Each value is a fault, alone, and is not shown.
#[test]
fn what_is_not_understood_stops_the_start() {
    for (name, value) in [
        ("LOG_LEVEL", "warnings"),
        ("LOG_LEVEL", "auth"),
        ("LOG_LEVEL", "info,debug"),
        ("LOG_LEVEL", "info,trireme=loud"),
        ("TRUSTED_PROXIES", "0.0.0.0/0"),
        ("TRUSTED_PROXIES", "::/0"),
        ("TRUSTED_PROXIES", "0.0.0.0/1,128.0.0.0/1"),
        ("TRUSTED_PROXIES", "railways"),
        ("TRUSTED_PROXIES", "*,10.0.0.0/8"),
        ("CORS_ALLOWED_HEADERS", "*"),
        ("CORS_ALLOWED_HEADERS", "x-one, x two"),
        ("CORS_ALLOWED_HEADERS", "x-one;x-two"),
        ("CORS_ALLOWED_HEADERS", "x-ï"),
        ("BIND", "localhost"),
        ("BIND", "[127.0.0.1]"),
        ("ADMIN_BIND", "everywhere"),
    ] {
        let found = faults(&production(&[(name, value)]));
        assert_eq!(found.len(), 1, "{name}={value}: {found:?}");
        assert!(found[0].starts_with(name), "{found:?}");
        assert!(value == "*" || !found[0].contains(value), "a value is shown: {found:?}");
    }
}

#[test]
fn levels_and_names_of_networks_are_understood() {
    for level in ["warning", "WARN", "err", "critical", "fatal", "info,trireme=debug", "off"] {
        read(&[("LOG_LEVEL", level)]).unwrap();
    }
    let config = read(&production(&[
        ("TRUSTED_PROXIES", "railway, cloudflare,192.0.2.1"),
        ("CORS_ALLOWED_HEADERS", "X-Tenant, x-csrf-token"),
    ]))
    .unwrap();
    for proxy in ["100.64.0.1", "104.16.0.1", "192.0.2.1"] {
        assert!(config.http.trusted_proxies.trusts(proxy.parse().unwrap()), "{proxy}");
    }
    assert!(!config.http.trusted_proxies.trusts("192.0.2.2".parse().unwrap()));
    assert_eq!(config.http.cors_allowed_headers, ["x-tenant", "x-csrf-token"]);
}

#[test]
fn who_may_connect_is_this_machine_unless_it_is_asked_for() {
    let admin = |variables: &[(&str, &str)]| read(variables).unwrap().listen.admin_bind.to_string();
    assert_eq!(admin(&[("BIND", "[::]")]), "127.0.0.1");
    assert_eq!(admin(&[("ADMIN_BIND", "[::]")]), "::");

    let open = |bind| read(&[("AUTH_REQUIRED", "false"), ("BIND", bind)]);
    assert_eq!(open("").unwrap().listen.bind.to_string(), "127.0.0.1");
    for own in ["127.0.0.1", "127.8.0.1", "::1", "[::1]", "::ffff:127.0.0.1"] {
        assert!(open(own).is_ok(), "{own}");
    }
    for network in ["0.0.0.0", "[::]", "192.0.2.1", "::ffff:0.0.0.0"] {
        let faults = open(network).unwrap_err().0;
        assert!(faults.len() == 1 && faults[0].starts_with("BIND "), "{network}: {faults:?}");
    }
    assert_eq!(read(&[]).unwrap().listen.bind.to_string(), "::");
}

#[test]
fn mail_goes_one_way_and_says_from_whom() {
    let mail = |more: &[(&'static str, &'static str)]| read(&production(more)).map(|it| it.mail);
    assert!(!mail(&[]).unwrap().is_configured());
    assert!(read(&[]).unwrap().mail.is_configured(), "development shows it");
    let sent = mail(&[
        ("RESEND_API_KEY", SECRET),
        ("EMAIL_FROM", "Ada <ada@example.com>"),
        ("APP_URL", "https://example.com/app/"),
    ]);
    let sent = sent.unwrap();
    assert!(sent.is_configured() && !format!("{sent:?}").contains(SECRET));
    assert_eq!(sent.app_url, "https://example.com/app");
    assert_eq!(sent.from.to_string(), "\"Ada\" <ada@example.com>");
    let parts = mail(&[
        ("SMTP_HOST", "mail.example.com"),
        ("SMTP_USER", "ada"),
        ("SMTP_PASSWORD", "hunter22"),
        ("EMAILS_FROM_EMAIL", "ada@example.com"),
        ("FRONTEND_HOST", "https://example.com"),
    ]);
    let parts = format!("{:?}", parts.unwrap().transport);
    assert!(parts.contains("port: 587, tls: Required") && !parts.contains("hunter22"), "{parts}");

    for (variables, due) in [
        (
            &[("SMTP_URL", "smtp://mail.example.com")][..],
            &["EMAIL_FROM is missing", "APP_URL is missing"][..],
        ),
        (
            &[
                ("POSTMARK_SERVER_TOKEN", "changeme"),
                ("EMAIL_FROM", "a@b"),
                ("APP_URL", "https://a.example"),
            ],
            &["POSTMARK_SERVER_TOKEN is a placeholder"],
        ),
        (
            &[
                ("SMTP_URL", "mail:hunter22@example.com"),
                ("EMAIL_FROM", "a@b"),
                ("APP_URL", "http://a.example"),
            ],
            &["SMTP_URL must read like", "APP_URL must begin with https://"],
        ),
        (
            &[
                ("SMTP_HOST", "mail:25"),
                ("SMTP_USER", "ada"),
                ("EMAIL_FROM", "hunter22"),
                ("APP_URL", "a.example?x"),
            ],
            &[
                "SMTP_HOST must be",
                "SMTP_PASSWORD is missing",
                "EMAIL_FROM must be",
                "APP_URL must be a URL",
            ],
        ),
        (
            &[
                ("SMTP_HOST", "mail"),
                ("RESEND_API_KEY", SECRET),
                ("EMAIL_FROM", "a@b"),
                ("APP_URL", "https://a.example"),
            ],
            &["RESEND_API_KEY is set, and SMTP_HOST as well"],
        ),
    ] {
        let found = faults(&production(variables)).join("\n");
        assert!(due.iter().all(|due| found.contains(due)), "{found}");
        assert_eq!(found.lines().count(), due.len(), "{found}");
        assert!(!found.contains("hunter22"), "{found}");
    }
    let edge = Platform { bindings: &["d1"], spare: None };
    let smtp = [
        ("DATABASE_URL", "d1://DB"),
        ("SMTP_URL", "smtp://mail"),
        ("EMAIL_FROM", "a@b"),
        ("APP_URL", "https://a.example"),
    ];
    let found = read_on(&edge, &production(&smtp)).unwrap_err().0;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("SMTP_URL is for the native host"), "{found:?}");
}
