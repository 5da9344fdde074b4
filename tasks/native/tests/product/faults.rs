use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use trireme_testbed::{
    Database, Mode, Postgres, PostgresOptions, Server, ServerOptions, Until, http,
};

use super::options;

fn start(options: ServerOptions) -> Server {
    Server::start(options).unwrap_or_else(|error| panic!("{error}"))
}

/// A server's own PostgreSQL, which may be stopped.
fn private_postgres() -> Option<Postgres> {
    trireme_testbed::require(Postgres::with(PostgresOptions::default()))
}

/// The value of a text member of a JSON body; the bodies here have each name once.
fn member(body: &str, name: &str) -> String {
    let (_, rest) =
        body.split_once(&format!("\"{name}\":\"")).unwrap_or_else(|| panic!("no {name} in {body}"));
    rest.split('"').next().unwrap().to_owned()
}

fn sign_up(server: &Server) -> String {
    let body = r#"{"email":"ada@example.com","password":"correct horse battery"}"#;
    let answer = http::post(server.port(), "/api/v1/auth/register", "", body).unwrap();
    assert_eq!(answer.status, 201, "{}", answer.body);
    member(&answer.body, "access_token")
}

#[test]
fn the_database_goes_away_under_load_and_comes_back() {
    let Some(mut postgres) = private_postgres() else { return };
    let database = Database::create(&postgres).unwrap();
    let server = start(options(&database.url()).env("DATABASE_ACQUIRE_TIMEOUT_MS", "1000"));
    let (port, token) = (server.port(), sign_up(&server));

    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut written = Vec::new();
                    let mut slowest = Duration::ZERO;
                    while !stop.load(Relaxed) {
                        let begun = Instant::now();
                        let answer =
                            http::post(port, "/api/v1/tasks", &token, r#"{"title":"x"}"#).unwrap();
                        slowest = slowest.max(begun.elapsed());
                        match answer.status {
                            201 => written.push(member(&answer.body, "id")),
                            503 => thread::sleep(Duration::from_millis(20)),
                            other => panic!("{other}: {}", answer.body),
                        }
                    }
                    (written, slowest)
                })
            })
            .collect();

        thread::sleep(Duration::from_millis(500));
        postgres.stop(Mode::Immediate).unwrap();
        thread::sleep(Duration::from_millis(300));
        assert_eq!(http::get(port, "/health/live").unwrap().status, 200);
        assert_eq!(http::get(port, "/health/ready").unwrap().status, 503);
        let health = http::get(port, "/health").unwrap();
        assert!(health.status == 503 && health.body.contains("degraded"), "{}", health.body);
        thread::sleep(Duration::from_secs(1));
        postgres.start_again().unwrap();
        let back = Instant::now();
        while http::get(port, "/health/ready").unwrap().status != 200 {
            assert!(back.elapsed() < Duration::from_secs(5), "it serves again within 5 s");
            thread::sleep(Duration::from_millis(20));
        }
        thread::sleep(Duration::from_millis(500));
        stop.store(true, Relaxed);

        let written: Vec<_> = writers.into_iter().map(|writer| writer.join().unwrap()).collect();
        let kept = database.run("SELECT id FROM tasks").unwrap();
        for (written, slowest) in written {
            assert!(!written.is_empty());
            assert!(slowest < Duration::from_secs(4), "a request waited {slowest:?}");
            for id in written {
                assert!(kept.contains(&id), "an acknowledged task is lost: {id}");
            }
        }
    });
}

