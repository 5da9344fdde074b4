//! `trireme verify`: what it shows, what it names, and what it leaves behind.

use std::{
    io::Write as _,
    path::Path,
    process::{Output, Stdio},
};

use trireme_testbed::{Folder, Server, ServerOptions};

use super::{command, err, out, plain, run};

#[test]
fn a_server_is_verified() {
    let server = Server::start(ServerOptions::new(env!("CARGO_BIN_EXE_trireme"))).unwrap();
    let verify = |arguments: &[&str]| {
        let url = server.url();
        let arguments = [&["verify", &url, "--only", "health/"], arguments].concat();
        run(command(server.folder(), &arguments), "")
    };
    let table = verify(&[]);
    assert_eq!(table.status.code(), Some(0), "{}", out(&table));
    assert!(out(&table).contains("health"), "{}", out(&table));
    // Not a terminal: a line a step, apart from the result.
    assert!(err(&table).lines().any(|line| line.starts_with("1/")), "{}", err(&table));

    let json = verify(&["--json", "--junit", "report.xml"]);
    let report: serde_json::Value = serde_json::from_str(&out(&json)).unwrap();
    assert!(!report["results"].as_array().unwrap().is_empty());
    let junit = std::fs::read_to_string(server.folder().join("report.xml")).unwrap();
    assert!(junit.contains("<testsuite"), "{junit}");

    assert_eq!(plain(&["verify", "http://127.0.0.1:1"]).status.code(), Some(1));
}

#[test]
fn checks_are_named_without_a_server() {
    let names = out(&plain(&["verify", "--list"]));
    let lines: Vec<&str> = names.lines().collect();
    for (name, place) in [
        ("health/live", "the core's"),
        ("tasks/story", "a resource's"),
        ("tasks/search", "the product's"),
    ] {
        assert!(lines.contains(&name), "{place} in {names}");
    }
    assert_eq!(lines.last(), Some(&"closing/every_response"));

    let json = out(&plain(&["verify", "--list", "--json", "--only", "tasks/story"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0], serde_json::json!({"group": "tasks", "name": "story"}));
    assert_eq!(json.as_array().unwrap().len(), 3, "and the two that end every run");
    assert_eq!(plain(&["verify", "--list", "--clean-up"]).status.code(), Some(2));
}

/// Accounts on the server that a run of the suite has made.
fn accounts(server: &Server) -> i64 {
    let database = rusqlite::Connection::open(server.folder().join("trireme.sqlite3")).unwrap();
    let count = "SELECT count(*) FROM users WHERE email LIKE 'verify-%'";
    database.query_row(count, [], |row| row.get(0)).unwrap()
}

/// Starts a run of the suite, waits until it has registered somebody, and sends it a signal.
fn interrupted(server: &Server, state: &Path, signal: trireme_testbed::Signal) -> Output {
    let mut verify = command(state, &["verify", &server.url()]);
    verify.env("XDG_STATE_HOME", state).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = verify.stderr(Stdio::null()).spawn().unwrap();
    while accounts(server) == 0 {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it registered anybody");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, signal).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_stopped_verification_leaves_no_account() {
    let options = ServerOptions::new(env!("CARGO_BIN_EXE_trireme")).env("BCRYPT_COST", "10");
    let server = Server::start(options).unwrap();
    let state = Folder::new().unwrap();
    for signal in [trireme_testbed::Signal::INT, trireme_testbed::Signal::TERM] {
        let stopped = interrupted(&server, state.path(), signal);
        assert_eq!(stopped.status.code(), Some(1), "{signal:?}");
        assert_eq!(accounts(&server), 0, "{signal:?}");
        let clean = run_clean_up(state.path(), &[]);
        assert!(out(&clean).contains("No run has left anything"), "{}{}", out(&clean), err(&clean));
    }
}

#[test]
fn a_killed_verification_is_cleaned_up_later() {
    let options = ServerOptions::new(env!("CARGO_BIN_EXE_trireme")).env("BCRYPT_COST", "10");
    let server = Server::start(options).unwrap();
    let state = Folder::new().unwrap();
    interrupted(&server, state.path(), trireme_testbed::Signal::KILL);
    assert!(accounts(&server) > 0);
    // What it tried, and was refused.
    let [run] = journals(state.path()).try_into().unwrap();
    let mut run = std::fs::OpenOptions::new().append(true).open(run).unwrap();
    writeln!(run, r#"{{"email":"nobody@example.com","password":"a\u0000bcdefgh"}}"#).unwrap();
    drop(run);
    let elsewhere = run_clean_up(state.path(), &["http://127.0.0.1:1"]);
    assert!(out(&elsewhere).contains("No run has left anything"), "{}", err(&elsewhere));
    let clean = run_clean_up(state.path(), &[&server.url()]);
    assert_eq!(clean.status.code(), Some(0), "{}", err(&clean));
    assert_eq!(accounts(&server), 0);
    let again = run_clean_up(state.path(), &[]);
    assert!(out(&again).contains("No run has left anything"), "{}", out(&again));
}

fn journals(state: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(state.join("trireme/verify")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn run_clean_up(state: &Path, more: &[&str]) -> Output {
    let arguments = [&["verify", "--clean-up"], more].concat();
    let mut command = command(state, &arguments);
    command.env("XDG_STATE_HOME", state);
    run(command, "")
}
