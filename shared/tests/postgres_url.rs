//! URLs of PostgreSQL: what is read, what is refused, and that no part of a secret is ever shown.

use std::collections::HashMap;

use proptest::prelude::*;
use trireme_core::{
    Secret,
    config::{Config, DatabaseUrl, Platform, PostgresUrl, postgres_url::Mode},
};

const EDGE: Platform = Platform { bindings: &["d1", "hyperdrive", "spin"], spare: None };

fn native() -> Platform {
    Platform { bindings: &[], spare: Some(Secret::new("made up at random for development")) }
}

/// The URL that a configuration has, or its faults.
fn read_on(platform: &Platform, url: &str) -> Result<DatabaseUrl, String> {
    let variables =
        HashMap::from([("DATABASE_URL", url), ("JWT_SECRET", "k9dJ2mQx7vLr4TzYw8NbHc5GfPs3AeRu")]);
    Config::from_variables(|name| variables.get(name).map(ToString::to_string), platform, &[])
        .map(|config| config.database.url)
        .map_err(|faults| faults.to_string())
}

fn parse(url: &str) -> Result<PostgresUrl, String> {
    match read_on(&native(), url)? {
        DatabaseUrl::Postgres(url) => Ok(url),
        _ => Err("another database".to_owned()),
    }
}

fn written(url: &str) -> String {
    let written = parse(url).unwrap().written("trireme", |_| true);
    let rest = written.reveal().strip_prefix("postgresql://").unwrap();
    rest.replace("&application_name=trireme", "")
}

#[test]
fn reads_what_can_be_read_in_one_way() {
    for (url, due) in [
        ("postgres://u@h/d", "u@h:5432/d?sslmode=prefer"),
        ("PostgreSQL://u@h/d", "u@h:5432/d?sslmode=prefer"),
        ("  postgresql+asyncpg://u:p@h:6543/d \n", "u:p@h:6543/d?sslmode=prefer"),
        // What is percent-encoded, and what need not be.
        (
            "postgres://u%40x:p%40%3A%2F%3F%23%5B%5D%25%20@h/d%2F",
            "u%40x:p%40%3A%2F%3F%23%5B%5D%25%20@h:5432/d%2F?sslmode=prefer",
        ),
        (
            "postgres://ü:pä:ß!$&'()*+,;=@h/d",
            "%C3%BC:p%C3%A4%3A%C3%9F%21%24%26%27%28%29%2A%2B%2C%3B%3D@h:5432/d?sslmode=prefer",
        ),
        // Several hosts, addresses, folders.
        ("postgres://u@a:1,b:2,[::1]/d", "u@a:1,b:2,[::1]:5432/d?sslmode=prefer"),
        ("postgres://u@[fe80::1%25eth0]:7/d", "u@[fe80::1%25eth0]:7/d?sslmode=prefer"),
        ("postgres://u@%2Frun%2Fpg/d", "u@%2Frun%2Fpg:5432/d?sslmode=disable"),
        ("postgres://u@/d?host=a,b&port=1", "u@a:1,b:1/d?sslmode=prefer"),
        ("postgres://u@h/d?hostaddr=10.0.0.1", "u@h:5432/d?sslmode=prefer&hostaddr=10.0.0.1"),
        ("postgres:///d?hostaddr=::1&port=7", "/d?sslmode=prefer&hostaddr=%3A%3A1&port=7"),
        // A parameter outdoes what is before the `?`, as in libpq.
        ("postgres://u:p@localhost/d?host=/run/pg", "u:p@%2Frun%2Fpg:5432/d?sslmode=disable"),
        ("postgres://h/d?user=u&password=p%26", "u:p%26@h:5432/d?sslmode=prefer"),
        ("postgres://u%3Ax:p@h/d", "u%3Ax:p@h:5432/d?sslmode=prefer"),
        ("postgres://h?password=p", "h:5432/?sslmode=prefer&password=p"),
        // Other drivers' parameters and empty ones.
        (
            "postgres://u@h/d?pgbouncer=true&supa=base-pooler.x&connect_timeout=",
            "u@h:5432/d?sslmode=prefer",
        ),
        ("postgres://u@h/d?options=-c%20a=b", "u@h:5432/d?sslmode=prefer&options=-c%20a%3Db"),
    ] {
        assert_eq!(written(url), due, "{url}");
    }
}

