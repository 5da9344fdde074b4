//! Configuration: what is refused, how it is named, and that no value is ever shown.

use std::collections::HashMap;

use shared::{
    Secret,
    config::{Config, DatabaseUrl, Environment, Faults, LogFormat, Platform},
};

const SECRET: &str = "k9dJ2mQx7vLr4TzYw8NbHc5GfPs3AeRu";

fn read(variables: &[(&str, &str)]) -> Result<Config, Faults> {
    let spare = Some(Secret::new("made up at random for development"));
    read_on(&Platform { bindings: &[], spare }, variables)
}

fn read_on(platform: &Platform, variables: &[(&str, &str)]) -> Result<Config, Faults> {
    let variables: HashMap<_, _> = variables.iter().copied().collect();
    Config::from_variables(|name| variables.get(name).map(ToString::to_string), platform)
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
        assert_eq!(config.database.url, DatabaseUrl::Postgres(Secret::new("postgresql://u@h/d")));
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
