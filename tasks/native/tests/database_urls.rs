//! Whatever becomes of a database's URL, no command shows a part of its password.

use std::{
    process::{Command, Output, Stdio},
    thread::sleep,
    time::Duration,
};

use trireme_testbed::{Folder, Postgres, require};

/// Eight letters of nothing that is said anywhere, to be parted by what misleads a reader.
const HALVES: [&str; 2] = ["Zqxj", "Kvwz"];

fn trireme(arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
    let folder = Folder::new().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_trireme"))
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .env("HOME", folder.path())
        .env("PORT", "0")
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A server that starts after all does not end by itself.
    let mut pauses = (0..2000).map(|_| sleep(Duration::from_millis(10)));
    while child.try_wait().unwrap().is_none() && pauses.next().is_some() {}
    let _ = child.kill();
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let said = [stdout, stderr].map(|it| String::from_utf8_lossy(&it).into_owned()).concat();
    (status.code().unwrap_or(-1), said)
}

#[track_caller]
fn hides(said: &str, what: &str) {
    for half in HALVES {
        assert!(!said.contains(half), "{what} shows {half}: {said}");
    }
}

#[test]
fn a_url_that_can_be_read_in_two_ways_stops_the_start() {
    let [one, two] = HALVES;
    for sign in
        ["@", "@@", ":@", "/", "?", "#", " ", "[", "]", "%", "%4", "@/", "/@", "?@", "\u{a0}"]
    {
        let url = format!("postgres://app:{one}{sign}{two}@127.0.0.1:1/app");
        for name in ["DATABASE_URL", "DIRECT_DATABASE_URL"] {
            let mut variables = vec![("DATABASE_URL", "postgres://app@127.0.0.1:1/app")];
            variables.push((name, &url));
            // A start that does not stop would try for ever.
            let commands: &[&[&str]] = match name {
                "DATABASE_URL" => {
                    &[&["serve"], &["migrate"], &["doctor"], &["config"], &["user", "list"]]
                }
                _ => &[&["migrate"]],
            };
            for command in commands {
                let (code, said) = trireme(command, &variables);
                hides(&said, &format!("{command:?} with {name}={url}"));
                assert_eq!(code, 78, "{command:?} with {name}={url}: {said}");
                assert!(said.contains(name) && said.contains("@ as %40"), "{said}");
            }
        }
        let (code, said) = trireme(&["doctor", &url], &[]);
        hides(&said, &format!("doctor {url}"));
        assert_eq!(code, 78, "{said}");
    }
}

#[test]
fn a_url_in_a_wrong_place_is_not_repeated() {
    let [one, two] = HALVES;
    let url = format!("postgres://app:{one}{two}@127.0.0.1:1/app");
    let rest = format!("{two}@127.0.0.1:1/app");
    let begun = format!("postgres://app:{one}");
    for arguments in [
        vec![url.as_str()],
        vec!["migrate", &url],
        vec!["serve", &url],
        vec!["migrate", "--to", &url],
        vec!["config", &rest],
        vec!["migrate", &begun, &rest],
        vec!["doctor", &begun, &rest],
        vec!["doctor", "--url", &url],
    ] {
        let (code, said) = trireme(&arguments, &[]);
        hides(&said, &format!("{arguments:?}"));
        assert!(code == 2 || code == 78, "{arguments:?}: {code}, {said}");
    }
}

#[test]
fn a_server_that_cannot_be_reached_is_named_by_its_host_alone() {
    let [one, two] = HALVES;
    for form in
        ["127.0.0.1:1/app", "[::1]:1/app", "127.0.0.1:1,127.0.0.1:2/app", "nowhere.invalid:1/app"]
    {
        let url = format!("postgres://app:{one}%40{two}@{form}?connect_timeout=3");
        for command in [["doctor", "--json"], ["migrate", "--status"]] {
            let (code, said) = trireme(&command, &[("DATABASE_URL", &url)]);
            hides(&said, &format!("{command:?} with {url}"));
            assert_eq!(code, 1, "{said}");
            assert!(said.contains("port 1"), "{said}");
        }
    }
}