#[test]
fn an_exhausted_pool_refuses_in_time_and_stays_alive() {
    let Some(postgres) = trireme_testbed::require(Postgres::shared()) else { return };
    let database = Database::create(postgres).unwrap();
    let server = start(
        options(&database.url())
            .env("DATABASE_POOL_MIN", "1")
            .env("DATABASE_POOL_MAX", "2")
            .env("DATABASE_ACQUIRE_TIMEOUT_MS", "400"),
    );
    let (port, token) = (server.port(), sign_up(&server));
    thread::scope(|scope| {
        // Whoever writes waits for this lock, each on a connection of the pool.
        let lock =
            scope.spawn(|| database.run("BEGIN; LOCK TABLE tasks; SELECT pg_sleep(3); COMMIT"));
        thread::sleep(Duration::from_millis(500));
        let post = || http::post(port, "/api/v1/tasks", &token, r#"{"title":"x"}"#).unwrap();
        let held: Vec<_> = (0..2).map(|_| scope.spawn(post)).collect();
        thread::sleep(Duration::from_millis(300));

        let begun = Instant::now();
        let refused = post();
        assert_eq!(refused.status, 503, "{}", refused.body);
        assert_eq!(member(&refused.body, "code"), "database_unavailable");
        assert!(
            (Duration::from_millis(300)..Duration::from_millis(1500)).contains(&begun.elapsed())
        );
        let begun = Instant::now();
        assert_eq!(http::get(port, "/health/live").unwrap().status, 200);
        assert!(begun.elapsed() < Duration::from_millis(200), "the live path waits for nobody");

        for held in held {
            assert_eq!(held.join().unwrap().status, 201);
        }
        lock.join().unwrap().unwrap();
        assert_eq!(post().status, 201);
    });
}

#[test]
fn a_server_waits_for_a_database_that_is_not_there_yet() {
    let Some(mut postgres) = private_postgres() else { return };
    let database = Database::create(&postgres).unwrap();
    postgres.stop(Mode::Fast).unwrap();
    let server = start(options(&database.url()).until(Until::Live));
    assert_eq!(http::get(server.port(), "/health/ready").unwrap().status, 503);
    postgres.start_again().unwrap();
    let back = Instant::now();
    while http::get(server.port(), "/health/ready").unwrap().status != 200 {
        assert!(back.elapsed() < Duration::from_secs(10), "{}", server.log());
        thread::sleep(Duration::from_millis(50));
    }
    sign_up(&server);
}

#[test]
fn several_instances_start_at_once_and_migrate_once() {
    let Some(postgres) = trireme_testbed::require(Postgres::shared()) else { return };
    let database = Database::create(postgres).unwrap();
    thread::scope(|scope| {
        let servers: Vec<_> =
            (0..4).map(|_| scope.spawn(|| Server::start(options(&database.url())))).collect();
        for server in servers {
            let server = server.join().unwrap().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(http::get(server.port(), "/health").unwrap().status, 200);
        }
    });
    assert_eq!(
        database.run("SELECT count(*) FROM schema_migrations").unwrap(),
        trireme_core::migrations::all(
            trireme::series::<trireme_tasks::Tasks>(),
            trireme_core::host::Backend::Postgres
        )
        .len()
        .to_string()
    );
}

#[test]
fn a_schema_that_is_newer_or_changed_stops_the_start() {
    let Some(postgres) = trireme_testbed::require(Postgres::shared()) else { return };
    let database = Database::create(postgres).unwrap();
    drop(start(options(&database.url())));
    for (sql, word) in [
        (
            "INSERT INTO schema_migrations (version, name, checksum, applied_at, series) VALUES (9999, '9999_future', 'x', now(), 'tasks')",
            "9999",
        ),
        (
            "DELETE FROM schema_migrations WHERE version = 9999; UPDATE schema_migrations SET checksum = 'x' WHERE version = 2",
            "0002_contexts_and_tasks",
        ),
    ] {
        database.run(sql).unwrap();
        let Err(error) = Server::start(options(&database.url())) else { panic!("it started") };
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn a_session_ends_on_every_instance_at_once() {
    let Some(postgres) = trireme_testbed::require(Postgres::shared()) else { return };
    let database = Database::create(postgres).unwrap();
    let (one, two) = (start(options(&database.url())), start(options(&database.url())));
    let body = r#"{"email":"ada@example.com","password":"correct horse battery"}"#;
    let answer = http::post(one.port(), "/api/v1/auth/register", "", body).unwrap();
    let (access, refresh) =
        (member(&answer.body, "access_token"), member(&answer.body, "refresh_token"));
    let create =
        || http::post(two.port(), "/api/v1/tasks", &access, r#"{"title":"x"}"#).unwrap().status;
    assert_eq!(create(), 201);
    let logout = format!(r#"{{"refresh_token":"{refresh}"}}"#);
    assert_eq!(http::post(one.port(), "/api/v1/auth/logout", "", &logout).unwrap().status, 204);
    assert_eq!(create(), 401);
    assert_eq!(
        database.run("SELECT count(*) FROM tasks").unwrap(),
        "1",
        "nothing of it has happened"
    );
}
