//! `trireme doctor` and `trireme migrate`, as processes.

#[path = "../../../native-host/tests/database_support/mod.rs"]
mod database_support;

use std::process::Command;

use serde_json::Value;
use trireme_testbed::{Folder, PgBouncer, PoolMode, Postgres, require};

use database_support::{User, config, migrate, open, until};

struct Ran {
    code: i32,
    out: String,
    err: String,
}

fn trireme(arguments: &[&str], url: &str) -> Ran {
    trireme_with(arguments, url, "")
}

fn trireme_with(arguments: &[&str], url: &str, direct_url: &str) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_trireme"))
        .args(arguments)
        .env_clear()
        .env("DATABASE_URL", url)
        .env("DIRECT_DATABASE_URL", direct_url)
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// What `doctor` found: the level of each check and what it says, as `check level detail`.
fn findings(url: &str) -> (i32, Vec<String>) {
    findings_with(url, "")
}

fn findings_with(url: &str, direct_url: &str) -> (i32, Vec<String>) {
    let ran = trireme_with(&["doctor", "--json"], url, direct_url);
    let document: Value =
        serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{}{}", ran.out, ran.err));
    let word = |finding: &Value, name: &str| finding[name].as_str().unwrap_or_default().to_owned();
    let findings = document["findings"].as_array().unwrap().iter();
    let lines = findings
        .map(|it| format!("{} {} {}", word(it, "check"), word(it, "level"), word(it, "detail")));
    (ran.code, lines.collect())
}

#[track_caller]
fn finds(found: &(i32, Vec<String>), start: &str, part: &str) {
    let fits = |line: &String| line.starts_with(start) && line.contains(part);
    assert!(found.1.iter().any(fits), "no `{start} … {part}` in {:#?}", found.1);
}

#[tokio::test]
async fn the_doctor_finds_a_healthy_server_healthy() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let home = trireme_testbed::Database::create(postgres).unwrap();
    let migrated = trireme(&["migrate"], &home.url());
    assert_eq!(migrated.code, 0, "{}", migrated.err);
    let found = findings(&home.url());
    for check in [
        "connection",
        "way",
        "version",
        "encoding",
        "writing",
        "encryption",
        "clock",
        "role",
        "walls",
        "locks",
        "schema",
        "tables",
    ] {
        finds(&found, &format!("{check} ok"), "");
    }
    finds(&found, "way ok", "Direct");
    finds(&found, "role ok", "may become trireme_user_");
    finds(&found, "distance", "round trip");
    finds(&found, "capacity", "200 connections");
    assert_eq!(found.0, 0);

    let text = trireme(&["doctor"], &home.url());
    assert!(text.out.contains("ok      schema"), "{}", text.out);
    let password = home.url().split([':', '@']).nth(2).unwrap().to_owned();
    assert!(!text.out.contains(&password) && !text.err.contains(&password));
}

#[tokio::test]
async fn the_doctor_finds_what_is_wrong() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let home = trireme_testbed::Database::create(postgres).unwrap();
    finds(&findings(&home.url()), "schema warning", "0001_accounts");
    trireme(&["migrate"], &home.url());

    let superuser = findings(&home.superuser_url());
    finds(&superuser, "role warning", "superuser");
    assert_eq!(superuser.0, 0, "a warning is no problem");

    home.run("ALTER TABLE tasks DISABLE ROW LEVEL SECURITY").unwrap();
    let found = findings(&home.url());
    finds(&found, "walls problem", "tasks");
    assert_eq!(found.0, 1);
    home.run("ALTER TABLE tasks ENABLE ROW LEVEL SECURITY").unwrap();

    home.run("CREATE TABLE stray (user_id uuid)").unwrap();
    finds(&findings(&home.url()), "tables warning", "stray");
    home.run("DROP TABLE stray").unwrap();

    let holder = home.url();
    let mut holder = Command::new("psql")
        .args(["-X", &holder, "-c", "SELECT pg_advisory_lock(1)", "-c", "SELECT pg_sleep(60)"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let held =
        "SELECT count(*) > 0 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = 1";
    until(|| home.run(held).unwrap() == "t");
    finds(&findings(&home.url()), "locks warning", "process ");
    holder.kill().unwrap();
    holder.wait().unwrap();

    home.run("INSERT INTO schema_migrations VALUES (999, '0999_later', '', now(), 'trireme')")
        .unwrap();
    let found = findings(&home.url());
    finds(&found, "schema problem", "0999_later");
    assert_eq!(found.0, 1);

    let name = home.name();
    home.run(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).unwrap();
    finds(&findings(&home.url()), "writing problem", "read-only");
}

#[tokio::test]
async fn the_doctor_knows_a_pooler() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let Some(bouncer) = require(PgBouncer::start(postgres, PoolMode::Transaction, 1)) else {
        return;
    };
    let home = trireme_testbed::Database::create(postgres).unwrap();
    trireme(&["migrate"], &bouncer.url(home.name()));
    let found = findings(&bouncer.url(home.name()));
    finds(&found, "way warning", "PgBouncer");
    finds(&found, "schema ok", "");
    assert_eq!(found.0, 0);

    let found = findings_with(&bouncer.url(home.name()), &home.url());
    finds(&found, "way ok", "PgBouncer");
    finds(&found, "migrations ok", &postgres.port().to_string());
    let found = findings_with(&bouncer.url(home.name()), &bouncer.url(home.name()));
    finds(&found, "migrations warning", "pooler");
    let found = findings_with(&home.url(), "postgres://nobody@127.0.0.1:1/nothing");
    finds(&found, "migrations problem", "Connection refused");
    assert_eq!(found.0, 1);
}