#[test]
fn what_can_be_read_in_two_ways_is_read_in_none() {
    for url in [
        // Each in the password, and then in the user.
        "postgres://u:p@ss@h/d",
        "postgres://u:p/ss@h/d",
        "postgres://u:p?ss@h/d",
        "postgres://u:p#ss@h/d",
        "postgres://u:p[ss@h/d",
        "postgres://u:p]ss@h/d",
        "postgres://u:p%ss@h/d",
        "postgres://u:p%4@h/d",
        "postgres://u:p ss@h/d",
        "postgres://u:p\u{a0}ss@h/d",
        "postgres://u:p\nss@h/d",
        "postgres://u:p\u{fffd}ss@h/d",
        "postgres://u@x:p@h/d",
        "postgres://u/x:p@h/d",
        "postgres://u#:p@h/d",
        // The password in another place.
        "postgres://u%3Ap@h/d",
        "postgres://u;p@h/d",
        "postgres://u,p@h/d",
        "postgres://u%2Fp@h/d",
        "postgres://u|p@h/d",
        "postgres://u&password=p@h/d",
        "postgres://h/d?user=u%3Ap",
        "postgres://h/d?user=u%26password%3Dp",
        "postgres://u@h/d&password=p",
        "postgres://u@h/d;password=p",
        "postgres://u@h/d%3Fpassword=p",
        "postgres://u@h/d%3Fpassword%3Dp",
        "postgres://u@h/?dbname=host%3Dh%20password%3Dp",
        "postgres://%2Fu%3Ap%40h/d",
        "postgres://h?password=p@ss",
        "postgres://h/d?password=p@ss",
        "postgres://u@h/d:p",
        "postgres://u@h/d/p",
        "postgres://h/d?password=%FF",
        "postgres://h/d?password=a%00b",
        "postgres://u:p",
        "postgres://u:p/d",
        // Hosts and ports that are none.
        "postgres://u:p@::1/d",
        "postgres://u:p@[h]/d",
        "postgres://u:p@[::1]x/d",
        "postgres://u:p@h:x/d",
        "postgres://u:p@h:0/d",
        "postgres://u:p@a,,b/d",
        "postgres://u:p@h;x/d",
        "postgres://u:p@bücher/d",
        "postgres://u:p@\"h\"/d",
        "postgres://u:p@a%2Cb/d",
    ] {
        let fault = parse(url).expect_err(url);
        assert!(fault.contains("DATABASE_URL: "), "{url}: {fault}");
        assert!(fault.contains("@ as %40") && fault.contains("a blank as %20"), "{url}: {fault}");
    }
    // Of other schemes, which show their names.
    for url in
        ["spin://u:hush@h", "d1://", "hyperdrive://a/b", "sqlite://file", "mysql://u:hush@h/d"]
    {
        let fault = read_on(&EDGE, url).expect_err(url);
        assert!(fault.contains("DATABASE_URL") && !fault.contains("hush"), "{fault}");
    }
    for url in [
        "sqlite://u:hush@h/d",
        "sqlite://postgres://u:hush@h/d",
        "host=h password=hush",
        "\"postgres://u:hush@h/d\"",
        "postgres:u:hush@h",
    ] {
        let fault = parse(url).expect_err(url);
        assert!(fault.contains("DATABASE_URL") && !fault.contains("hush"), "{fault}");
    }
}

#[test]
fn a_fault_names_the_parameter_and_no_value() {
    for (parameters, due) in [
        ("x=1&hush=1", "number 1 is not known"),
        ("sslmode=require&hush", "number 2 is not known"),
        ("sslmode=hush", "`sslmode` has to be disable, allow"),
        ("port=hush", "`port`"),
        ("port=1,2", "as many ports as hosts"),
        ("connect_timeout=hush", "`connect_timeout`"),
        ("tcp_user_timeout=-1", "`tcp_user_timeout`"),
        ("keepalives_idle=hush", "`keepalives_idle`"),
        ("channel_binding=hush", "`channel_binding` has to be disable, prefer or require"),
        ("target_session_attrs=hush", "`target_session_attrs`"),
        ("load_balance_hosts=hush", "`load_balance_hosts`"),
        ("hostaddr=hush", "`hostaddr`"),
        ("hostaddr=::1,::2", "as many addresses"),
        ("sslrootcert=/hush/%FF", "no text"),
        ("sslmode=require&ssl=true", "`ssl` is given twice"),
        ("sslcert=hush", "`sslcert` is not supported"),
        ("sslcrl=hush", "`sslcrl` is not supported"),
        ("gssencmode=require", "`gssencmode`"),
        ("service=hush", "`service` is not supported"),
        // As libpq has it.
        ("sslmode=verify-ca&sslrootcert=system", "`sslmode=verify-full`"),
        ("sslmode=require&sslrootcert=system", "`sslmode=verify-full`"),
        ("sslmode=disable&sslrootcert=system", "`sslmode=verify-full`"),
        ("sslnegotiation=direct", "`sslmode=require` or more"),
        ("sslmode=prefer&sslnegotiation=direct", "`sslmode=require` or more"),
    ] {
        let fault =
            parse(&format!("postgresql://u:hush@host/d?{parameters}")).expect_err(parameters);
        assert!(fault.contains(due) && !fault.contains("hush"), "{parameters}: {fault}");
    }
    assert!(parse("postgresql:///d").unwrap_err().contains("no host is named"));
    let nameless = parse("postgresql:///d?hostaddr=::1&sslmode=verify-full&sslrootcert=/x");
    assert!(nameless.unwrap_err().contains("host's name"));
}

