//! The command's own words: help, exit codes, configuration, accounts.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use testbed::{Folder, Server, ServerOptions, http};

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

#[test]
fn every_command_explains_itself() {
    let help = out(&plain(&["--help"]));
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names: Vec<_> = commands
        .lines()
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    for name in ["serve", "config", "routes", "openapi", "user", "verify", "migrate", "doctor"] {
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
        for variable in shared::config::variables::VARIABLES {
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
