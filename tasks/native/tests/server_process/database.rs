//! Starting on PostgreSQL: few connections, a schema that is not there yet.

use std::{
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use trireme_testbed::{Database, Postgres, Until, find_program, require};

use crate::{connect, options, server};

/// Migrating needs one connection, and gets it before the pool takes all that there are.
#[test]
fn it_starts_where_there_are_few_connections() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    for limit in [5, 5, 5, 1] {
        let home = Database::create(postgres).unwrap();
        let sql = format!("ALTER DATABASE {} CONNECTION LIMIT {limit}", home.name());
        home.run_as_superuser(&sql).unwrap();
        let server = server(
            options()
                .env("DATABASE_URL", home.url())
                .env("DATABASE_POOL_MIN", "10")
                .env("DATABASE_POOL_MAX", "100"),
        );
        assert_eq!(connect(&server).get("/health").status, 200, "{}", server.log());
    }
}

/// The lock that migrations wait for is held: the schema is not there.
#[test]
fn who_asks_before_the_schema_is_there_is_told_to_wait() {
    let Some(postgres) = require(Postgres::shared()) else { return };
    let home = Database::create(postgres).unwrap();
    let lock =
        "BEGIN; SELECT pg_advisory_xact_lock(x'74726972656d65'::bigint); SELECT pg_sleep(600)";
    let mut holder = Command::new(find_program("psql").unwrap())
        .args(["-X", "-c", lock, &home.url()])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let wait = |what: &str, is_so: &dyn Fn() -> bool| {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !is_so() {
            assert!(Instant::now() < deadline, "{what}");
            sleep(Duration::from_millis(50));
        }
    };
    let held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted";
    wait("the lock is held", &|| home.run(held).unwrap() != "0");

    let server = server(
        options().env("DATABASE_URL", home.url()).env("LOG_FORMAT", "json").until(Until::Live),
    );
    let body = r#"{"email":"ada@example.com","password":"correct horse battery"}"#;
    let mut client = connect(&server);
    client.send(format!(
        "POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let answer = client.answer();
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.body.contains(r#""code":"starting""#), "{answer:?}");
    let health = connect(&server).get("/health");
    assert_eq!(health.status, 503, "{health:?}");
    assert!(health.body.contains(r#""applied":0"#), "{health:?}");
    assert!(!server.log().contains("ERROR"), "{}", server.log());

    holder.kill().unwrap();
    holder.wait().unwrap();
    home.run("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)' AND pid <> pg_backend_pid()").unwrap();
    wait("it is ready", &|| connect(&server).get("/health/ready").status == 200);
}
