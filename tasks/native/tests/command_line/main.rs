//! The command's own words: help, exit codes, configuration, accounts.

mod verify;

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use trireme_testbed::{Folder, Server, ServerOptions, http};

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trireme"));
    command.args(arguments).current_dir(folder).env_clear();
    command
}

fn run(mut command: Command, stdin: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs in an empty folder without variables.
fn plain(arguments: &[&str]) -> Output {
    let folder = Folder::new().unwrap();
    run(command(folder.path(), arguments), "")
}

/// A product's program is not called `trireme`.
#[test]
fn help_speaks_by_the_name_that_it_was_called_by() {
    let folder = Folder::new().unwrap();
    let harbour = folder.path().join("harbour");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_trireme"), &harbour).unwrap();
    for arguments in [&["--help"][..], &["migrate", "--help"], &["verify", "--help"]] {
        let mut command = Command::new(&harbour);
        command.args(arguments).env_clear();
        let said = out(&run(command, ""));
        assert!(said.contains("Usage: harbour"), "{said}");
        assert!(!said.contains("trireme "), "{said}");
    }
}

#[test]
fn every_command_explains_itself() {
    let help = out(&plain(&["--help"]));
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names: Vec<_> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    for name in
        ["serve", "config", "routes", "openapi", "user", "verify", "migrate", "maintain", "doctor"]
    {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    for name in names.into_iter().filter(|name| *name != "help") {
        let output = plain(&[name, "--help"]);
        assert_eq!(output.status.code(), Some(0), "{name}");
        assert!(out(&output).contains("Usage:"), "{name}");
    }
    for name in ["create", "list", "set-password", "disable", "enable"] {
        assert_eq!(plain(&["user", name, "--help"]).status.code(), Some(0), "{name}");
    }
    assert_eq!(out(&plain(&["--version"])), format!("trireme {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_exits_2() {
    for arguments in [
        &["nonsense"][..],
        &["serve", "--fast"],
        &["verify"],
        &["verify", "ftp://a"],
        &["user", "create"],
    ] {
        assert_eq!(plain(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn configuration_is_shown_without_secrets() {
    let folder = Folder::new().unwrap();
    let secret = "correct-horse-battery-staple-correct-horse";
    for json in [false, true] {
        let mut config =
            command(folder.path(), if json { &["config", "--json"] } else { &["config"] });
        config.envs([
            ("JWT_SECRET", secret),
            ("PORT", "8123"),
            ("DATABASE_URL", "postgres://u:hidden@h/d"),
        ]);
        config.env("SENTRY_DSN", "https://dsn.example");
        let output = run(config, "");
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        let text = out(&output);
        for hidden in [secret, "hidden@h", "dsn.example"] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
        for variable in trireme_core::config::variables::VARIABLES {
            assert!(text.contains(variable.name), "{}", variable.name);
        }
        assert!(text.contains("SENTRY_DSN"), "{text}");
        if json {
            let document: serde_json::Value = serde_json::from_str(&text).unwrap();
            let of = |name: &str| {
                let variables = document["variables"].as_array().unwrap();
                variables.iter().find(|variable| variable["name"] == name).unwrap().clone()
            };
            assert_eq!(of("PORT")["value"], "8123");
            assert_eq!(of("PORT")["source"], "variable");
            assert_eq!(of("BIND")["source"], "default");
            assert_eq!(of("JWT_SECRET")["source"], "variable");
            assert!(of("JWT_SECRET")["value"].is_null());
        }
    }
    for name in ["PUBLIC_URL", "CORS_ORIGINS", "ALLOWED_HOSTS", "JWT_ISSUER"] {
        for form in [&["config"][..], &["config", "--json"], &["serve"]] {
            let mut config = command(folder.path(), form);
            config.env(name, "https://u:hidden@h").env("BIND", "nowhere");
            let output = run(config, "");
            assert_eq!(output.status.code(), Some(78), "{}", err(&output));
            assert!(!(out(&output) + &err(&output)).contains("hidden@"), "{name}, {form:?}");
        }
    }
}

#[test]
fn configuration_faults_exit_78() {
    let folder = Folder::new().unwrap();
    let mut config = command(folder.path(), &["config"]);
    config.envs([("ENVIRONMENT", "production"), ("PORT", "eighty")]);
    let output = run(config, "");
    assert_eq!(output.status.code(), Some(78));
    for name in ["PORT", "JWT_SECRET", "DATABASE_URL", "CORS_ORIGINS"] {
        assert!(err(&output).contains(name), "{name}");
    }
    assert!(out(&output).contains("PORT"), "what is set is shown all the same");
}

#[test]
fn routes_and_document_agree() {
    let routes: serde_json::Value =
        serde_json::from_str(&out(&plain(&["routes", "--json"]))).unwrap();
    let document: serde_json::Value = serde_json::from_str(&out(&plain(&["openapi"]))).unwrap();
    let table = out(&plain(&["routes"]));
    for route in routes.as_array().unwrap() {
        assert!(table.contains(route["path"].as_str().unwrap()));
    }
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let known =
                routes.as_array().unwrap().iter().any(|route| {
                    route["path"] == *path && route["method"] == method.to_uppercase()
                });
            assert!(known, "{method} {path}");
        }
    }
}

#[test]
fn accounts_are_managed_from_the_command_line() {
    let server = Server::start(ServerOptions::new(env!("CARGO_BIN_EXE_trireme"))).unwrap();
    let user = |arguments: &[&str], stdin: &str| {
        let arguments = [&["user"], arguments].concat();
        run(command(server.folder(), &arguments), stdin)
    };
    let login = |password: &str| {
        let body = format!(r#"{{"email":"ada@example.com","password":"{password}"}}"#);
        http::post(server.port(), "/api/v1/auth/login", "", &body).unwrap().status
    };

    let created = user(&["create", "Ada@Example.com", "--name", "Ada"], "correct horse battery\n");
    assert_eq!(created.status.code(), Some(0), "{}", err(&created));
    assert_eq!(login("correct horse battery"), 200);
    let again = user(&["create", "ada@example.com"], "correct horse battery\n");
    assert_eq!(again.status.code(), Some(1));
    assert!(err(&again).contains("Another account"), "{}", err(&again));
    let weak = user(&["create", "bob@example.com"], "short\n");
    assert_eq!(weak.status.code(), Some(1));
    assert!(err(&weak).contains("password"), "{}", err(&weak));
    let none = user(&["create", "bob@example.com"], "");
    assert_eq!(none.status.code(), Some(2));

    let changed = user(&["set-password", "ada@example.com"], "another horse battery");
    assert_eq!(changed.status.code(), Some(0), "{}", err(&changed));
    assert_eq!(login("correct horse battery"), 401);
    assert_eq!(login("another horse battery"), 200);

    assert_eq!(user(&["disable", "ada@example.com"], "").status.code(), Some(0));
    assert_eq!(login("another horse battery"), 401);
    let list = out(&user(&["list"], ""));
    assert!(
        list.contains("ada@example.com")
            && list.contains("disabled")
            && list.contains(created_id(&created)),
        "{list}"
    );
    assert_eq!(user(&["enable", "ada@example.com"], "").status.code(), Some(0));
    assert_eq!(login("another horse battery"), 200);
    let list: serde_json::Value =
        serde_json::from_str(&out(&user(&["list", "--json"], ""))).unwrap();
    assert_eq!(list[0]["email"], "ada@example.com");
    assert!(!list.to_string().contains("password"));

    let unknown = user(&["disable", "nobody@example.com"], "");
    assert_eq!(unknown.status.code(), Some(1));
}

fn created_id(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap().trim()
}

#[test]
fn a_hostile_name_steers_no_terminal() {
    let server = Server::start(ServerOptions::new(env!("CARGO_BIN_EXE_trireme"))).unwrap();
    let user = |arguments: &[&str], stdin: &str| {
        let arguments = [&["user"], arguments].concat();
        run(command(server.folder(), &arguments), stdin)
    };
    assert_eq!(
        user(&["create", "eve@example.com"], "correct horse battery").status.code(),
        Some(0)
    );
    for name in ["\u{1b}[2J", "a\u{9b}1m", " ", "\u{3164}"] {
        let created =
            user(&["create", "mallory@example.com", "--name", name], "correct horse battery");
        assert_eq!(created.status.code(), Some(1), "{name:?}");
        assert!(!err(&created).contains(['\u{1b}', '\u{9b}']), "{}", err(&created));
    }
    // From before names were looked at, or by another program.
    let hostile = "\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\n0199 active root";
    let database = rusqlite::Connection::open(server.folder().join("trireme.sqlite3")).unwrap();
    database.execute("UPDATE users SET name = ?1", [hostile]).unwrap();
    for arguments in [&["list"][..], &["list", "--json"]] {
        let list = user(arguments, "");
        let text = out(&list);
        assert_eq!(list.status.code(), Some(0));
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}']), "{text:?}");
        match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(json) => assert_eq!(json[0]["name"], hostile),
            Err(_) => assert_eq!(text.lines().count(), 1, "{text:?}"),
        }
    }
    let unknown = user(&["disable", "\u{1b}[2J@example.com"], "");
    assert!(unknown.status.code() == Some(1) && !err(&unknown).contains('\u{1b}'));
    let usage = user(&["\u{1b}[2J"], "");
    assert!(usage.status.code() == Some(2) && !err(&usage).contains('\u{1b}'), "{}", err(&usage));
}

#[test]
fn what_the_environment_says_steers_no_terminal() {
    let folder = Folder::new().unwrap();
    for arguments in [&["config"][..], &["config", "--json"], &["doctor"], &["migrate", "--status"]]
    {
        let mut hostile = command(folder.path(), arguments);
        hostile
            .env("DATABASE_URL", "sqlite://\u{1b}[2J\u{9b}.db")
            .env("JWT_ISSUER", "\u{202e}\u{1b}[2J");
        let output = run(hostile, "");
        let text = out(&output) + &err(&output);
        assert!(!text.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{arguments:?}: {text:?}");
    }
}

/// Every command that writes something, in every form.
const WRITING: &[&[&str]] = &[
    &["--help"],
    &["--version"],
    &["help", "verify"],
    &["user", "--help"],
    &["config"],
    &["config", "--json"],
    &["routes"],
    &["routes", "--json"],
    &["openapi"],
    &["migrate", "--status"],
    &["migrate", "--status", "--json"],
    &["migrate", "--dry-run"],
    &["migrate", "--dry-run", "--json"],
    &["migrate"],
    &["migrate", "--json"],
    &["doctor"],
    &["doctor", "--json"],
    &["maintain"],
    &["maintain", "--json"],
    &["user", "list"],
    &["user", "list", "--json"],
    &["maintain"],
    &["maintain", "--json"],
    &["verify", "--clean-up"],
    &["verify", "--list"],
    &["verify", "--list", "--json"],
];

#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let folder = Folder::new().unwrap();
    let create = ["user", "create", "ada@example.com"];
    for arguments in [&["migrate"][..], &create] {
        assert_eq!(
            run(command(folder.path(), arguments), "correct horse battery").status.code(),
            Some(0)
        );
    }
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    for arguments in WRITING {
        let mut command = command(folder.path(), arguments);
        let output = command.stdout(full()).stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", err(&output));
        assert!(err(&output).contains("can't be written"), "{arguments:?}: {}", err(&output));

        // A reader that has had enough: no success, and no word either.
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut command = self::command(folder.path(), arguments);
        let output = command.stdout(writer).stdin(Stdio::null()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", err(&output));
        assert!(!err(&output).contains("written"), "{arguments:?}: {}", err(&output));
    }
    let server = Server::start(ServerOptions::new(env!("CARGO_BIN_EXE_trireme"))).unwrap();
    for form in [&[][..], &["--json"], &["--junit", "/dev/full"]] {
        let url = server.url();
        let arguments = [&["verify", &url, "--only", "health/live"], form].concat();
        let mut command = command(folder.path(), &arguments);
        let to_file = form.contains(&"--junit");
        let stdout = if to_file { Stdio::null() } else { full().into() };
        let output = command.stdout(stdout).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(err(&output).contains("can't be written"), "{}", err(&output));
    }
}

/// The server goes on: its answers are worth more than its log.
#[test]
fn a_log_that_cannot_be_written_is_told_once_on_stderr() {
    let folder = Folder::new().unwrap();
    let mut serve = command(folder.path(), &["serve"]);
    serve.envs([("BIND", "127.0.0.1"), ("LOG_LEVEL", "trace")]);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    serve.env("PORT", free.to_string());
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let child = serve.stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    while !http::get(free, "/health/ready").is_ok_and(|answer| answer.status == 200) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let id = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(id, trireme_testbed::Signal::TERM).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "every request was answered");
    let said = err(&ended);
    assert!(said.starts_with("The log can't be written: No space left"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn files_are_their_owners_alone_under_any_umask() {
    for umask in ["000", "022", "777"] {
        let folder = Folder::new().unwrap();
        let script = format!("umask {umask}; exec {} migrate", env!("CARGO_BIN_EXE_trireme"));
        let mut command = Command::new("sh");
        command.args(["-c", &script]).current_dir(folder.path()).env_clear();
        let output = run(command, "");
        assert_eq!(output.status.code(), Some(0), "{umask}: {}", err(&output));
        let metadata = std::fs::metadata(folder.path().join("trireme.sqlite3")).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{umask}");
    }
}

/// The folder that wrangler applies is what this build says.
#[test]
fn the_folder_for_d1_is_written_once() {
    let folder = Folder::new().unwrap();
    let write = || plain(&["migrate", "--d1", folder.path().to_str().unwrap()]);
    let first = write();
    assert_eq!(first.status.code(), Some(0), "{}", err(&first));
    let files = |folder: &Path| {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let read = |path: PathBuf| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.file_name().unwrap().to_owned(), text)
        };
        entries.map(read).collect::<BTreeMap<_, _>>()
    };
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/d1");
    let written = files(folder.path());
    assert_eq!(written, files(&committed), "run `trireme migrate --d1 tasks/migrations/d1`");
    assert!(out(&first).contains("0004_maintenance.sql"), "{}", out(&first));
    let divided = &written[OsStr::new("0004_maintenance.sql")];
    assert!(divided.find("users_deleted_at") < divided.find("contexts_deleted"), "{divided}");
    assert!(out(&write()).contains("0 written"), "nothing is left to do");

    // What differs was applied by somebody: it stays, and so does what is missing.
    std::fs::write(folder.path().join("0003_idempotency_and_limits.sql"), "SELECT 1;").unwrap();
    std::fs::remove_file(folder.path().join("0001_accounts.sql")).unwrap();
    let refused = write();
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("0003_idempotency_and_limits.sql"), "{}", err(&refused));
    assert_eq!(files(folder.path()).len(), written.len() - 1);
}