#[tokio::test]
async fn the_doctor_says_why_it_cannot_connect() {
    let found = findings("postgres://nobody:hush@127.0.0.1:1/nothing");
    finds(&found, "connection problem", "Connection refused");
    assert_eq!(found.0, 1);
    let ran = trireme(&["doctor"], "postgres://nobody:hush@127.0.0.1:1/nothing?sslmode=hush");
    assert_eq!(ran.code, 78, "{}{}", ran.out, ran.err);
    assert!(
        ran.err.contains("DATABASE_URL")
            && ran.err.contains("sslmode")
            && !ran.err.contains("hush"),
        "{}",
        ran.err
    );

    let Some(postgres) = require(Postgres::shared()) else { return };
    let password = postgres.url("x").split([':', '@']).nth(2).unwrap().to_owned();
    for (wrong, cause) in [
        (postgres.url("nothing"), "3D000"),
        (postgres.url("postgres").replace(&password, "wrong"), "28P01"),
    ] {
        let found = findings(&wrong);
        finds(&found, "connection problem", cause);
        assert_eq!(found.0, 1);
    }
}

#[tokio::test]
async fn the_doctor_looks_at_a_file() {
    let folder = Folder::new().unwrap();
    let path = folder.path().join("trireme.sqlite3");
    let url = format!("sqlite://{}", path.display());
    finds(&findings(&url), "file warning", "not there yet");
    assert!(!path.exists(), "it only looks");

    let database = open(&config(&url));
    migrate(&database).await;
    User::create(&database, 1).await;
    drop(database);
    std::fs::remove_file(folder.path().join("trireme.sqlite3-wal")).unwrap_err();
    let trimmed = rusqlite::Connection::open(&path).unwrap();
    trimmed
        .execute_batch("DROP TABLE samples; DELETE FROM schema_migrations WHERE version = 1000")
        .unwrap();
    let found = findings(&url);
    for check in ["file", "version", "journal", "permissions", "integrity", "schema"] {
        finds(&found, &format!("{check} ok"), "");
    }
    assert_eq!(found.0, 0);

    trimmed.execute_batch("PRAGMA foreign_keys = off; DELETE FROM users").unwrap();
    finds(&findings(&url), "integrity problem", "refer");

    let noise = folder.path().join("noise");
    std::fs::write(
        &noise,
        "this is no database, whatever its name may be, and long enough to look like one"
            .repeat(50),
    )
    .unwrap();
    let found = findings(&format!("sqlite://{}", noise.display()));
    finds(&found, "file problem", "not a database");
    assert_eq!(found.0, 1);
}

#[test]
fn migrate_tells_what_it_does() {
    let folder = Folder::new().unwrap();
    let url = format!("sqlite://{}", folder.path().join("trireme.sqlite3").display());
    let status = trireme(&["migrate", "--status"], &url);
    assert_eq!(status.code, 1, "{}", status.err);
    assert!(
        status.out.contains("0001_accounts") && status.out.contains("pending"),
        "{}",
        status.out
    );

    let dry = trireme(&["migrate", "--dry-run", "--json"], &url);
    let pending: Value = serde_json::from_str(&dry.out).unwrap();
    assert_eq!((dry.code, &pending["pending"][0]["version"]), (0, &Value::from(1)));

    let first = trireme(&["migrate", "--to", "1", "--json"], &url);
    let applied: Value = serde_json::from_str(&first.out).unwrap();
    assert_eq!((first.code, applied["applied"].as_array().unwrap().len()), (0, 1));
    let rest = trireme(&["migrate"], &url);
    assert!(
        rest.code == 0 && rest.out.contains("0002_contexts_and_tasks"),
        "{}{}",
        rest.out,
        rest.err
    );
    let again = trireme(&["migrate"], &url);
    assert!(again.code == 0 && again.out.contains("Nothing to do"), "{}", again.out);
    assert_eq!(trireme(&["migrate", "--status"], &url).code, 0);

    let back = trireme(&["migrate", "--to", "1"], &url);
    assert!(back.code == 1 && back.err.contains("Restore a backup"), "{}", back.err);
    assert_eq!(trireme(&["migrate", "--status", "--to", "1"], &url).code, 2);
    let away = trireme(&["migrate"], "postgres://nobody@127.0.0.1:1/nothing");
    assert!(away.code == 1 && away.err.contains("can't be reached"), "{}", away.err);
}