/// The server quotes what it does not understand.
#[test]
fn options_that_the_server_does_not_take_are_not_repeated() {
    let Some(postgres) = require(Postgres::start()) else { return };
    let url = postgres.url("postgres");
    let secret = HALVES.concat();
    for options in [
        format!("-c%20{secret}"),
        format!("--{secret}"),
        format!("password={secret}"),
        format!("-c%20work_mem%3D{secret}"),
        format!("-c%20{secret}%3D1"),
    ] {
        let url = format!("{url}?options={options}");
        for command in [&["doctor"][..], &["migrate"], &["maintain"], &["user", "list"]] {
            let (code, said) = trireme(command, &[("DATABASE_URL", &url), ("LOG_LEVEL", "trace")]);
            hides(&said, &format!("{command:?} with {options}"));
            assert!(code == 1 && said.contains("`options`"), "{command:?}: {code}, {said}");
        }
    }
}

/// As with libpq, a name that nobody checks is no proof, and a public authority vouches for any.
#[test]
fn modes_that_prove_nothing_are_refused() {
    let doctor = |parameters: &str| {
        let url = format!("postgres://app@127.0.0.1:1/app?{parameters}");
        trireme(&["doctor"], &[("DATABASE_URL", &url)])
    };
    for (parameters, due) in [
        ("sslmode=verify-ca", "~/.postgresql/root.crt"),
        ("sslmode=verify-full", "`sslrootcert=system`"),
        ("sslmode=verify-ca&sslrootcert=system", "`sslmode=verify-full`"),
        ("sslmode=require&sslrootcert=system", "`sslmode=verify-full`"),
        ("sslmode=prefer&sslrootcert=system", "`sslmode=verify-full`"),
        ("sslmode=require&sslrootcert=/nowhere", "can't be used"),
        ("sslmode=require&sslcert=/x", "`sslcert` is not supported"),
    ] {
        let (code, said) = doctor(parameters);
        assert!(code == 78 && said.contains(due), "{parameters}: {code}, {said}");
    }
    let (code, said) = doctor("sslmode=require");
    assert!(code == 1 && said.contains("refused"), "{said}");
}

#[test]
fn the_doctor_says_what_tls_proves() {
    let Some(postgres) = require(Postgres::with_tls()) else { return };
    let home = Folder::new().unwrap();
    let (url, place) = (postgres.url("postgres"), home.path().to_str().unwrap());
    let doctor = |parameters: &str| {
        let url = format!("{url}?{parameters}");
        trireme(&["doctor"], &[("DATABASE_URL", &url), ("HOME", place)]).1
    };
    for mode in ["prefer", "require"] {
        let said = doctor(&format!("sslmode={mode}"));
        assert!(said.contains("encrypted, but nobody's identity is proven"), "{said}");
        assert_eq!(said.contains("without TLS if"), mode == "prefer", "{said}");
    }
    // libpq's own place for authorities.
    std::fs::create_dir(home.path().join(".postgresql")).unwrap();
    let roots = home.path().join(".postgresql/root.crt");
    std::fs::copy(postgres.authority().unwrap(), &roots).unwrap();
    for (mode, due) in [
        ("require", "not for the host's name"),
        ("verify-ca", "not for the host's name"),
        ("verify-full", "it is the host that was called"),
    ] {
        let said = doctor(&format!("sslmode={mode}"));
        assert!(said.contains(due), "{mode}: {said}");
    }
    let Some(stranger) = require(Postgres::with_tls()) else { return };
    std::fs::copy(stranger.authority().unwrap(), &roots).unwrap();
    let said = doctor("sslmode=require");
    assert!(said.contains("invalid peer certificate"), "{said}");
}