#[test]
fn modes_are_those_of_libpq() {
    for (parameters, mode) in [
        ("", Mode::Prefer),
        ("?sslmode=disable", Mode::Disable),
        ("?sslmode=allow", Mode::Allow),
        ("?sslmode=prefer", Mode::Prefer),
        ("?sslmode=require", Mode::Require),
        ("?sslmode=verify-ca", Mode::VerifyCa),
        ("?sslmode=verify-full", Mode::VerifyFull),
        ("?sslrootcert=system", Mode::VerifyFull),
        ("?sslrootcert=/file", Mode::Prefer),
        ("?ssl=true", Mode::Require),
        ("?ssl=0", Mode::Disable),
        ("?host=/run/pg&sslmode=verify-full", Mode::Disable),
    ] {
        let url = parse(&format!("postgres://u@h/d{parameters}")).unwrap();
        assert_eq!(url.mode(), mode, "{parameters}");
    }
}

#[test]
fn where_there_are_no_files_none_is_named() {
    for (parameters, due) in [
        ("sslmode=verify-full&sslrootcert=/file", "`sslrootcert`"),
        ("sslmode=verify-ca", "`sslmode=verify-ca`"),
        ("host=/run/pg", "Unix sockets"),
        ("sslmode=require&sslnegotiation=direct", "`sslnegotiation`"),
    ] {
        let fault =
            read_on(&EDGE, &format!("postgres://u@h/d?{parameters}")).expect_err(parameters);
        assert!(fault.contains(due), "{fault}");
    }
    for parameters in ["", "sslmode=verify-full", "sslmode=verify-full&sslrootcert=system"] {
        read_on(&EDGE, &format!("postgres://u@h/d?{parameters}")).unwrap();
    }
}

/// Letters of which none of our own texts has two in a row, and what means something in a URL.
const SECRET: &str = "[QZXJKVqzxjkv]{2}([QZXJKVqzxjkv@:/?#\\[\\]%&=+,; '\"\\\\é漢]|%2[0-9]){4,16}";

/// What becomes of a URL in the hands of people; `S` is the secret.
const FORMS: [&str; 20] = [
    "postgres://app:S@127.0.0.1:1/db",
    "postgres://app:S@127.0.0.1:1/db?sslmode=require",
    "postgres://app:S@[::1]:1/db",
    "postgres://app:S@a.example:1,b.example:2/db",
    "postgres://app:S",
    "postgres://app:S/db",
    "postgres://app:S:127.0.0.1/db",
    "postgres://:S@127.0.0.1/db",
    "postgres://app@127.0.0.1:S/db",
    "postgres://app@127.0.0.1/db?password=S",
    "postgres://127.0.0.1/db?user=app&password=S&sslmode=require",
    "postgres:///db?host=127.0.0.1&password=S",
    "Postgres://app:S@127.0.0.1/db",
    " 'postgres://app:S@127.0.0.1/db' ",
    "\"postgres://app:S@127.0.0.1/db",
    "host=127.0.0.1 user=app password=S",
    "postgresql+psycopg://app:S@127.0.0.1/db",
    "spin://app:S@default",
    "hyperdrive://app:S@HYPERDRIVE/db",
    "sqlite://app:S@127.0.0.1/db",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_piece_of_a_secret_is_shown(secret in SECRET, form in 0..FORMS.len(), edge: bool) {
        let url = FORMS[form].replace('S', &secret);
        let platform = if edge { EDGE } else { native() };
        let shown = match read_on(&platform, &url) {
            Err(faults) => faults,
            // What hosts show of a URL: its hosts, and its `Debug`.
            Ok(DatabaseUrl::Postgres(url)) => {
                format!("{} {url:?}", url.hosts().collect::<Vec<_>>().join(" "))
            }
            Ok(other) => format!("{other:?}"),
        };
        let characters: Vec<char> = secret.chars().collect();
        for piece in characters.windows(4) {
            let telling = piece.iter().filter(|c| c.is_alphabetic()).count() >= 2;
            let piece: String = piece.iter().collect();
            prop_assert!(!telling || !shown.contains(&piece), "{url} shows {piece}: {shown}");
        }
    }
}
