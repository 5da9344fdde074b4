use std::{
    io::{BufRead as _, BufReader},
    net::{Ipv6Addr, SocketAddr, TcpListener},
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

use trireme_testbed::{Error, Folder, Server};

use crate::{client::Client, connect, free_port, options, server};

#[test]
fn starts_in_an_empty_folder_with_nothing_set() {
    let server = server(options());
    // Generous for a debug build on a busy machine; see docs for what a release takes.
    assert!(server.started_in() < Duration::from_secs(3), "{:?}", server.started_in());
    let health = connect(&server).get("/health");
    assert_eq!(health.status, 200);
    assert!(health.body.contains(r#""host":"native""#), "{health:?}");
    assert!(health.body.contains(r#""backend":"sqlite""#), "{health:?}");

    let log = server.log();
    for line in [
        format!("API       http://localhost:{}/api/v1", server.port()),
        format!("Docs      http://localhost:{}/docs", server.port()),
        format!("Mail      http://localhost:{}/dev/mail", server.port()),
        "Database  SQLite, trireme.sqlite3".to_owned(),
        "trireme config".to_owned(),
    ] {
        assert!(log.contains(&line), "{line} is not in:\n{log}");
    }
}

#[test]
fn the_first_request_of_the_banner_works() {
    let server = server(options());
    let body = r#"{"email":"ada@example.com","password":"correct horse battery"}"#;
    assert!(server.log().contains(body));
    let mut client = connect(&server);
    client.send(format!(
        "POST /api/v1/auth/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    assert_eq!(client.answer().status, 201);
}

#[test]
fn both_families_reach_a_dual_stack_listener() {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        return eprintln!("skipped: no IPv6 here");
    }
    let server = server(options().env("BIND", "[::]"));
    assert_eq!(connect(&server).get("/health/live").status, 200);
    let ipv6 = SocketAddr::from((Ipv6Addr::LOCALHOST, server.port()));
    assert_eq!(Client::new(ipv6).get("/health/live").status, 200);
}

#[test]
fn a_port_in_use_is_told_and_not_shared() {
    let first = server(options());
    for bind in ["127.0.0.1", "[::]"] {
        let mut second = Command::new(env!("CARGO_BIN_EXE_trireme"))
            .current_dir(first.folder())
            .env_clear()
            .envs([("PORT", first.port().to_string().as_str()), ("BIND", bind)])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let ended = (0..100).any(|_| {
            sleep(Duration::from_millis(100));
            second.try_wait().unwrap().is_some()
        });
        if !ended {
            second.kill().unwrap();
        }
        let second = second.wait_with_output().unwrap();
        assert_eq!(second.status.code(), Some(1), "{bind}");
        let message = String::from_utf8(second.stderr).unwrap();
        assert!(message.contains(&first.port().to_string()), "{message}");
        assert!(message.contains("Another program listens there"), "{message}");
    }
    assert_eq!(connect(&first).get("/health/live").status, 200);
}

#[test]
fn a_port_of_zero_is_chosen_once_and_told() {
    let folder = Folder::new().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_trireme"))
        .current_dir(folder.path())
        .env_clear()
        .envs([("PORT", "0"), ("BIND", "127.0.0.1"), ("LOG_FORMAT", "json")])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let record: serde_json::Value = serde_json::from_str(&line).unwrap();
    let address: SocketAddr = record["address"].as_str().unwrap().parse().unwrap();
    // Enough connections for all listeners to get some.
    for _ in 0..20 {
        assert_eq!(Client::new(address).get("/health/live").status, 200);
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_misconfigured_production_names_every_fault_and_no_value() {
    let secrets = ["too-short-for-a-key", "sqlite://hidden.db", "*.hidden.example"];
    let result = Server::start(
        options()
            .env("ENVIRONMENT", "production")
            .env("JWT_SECRET", secrets[0])
            .env("DATABASE_URL", secrets[1])
            .env("CORS_ORIGINS", secrets[2])
            .env("AUTH_REQUIRED", "false")
            .env("DATABASE_POOL_MAX", "many")
            .env("LOG_LEVEL", "info,=="),
    );
    let Err(Error::Exited { status, log, .. }) = result else { panic!("it started") };
    assert_eq!(status.code(), Some(78));
    for name in [
        "JWT_SECRET",
        "DATABASE_URL",
        "CORS_ORIGINS",
        "AUTH_REQUIRED",
        "DATABASE_POOL_MAX",
        "LOG_LEVEL",
    ] {
        assert!(
            log.lines().any(|line| line.trim_start().starts_with(name)),
            "{name} is not in:\n{log}"
        );
    }
    for secret in secrets {
        assert!(!log.contains(secret), "{secret} is in:\n{log}");
    }
}

#[test]
fn a_schema_from_the_future_stops_the_start() {
    let mut first = server(options());
    let file = first.folder().join("trireme.sqlite3");
    first.signal(trireme_testbed::Signal::TERM).unwrap();
    first.wait_exit(Duration::from_secs(10)).unwrap();
    let database = rusqlite::Connection::open(&file).unwrap();
    database
        .execute("INSERT INTO schema_migrations SELECT 999, '0999_future', checksum, applied_at, series FROM schema_migrations LIMIT 1", [])
        .unwrap();
    let url = format!("sqlite://{}", file.display());
    let Err(Error::Exited { status, log, .. }) = Server::start(options().env("DATABASE_URL", url))
    else {
        panic!("it started")
    };
    assert_eq!(status.code(), Some(1));
    assert!(log.contains("0999_future") && log.contains("newer"), "{log}");
}

#[test]
fn the_admin_listener_is_on_loopback_unless_told_otherwise() {
    for (bind, expected) in [("", "127.0.0.1:"), ("127.0.0.2", "127.0.0.2:")] {
        let server = server(
            options()
                .env("LOG_FORMAT", "json")
                .env("BIND", "0.0.0.0")
                .env("ADMIN_PORT", free_port().to_string())
                .env("ADMIN_BIND", bind),
        );
        let log = server.log();
        let line = log.lines().find(|line| line.contains("\"listening\"")).unwrap();
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let admin = record["admin"].as_str().unwrap();
        assert!(admin.starts_with(expected), "{record}");
        assert_eq!(Client::new(admin.parse().unwrap()).get("/metrics").status, 200);
    }
}
